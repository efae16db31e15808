"""Runs of scheduled jobs: what was, and what is to come."""

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from taskforge.api.call import Calling
from taskforge.api.pages import Paging, SortedPaging
from taskforge.api.routes.schedules import ScheduleHere
from taskforge.api.routing import Resource
from taskforge.api.tenancy import OneProject
from taskforge.api.values import Flag, Moment
from taskforge.api.views.schedules import LatestRuns, RunStatsView, run_views_of
from taskforge.domain.access import Permission
from taskforge.domain.tick import TickOutcome
from taskforge.ports.schedules import RunFilter
from taskforge.services.schedule_records import DueTime, ExecutionRecord, upcoming
from taskforge.services.schedules import COUNT_BOUND

runs = Resource("/scheduled-jobs", "scheduled-jobs")

Hours = Annotated[float, Query(gt=0, le=8784, description="The last so many hours.")]
Success = Annotated[Flag | None, Query(description="Only runs that ended well, or did not.")]


@runs.get(
    "/executions/recent",
    permission=Permission.SCHEDULE_READ,
    name="scheduled_jobs.recent",
    answers=ExecutionRecord,
    is_list=True,
    problems=(404,),
)
async def recent_executions(
    call: Calling, project: OneProject, page: Paging, hours: Hours = 24.0, success: Success = None
) -> Response:
    """Runs of all scheduled jobs of a project, the latest first."""
    chosen = RunFilter(ended_well=success, limit=page.limit, skip=page.skip)
    total = await project.schedules.count_recent(hours, chosen)
    found = await project.schedules.recent(hours, chosen)
    meta = page.meta(has_more=page.skip + len(found) < total, total=total, is_capped=total >= COUNT_BOUND)
    schedules = await project.schedules.list() if call.principal.redacted else ()
    shown = run_views_of(found, schedules, call.principal)
    return call.answer(shown, "schedules.recent", meta=meta, count=total)


@runs.get(
    "/executions/latest",
    permission=Permission.SCHEDULE_READ,
    name="scheduled_jobs.latest",
    answers=LatestRuns,
    is_list=True,
    problems=(404,),
)
async def latest_executions(
    call: Calling,
    project: OneProject,
    page: SortedPaging,
    count: Annotated[int, Query(ge=1, le=50, description="How many of each.")] = 14,
) -> Response:
    """The latest due times of each scheduled job, by its name: how each fares, at a glance."""
    schedules = sorted(await project.schedules.list(), key=lambda schedule: (schedule.name, schedule.id))
    part, meta = page.cut(schedules)
    shown = [
        LatestRuns(schedule.name, run_views_of(found, [schedule], call.principal))
        for schedule, found in await project.schedules.latest_of(part, count)
    ]
    return call.answer(shown, "schedules.recent", meta=meta, count=len(schedules))


@runs.get(
    "/{schedule_name}/history",
    permission=Permission.SCHEDULE_READ,
    name="scheduled_jobs.history",
    answers=ExecutionRecord,
    is_list=True,
    problems=(404,),
)
async def schedule_history(
    call: Calling,
    here: ScheduleHere,
    page: Paging,
    success: Success = None,
    outcome: Annotated[TickOutcome | None, Query(description="What became of the due time.")] = None,
) -> Response:
    """Its due times that have come and what became of them, the latest first. Deeper than the first page: by cursor."""
    schedules = here.services.schedules
    wanted = None if outcome is None else outcome.value
    chosen = RunFilter(wanted, success, page.limit + 1, page.skip, page.after)
    total = None if page.after is not None else await schedules.count_runs(here.schedule, chosen)
    read = await schedules.runs(here.schedule, chosen)
    part = read[: page.limit]
    meta = page.meta(
        has_more=len(read) > len(part),
        total=total,
        is_capped=total is not None and total >= COUNT_BOUND,
        last=part[-1].id if part else None,
    )
    shown = run_views_of(part, [here.schedule], call.principal)
    return call.answer(shown, "schedules.history", meta=meta, name=here.schedule.name)


@runs.get(
    "/{schedule_name}/stats",
    permission=Permission.SCHEDULE_READ,
    name="scheduled_jobs.stats",
    answers=RunStatsView,
    problems=(404,),
)
async def schedule_stats(call: Calling, here: ScheduleHere, hours: Hours = 168.0) -> Response:
    """What its runs of a period add up to."""
    stats = await here.services.schedules.stats(here.schedule, hours)
    ended = stats.successful_runs + stats.failed_runs
    rate = round(100.0 * stats.successful_runs / ended, 2) if ended else 100.0
    average = None if stats.avg_duration is None else round(stats.avg_duration, 3)
    return call.figures(
        RunStatsView(
            here.schedule.name,
            hours,
            stats.total_runs,
            stats.successful_runs,
            stats.failed_runs,
            rate,
            average,
        )
    )


@runs.get(
    "/{schedule_name}/preview",
    permission=Permission.SCHEDULE_READ,
    name="scheduled_jobs.preview",
    answers=list[DueTime],
    problems=(404,),
)
async def preview_schedule(
    call: Calling,
    here: ScheduleHere,
    count: Annotated[int, Query(ge=1, le=1000, description="How many.")] = 10,
    after: Annotated[Moment | None, Query(description="Later than this; else than now.")] = None,
) -> Response:
    """Its next due times, and what a change of the clock does to them."""
    timetable = await here.services.schedules.timetable(here.schedule)
    start = after or await here.services.schedules.now()
    return call.answer(upcoming(timetable, start, count))
