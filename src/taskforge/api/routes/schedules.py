"""Scheduled jobs: the paths and bodies of the scheduler seed, and what operators need beside them."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path, Query
from starlette.responses import Response

from taskforge.api.backend import ProjectServices
from taskforge.api.call import Call, Calling
from taskforge.api.etags import check_match, etag_of
from taskforge.api.pages import SortedPaging
from taskforge.api.routes.operations import begun
from taskforge.api.routing import Resource
from taskforge.api.tenancy import Everywhere, OneProject, ProjectChoice, look_up
from taskforge.api.values import Flag
from taskforge.api.views.operations import OperationView
from taskforge.api.views.schedules import (
    NewSchedule,
    RestView,
    ScheduleChange,
    Span,
    TriggeredView,
    visible_run,
)
from taskforge.domain.access import Permission
from taskforge.domain.errors import JobCancelled, JobFailed, ResultTimeout
from taskforge.domain.redaction import Redaction, redact, restore
from taskforge.domain.schedule import Schedule
from taskforge.sdk.codec import decode
from taskforge.services.schedule_records import (
    ScheduleDetail,
    ScheduleRecord,
    schedule_detail,
    schedule_record,
)

Record = TypeVar("Record", bound=ScheduleRecord)

schedules = Resource("/scheduled-jobs", "scheduled-jobs")

Hours = Annotated[float, Query(gt=0, le=8784, description="The last so many hours.")]
Success = Annotated[Flag | None, Query(description="Only runs that ended well, or did not.")]


@dataclass(frozen=True, slots=True)
class ScheduleAt:
    """A schedule, and the services of its project."""

    services: ProjectServices
    schedule: Schedule


async def schedule_at(
    schedule_name: Annotated[str, Path(description="The schedule's `job_id`, unique in its project.")],
    call: Calling,
    project_id: ProjectChoice = None,
) -> ScheduleAt:
    unknown = "there is no scheduled job of this name"
    services, schedule = await look_up(
        call, lambda one: one.schedules.find(schedule_name), unknown, project_id
    )
    return ScheduleAt(services, schedule)


ScheduleHere = Annotated[ScheduleAt, Depends(schedule_at)]


@schedules.get(
    "", permission=Permission.SCHEDULE_READ, name="scheduled_jobs.list", answers=ScheduleRecord, is_list=True
)
async def list_schedules(call: Calling, everywhere: Everywhere, page: SortedPaging) -> Response:
    """All scheduled jobs by name."""
    found = [schedule for services in everywhere for schedule in await services.schedules.list()]
    part, meta = page.cut(sorted(found, key=lambda schedule: (schedule.name, schedule.id)))
    data = [_record(call, schedule_record(schedule, call.language)) for schedule in part]
    return call.answer(data, "schedules.listed", meta=meta, count=len(found))


@schedules.post(
    "",
    permission=Permission.SCHEDULE_WRITE,
    name="scheduled_jobs.create",
    answers=ScheduleDetail,
    status=201,
    problems=(404, 409),
)
async def create_schedule(call: Calling, project: OneProject, body: NewSchedule) -> Response:
    """Make a scheduled job of a known task."""
    schedule = await project.schedules.create(body.job_id, body.given())
    location = f"/api/v1/scheduled-jobs/{schedule.name}"
    return call.created(
        _record(call, schedule_detail(schedule, None, call.language)),
        location,
        "schedules.created",
        headers=_version(schedule),
    )


@schedules.post(
    "/pause",
    permission=Permission.SCHEDULE_WRITE,
    name="scheduled_jobs.pause_all",
    answers=RestView,
    problems=(404,),
)
async def pause_schedules(call: Calling, project: OneProject) -> Response:
    """Let all scheduled jobs of the project rest, those that are made meanwhile as well."""
    return call.answer(RestView(True, await project.schedules.pause_all()), "updated")


@schedules.post(
    "/resume",
    permission=Permission.SCHEDULE_WRITE,
    name="scheduled_jobs.resume_all",
    answers=RestView,
    problems=(404,),
)
async def resume_schedules(call: Calling, project: OneProject) -> Response:
    """Let all scheduled jobs of the project go on, from now on."""
    return call.answer(RestView(False, await project.schedules.resume_all()), "updated")


@schedules.get(
    "/{schedule_name}",
    permission=Permission.SCHEDULE_READ,
    name="scheduled_jobs.get",
    answers=ScheduleDetail,
    problems=(404,),
)
async def get_schedule(call: Calling, here: ScheduleHere) -> Response:
    """One scheduled job, with its latest run."""
    return await _whole(call, here)


@schedules.patch(
    "/{schedule_name}",
    permission=Permission.SCHEDULE_WRITE,
    name="scheduled_jobs.update",
    answers=ScheduleRecord,
    status=204,
    problems=(404, 409, 412),
)
async def update_schedule(call: Calling, here: ScheduleHere, body: ScheduleChange) -> Response:
    """Change what the body names; a deploy does not undo it. With If-Match only the version that was seen."""

    def check(schedule: Schedule) -> None:
        check_match(call.request, etag_of(schedule.updated_at))

    given = body.given()
    if "arguments" in given:
        before = here.schedule.spec.arguments
        given["arguments"] = restore(given["arguments"], before, call.principal.redacted, where="arguments")
    changed = await here.services.schedules.edit(here.schedule.name, given, check=check)
    return call.done(
        _record(call, schedule_record(changed, call.language)), "updated", headers=_version(changed)
    )


@schedules.delete(
    "/{schedule_name}",
    permission=Permission.SCHEDULE_WRITE,
    name="scheduled_jobs.delete",
    status=204,
    problems=(404, 412),
)
async def delete_schedule(call: Calling, here: ScheduleHere) -> Response:
    """Remove a scheduled job. One that code declares comes back when that code starts."""
    check_match(call.request, etag_of(here.schedule.updated_at))
    await here.services.schedules.delete(here.schedule.name)
    return call.done(None, "deleted")


@schedules.post(
    "/{schedule_name}/enable",
    permission=Permission.SCHEDULE_WRITE,
    name="scheduled_jobs.enable",
    answers=ScheduleRecord,
    status=204,
    problems=(404,),
)
async def enable_schedule(call: Calling, here: ScheduleHere) -> Response:
    """Let it be due again, from now on."""
    changed = await here.services.schedules.enable(here.schedule.name)
    return call.done(
        _record(call, schedule_record(changed, call.language)), "updated", headers=_version(changed)
    )


@schedules.post(
    "/{schedule_name}/disable",
    permission=Permission.SCHEDULE_WRITE,
    name="scheduled_jobs.disable",
    answers=ScheduleRecord,
    status=204,
    problems=(404,),
)
async def disable_schedule(call: Calling, here: ScheduleHere) -> Response:
    """Let it be due no more until it is enabled, whatever code says."""
    changed = await here.services.schedules.disable(here.schedule.name)
    return call.done(
        _record(call, schedule_record(changed, call.language)), "updated", headers=_version(changed)
    )


@schedules.post(
    "/{schedule_name}/reset",
    permission=Permission.SCHEDULE_WRITE,
    name="scheduled_jobs.reset",
    answers=ScheduleRecord,
    status=204,
    problems=(404, 409),
)
async def reset_schedule(call: Calling, here: ScheduleHere) -> Response:
    """Go back to what the code says."""
    changed = await here.services.schedules.reset(here.schedule.name)
    return call.done(
        _record(call, schedule_record(changed, call.language)), "updated", headers=_version(changed)
    )


@schedules.post(
    "/{schedule_name}/trigger",
    permission=Permission.SCHEDULE_EXECUTE,
    name="scheduled_jobs.trigger",
    answers=TriggeredView,
    also=(202,),
    problems=(404, 409),
)
async def trigger_schedule(
    call: Calling,
    here: ScheduleHere,
    wait: Annotated[float, Query(ge=0, le=60, description="Seconds to wait for its end.")] = 30.0,
) -> Response:
    """Run it now, on a worker, and wait for its end; 202 when it goes on after that, with its job's address."""
    name = here.schedule.name
    job_id = await here.services.schedules.trigger(name)
    success, told, result = None, None, None
    try:
        if wait:
            waited = call.until_stopped(_output(here.services, job_id, wait))
            ended = await waited
            if ended is not None:
                hidden = Redaction.of(call.principal.redacted, here.schedule.spec.arguments, ended[0])
                success, result = True, hidden.value(ended[0])
                told = result.get("message") if isinstance(result, dict) else None
    except ResultTimeout:
        pass
    except (JobFailed, JobCancelled) as error:
        hidden = Redaction.of(call.principal.redacted, here.schedule.spec.arguments)
        success, told = False, hidden.text(error.message)
    view = TriggeredView(name, job_id, success, told if isinstance(told, str) else None, result)
    if success is None:
        headers = {"Location": f"{call.root}/api/v1/jobs/{job_id}"}
        return call.answer(view, "accepted", status=202, headers=headers)
    return call.answer(view, "schedules.ran" if success else "schedules.failed")


async def _output(services: ProjectServices, job_id: Any, wait: float) -> tuple[Any]:
    text = await services.results.wait(job_id, wait)
    return (None if text is None else decode(text),)


@schedules.post(
    "/{schedule_name}/backfill",
    permission=Permission.SCHEDULE_EXECUTE,
    name="scheduled_jobs.backfill",
    answers=OperationView,
    status=202,
    problems=(404, 409),
)
async def backfill_schedule(call: Calling, here: ScheduleHere, body: Span) -> Response:
    """Begin to run the due times of a past span, 10,000 at most, that have not run.

    The answer says where to look how far it is, and how many due times there are: `counted`. It can be cancelled.
    """
    span, due = await here.services.backfill.span(here.schedule, body.since, body.until)
    return begun(call, await here.services.operations.begin_backfill(span, due))


async def _whole(call: Call, here: ScheduleAt) -> Response:
    latest = await here.services.schedules.latest(here.schedule)
    detail = schedule_detail(here.schedule, latest, call.language)
    if detail.latest_execution is not None:
        detail = replace(
            detail, latest_execution=visible_run(detail.latest_execution, here.schedule, call.principal)
        )
    return call.answer(_record(call, detail), "schedules.found", headers=_version(here.schedule))


def _record(call: Call, record: Record) -> Record:
    hidden = call.principal.redacted
    if not hidden:
        return record
    return replace(record, arguments=redact(record.arguments, hidden), drift=redact(record.drift, hidden))


def _version(schedule: Schedule) -> dict[str, str]:
    return {"ETag": etag_of(schedule.updated_at)}
