"""Dead letters: jobs whose attempts are spent, listed by a dead-letter queue."""

from dataclasses import replace
from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from taskforge.api import filters
from taskforge.api.call import Calling
from taskforge.api.operation import Reach
from taskforge.api.pages import SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import Everywhere, JobHere, find_queue, queue_beside
from taskforge.api.values import Id
from taskforge.api.views.jobs import ErrorGroupView, JobView, Move, group_view_of, view_of
from taskforge.domain.access import Permission
from taskforge.domain.errors import NotFound

dead_letters = Resource("/dead-letters", "dead letters")


@dead_letters.get(
    "",
    permission=Permission.JOB_READ,
    name="dead_letters.list",
    answers=JobView,
    is_list=True,
    reach=Reach.QUEUE,
)
async def list_dead_letters(
    call: Calling,
    page: SortedPaging,
    queue_id: Annotated[Id, Query(description="The dead-letter queue.")],
    job_type: filters.Text = None,
    error: filters.Error = None,
) -> Response:
    """The dead letters that a queue lists, newest first."""
    here = await find_queue(call, queue_id)
    chosen = filters.filter_of(
        call.principal, dead_letter_queue_id=here.queue.id, job_type=job_type, error=error
    )
    return await page.of_jobs(call, [here.services], chosen)


@dead_letters.get(
    "/groups",
    permission=Permission.JOB_READ,
    name="dead_letters.groups",
    answers=ErrorGroupView,
    is_list=True,
)
async def dead_letter_groups(
    call: Calling,
    everywhere: Everywhere,
    page: SortedPaging,
    before: Annotated[
        Id | None, Query(description="Group those that are older than this job: `meta.next_cursor`.")
    ] = None,
) -> Response:
    """The newest 10,000 dead letters grouped by queue, job type and error, the most frequent first.

    Where there are more, `meta.total_capped` is true; of one project `meta.next_cursor` is where to go on.
    """
    read = [await services.insights.dead_letter_groups(before) for services in everywhere]
    groups = [group_view_of(group, call.principal) for one in read for group in one.groups]
    part, meta = page.cut(sorted(groups, key=lambda group: -group.count))
    places = [one.place for one in read if one.place is not None]
    if places:
        meta = replace(meta, total_capped=True, next_cursor=str(places[0]) if len(read) == 1 else None)
    return call.answer(part, "listed", meta=meta, count=len(groups))


@dead_letters.post(
    "/{job_id}/redrive",
    permission=Permission.JOB_WRITE,
    name="dead_letters.redrive",
    answers=JobView,
    status=204,
    reach=Reach.QUEUE,
    problems=(409,),
)
async def redrive(call: Calling, here: JobHere, body: Move | None = None) -> Response:
    """Retry one dead letter, in its origin or in another queue."""
    if here.job.dead_letter_queue_id is None:
        raise NotFound(f"no dead letter has the id {here.job.id}")
    target = None
    if body is not None:
        target = await queue_beside(call, here.services, body.queue_id, body.queue_name)
    await here.services.control.retry(here.job.id, queue=target)
    return call.done(view_of(await here.services.insights.job(here.job.id), call.principal))
