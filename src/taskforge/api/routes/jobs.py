"""Jobs: make, look at, steer."""

from contextlib import suppress
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from taskforge.api import filters
from taskforge.api.bodies import parse
from taskforge.api.call import Calling
from taskforge.api.creation import creation_in
from taskforge.api.operation import Reach
from taskforge.api.pages import SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import Everywhere, JobHere, OneProject, QueueHere, queue_beside
from taskforge.api.values import Id
from taskforge.api.views.drafts import MAX_BULK, NewJob, NewJobs, convert, request_body
from taskforge.api.views.jobs import (
    ErrorGroupView,
    JobCountsView,
    JobStatsView,
    JobView,
    Move,
    Reschedule,
    ResultView,
    Retry,
    SubmittedView,
    WhyView,
    counts_view_of,
    group_view_of,
    stats_view_of,
    view_of,
    why_view_of,
)
from taskforge.domain.access import Permission
from taskforge.domain.errors import InvalidInput, JobCancelled, JobFailed, ResultTimeout
from taskforge.domain.job import Job
from taskforge.domain.redaction import Redaction, restore
from taskforge.ports.history import Ending
from taskforge.sdk.codec import decode, encode

LONGEST_WAIT_SECONDS = 60

jobs = Resource("/jobs", "jobs")


@jobs.post(
    "",
    permission=Permission.JOB_WRITE,
    name="jobs.create",
    makes="job_id",
    answers=JobView,
    status=201,
    reach=Reach.QUEUE,
    is_raw=True,
    problems=(404, 409),
    extra=request_body("NewJob"),
    keeps_identity=True,
)
async def create_job(call: Calling, project: OneProject) -> Response:
    """Accept a job.

    The answer comes when it is stored. A job with a `key` that an unfinished one has is not made: the answer is 200
    and that one. With an `Idempotency-Key` it is made once, however often the request comes within a day.
    """
    draft: NewJob = convert(parse(await call.request.body()), NewJob)
    creation = await creation_in(call, project, [draft])
    [submitted] = await creation.accept([draft], is_bulk=False)
    job = await creation.services.insights.job(submitted.id)
    data = view_of(job, call.principal)
    if not submitted.created:
        return call.answer(data, "jobs.exists", headers=creation.headers)
    location = f"/api/v1/jobs/{submitted.id}"
    return call.created(data, location, "jobs.created", headers=creation.headers)


@jobs.post(
    "/bulk",
    permission=Permission.JOB_WRITE,
    name="jobs.create_many",
    answers=list[SubmittedView],
    status=201,
    reach=Reach.QUEUE,
    is_raw=True,
    problems=(404, 409),
    max_bytes=8 * 1024 * 1024,
    extra=request_body("NewJobs"),
    keeps_identity=True,
)
async def create_jobs(call: Calling, project: OneProject) -> Response:
    """Accept up to 1,000 jobs of one project, all or none."""
    body = parse(await call.request.body())
    if isinstance(body, dict) and isinstance(body.get("jobs"), list) and len(body["jobs"]) > MAX_BULK:
        raise InvalidInput(f"{len(body['jobs']):,} jobs are more than {MAX_BULK:,}", field="jobs")
    drafts: NewJobs = convert(body, NewJobs)
    creation = await creation_in(call, project, drafts.jobs)
    submitted = await creation.accept(drafts.jobs, is_bulk=True)
    data = [SubmittedView(*job) for job in submitted]
    return call.answer(data, "created", status=201, headers=creation.headers)


@jobs.get(
    "",
    permission=Permission.JOB_READ,
    name="jobs.list",
    answers=JobView,
    is_list=True,
    reach=Reach.QUEUE,
    problems=(404,),
)
async def list_jobs(
    call: Calling,
    everywhere: Everywhere,
    page: SortedPaging,
    queue_id: filters.QueueIds = None,
    queue_name: filters.Text = None,
    status: filters.Statuses = None,
    job_type: filters.Text = None,
    tag: filters.Text = None,
    payload_path: filters.PayloadPath = None,
    payload_value: filters.PayloadValue = None,
    error: filters.Error = None,
    fingerprint: filters.Fingerprint = None,
    created_from: filters.Time = None,
    created_to: filters.Time = None,
    scheduled_from: filters.Time = None,
    scheduled_to: filters.Time = None,
    dead_letter_queue_id: Annotated[Id | None, Query()] = None,
    id_suffix: Annotated[
        str | None,
        Query(
            pattern="^[0-9a-f]{4,32}$",
            description="Alone: at most 20 of the newest 10,000 whose id ends so, without hyphens.",
        ),
    ] = None,
) -> Response:
    """Jobs, newest first."""
    if id_suffix is not None:
        found = [job for services in everywhere for job in await services.insights.ending_with(id_suffix)]
        seen = [job for job in found if call.principal.reaches_queue(job.queue_id)]
        part, meta = page.cut(seen)
        data = [view_of(job, call.principal) for job in part]
        return call.answer(data, "jobs.listed", meta=meta, count=len(seen))
    if payload_path is not None:
        call.principal.require(Permission.PAYLOAD_READ)
    named = (
        [q.id for s in everywhere for q in await s.queues.list() if q.name == queue_name]
        if queue_name
        else []
    )
    chosen = filters.filter_of(
        call.principal,
        queue_id=[*(queue_id or []), *named],
        status=status,
        job_type=job_type,
        tag=tag,
        payload_path=payload_path,
        payload_value=payload_value,
        error=error,
        fingerprint=fingerprint,
        created_from=created_from,
        created_to=created_to,
        scheduled_from=scheduled_from,
        scheduled_to=scheduled_to,
        dead_letter_queue_id=dead_letter_queue_id,
    )
    is_empty = (queue_name is not None and not named) or not everywhere
    return await page.of_jobs(call, everywhere if not is_empty else [], chosen)


@jobs.get(
    "/counts", permission=Permission.JOB_READ, name="jobs.counts", answers=JobCountsView, reach=Reach.QUEUE
)
async def count_jobs(call: Calling, everywhere: Everywhere, tag: filters.Text = None) -> Response:
    """All jobs by status."""
    only = call.principal.queue_ids
    found = [
        await services.insights.counts(queue_id=queue_id, tag=tag)
        for services in everywhere
        for queue_id in ([None] if only is None else sorted(only))
    ]
    return call.figures(counts_view_of(found))


@jobs.get(
    "/failures",
    permission=Permission.JOB_READ,
    name="jobs.failures",
    answers=ErrorGroupView,
    is_list=True,
    reach=Reach.QUEUE,
)
async def failure_groups(call: Calling, everywhere: Everywhere, page: SortedPaging) -> Response:
    """The newest 1,000 failed jobs grouped by queue, job type and error, the latest first."""
    only = None if call.principal.queue_ids is None else sorted(call.principal.queue_ids)
    found = [
        group_view_of(group, call.principal)
        for services in everywhere
        for group in await services.insights.failure_groups(only)
    ]
    part, meta = page.cut(sorted(found, key=lambda group: group.last_at, reverse=True))
    return call.answer(part, "listed", meta=meta, count=len(found))


@jobs.get("/{job_id}", permission=Permission.JOB_READ, name="jobs.get", answers=JobView, reach=Reach.QUEUE)
async def get_job(call: Calling, here: JobHere) -> Response:
    """One job."""
    return call.answer(view_of(here.job, call.principal), "jobs.found")


@jobs.post(
    "/{job_id}/cancel",
    permission=Permission.JOB_WRITE,
    name="jobs.cancel",
    answers=JobView,
    status=204,
    reach=Reach.QUEUE,
    problems=(409,),
)
async def cancel_job(call: Calling, here: JobHere) -> Response:
    """Cancel a waiting job at once, ask a running one to stop. A second time changes nothing."""
    await here.services.control.cancel(here.job.id)
    return await _done(call, here)


@jobs.post(
    "/{job_id}/retry",
    permission=Permission.JOB_WRITE,
    name="jobs.retry",
    answers=JobView,
    status=204,
    reach=Reach.QUEUE,
    problems=(409,),
)
async def retry_job(call: Calling, here: JobHere, body: Retry | None = None) -> Response:
    """Give a failed or cancelled job its attempts once more; here or in another queue, with another payload or not."""
    payload = target = None
    if body is not None:
        target = await queue_beside(call, here.services, body.queue_id, body.queue_name)
        if "payload" in body.model_fields_set:
            given = restore(body.payload, here.job.payload, call.principal.redacted)
            await here.services.payloads.refresh()
            here.services.payloads.check(here.job.job_type, given)
            payload = encode(given, where="payload")
    await here.services.control.retry(here.job.id, queue=target, payload=payload)
    return await _done(call, here)


@jobs.post(
    "/{job_id}/reschedule",
    permission=Permission.JOB_WRITE,
    name="jobs.reschedule",
    answers=JobView,
    status=204,
    reach=Reach.QUEUE,
    problems=(409,),
)
async def reschedule_job(call: Calling, here: JobHere, body: Reschedule) -> Response:
    """Give a waiting job another due time; one in the past means as soon as possible."""
    await here.services.control.reschedule(here.job.id, body.scheduled_for)
    return await _done(call, here)


@jobs.post(
    "/{job_id}/move",
    permission=Permission.JOB_WRITE,
    name="jobs.move",
    answers=JobView,
    status=204,
    reach=Reach.QUEUE,
    problems=(409,),
)
async def move_job(call: Calling, here: JobHere, body: Move) -> Response:
    """Put a waiting job into another queue of its project."""
    target = await queue_beside(call, here.services, body.queue_id, body.queue_name)
    if target is None:
        raise InvalidInput("to which queue?", field="queue_id")
    await here.services.control.move(here.job.id, target)
    return await _done(call, here)


@jobs.delete(
    "/{job_id}",
    permission=Permission.JOB_WRITE,
    name="jobs.delete",
    status=204,
    reach=Reach.QUEUE,
    problems=(409,),
)
async def delete_job(call: Calling, here: JobHere) -> Response:
    """Remove a job that does not run, with its executions and logs."""
    await here.services.control.delete(here.job.id)
    return call.done(None, "deleted")


@jobs.get(
    "/{job_id}/why", permission=Permission.JOB_READ, name="jobs.why", answers=WhyView, reach=Reach.QUEUE
)
async def why(call: Calling, here: JobHere) -> Response:
    """Why it has not run, what counts most first."""
    return call.answer(why_view_of(await here.services.explaining.why(here.job.id)))


@jobs.get(
    "/{job_id}/result",
    permission=Permission.JOB_READ,
    name="jobs.result",
    answers=ResultView,
    also=(202,),
    reach=Reach.QUEUE,
)
async def get_result(
    call: Calling,
    here: JobHere,
    wait: Annotated[
        int,
        Query(
            ge=0, le=LONGEST_WAIT_SECONDS, description="Seconds for which the answer may wait for its end."
        ),
    ] = 0,
) -> Response:
    """How it ended: 200 then, 202 while it has not."""
    if wait and not here.job.status.is_finished:
        with suppress(JobFailed, JobCancelled, ResultTimeout):
            await call.until_stopped(here.services.results.wait(here.job.id, wait))
    ending = await here.services.insights.ending(here.job.id)
    status = 200 if ending.status.is_finished else 202
    return call.answer(_result(ending, here.job, call), status=status)


stats = Resource("/queues", "jobs")


@stats.get(
    "/{queue_id}/jobs/stats",
    permission=Permission.JOB_READ,
    name="jobs.stats",
    answers=JobStatsView,
    reach=Reach.QUEUE,
)
async def job_stats(call: Calling, here: QueueHere) -> Response:
    """Jobs of a queue by status."""
    return call.figures(stats_view_of(await here.services.queues.stats(here.queue.id)))


@stats.get(
    "/{queue_id}/jobs",
    permission=Permission.JOB_READ,
    name="jobs.list_of_queue",
    answers=JobView,
    is_list=True,
    reach=Reach.QUEUE,
)
async def list_jobs_of_queue(
    call: Calling,
    here: QueueHere,
    page: SortedPaging,
    status: filters.Statuses = None,
    job_type: filters.Text = None,
) -> Response:
    """Jobs of a queue, newest first."""
    chosen = filters.filter_of(call.principal, queue_id=[here.queue.id], status=status, job_type=job_type)
    return await page.of_jobs(call, [here.services], chosen)


async def _done(call: Calling, here: JobHere) -> Response:
    if not call.preferences.representation:
        return call.done(None)
    return call.done(view_of(await here.services.insights.job(here.job.id), call.principal))


def _result(ending: Ending, job: Job, call: Calling) -> ResultView:
    may_see = call.principal.may(Permission.PAYLOAD_READ)
    may_trace = call.principal.may(Permission.ERROR_READ)
    output = None if ending.output is None else decode(ending.output)
    hidden = Redaction.of(call.principal.redacted, job.payload, job.state, output)
    return ResultView(
        job_id=ending.job_id,
        status=ending.status,
        output=hidden.value(output) if may_see else None,
        error_type=ending.error_type,
        error_message=hidden.text(ending.error_message) if may_see else None,
        traceback=hidden.text(ending.traceback) if may_trace else None,
    )
