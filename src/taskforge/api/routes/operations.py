"""Operations: the same done to all jobs that a filter chooses, or a backfill, in the background, with its progress."""

from typing import TYPE_CHECKING, Annotated

from fastapi import Query
from starlette.responses import Response

from taskforge.api.backend import ProjectServices
from taskforge.api.call import Call, Calling
from taskforge.api.filters import filter_of
from taskforge.api.pages import Paging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import (
    Everywhere,
    OneProject,
    OperationHere,
    QueueHere,
    find_queue,
    queue_beside,
)
from taskforge.api.views.operations import (
    Chosen,
    CountView,
    NewOperation,
    OperationView,
    Redrive,
    said,
    view_of,
)
from taskforge.domain.access import Permission
from taskforge.domain.errors import InvalidInput
from taskforge.domain.operation import BulkAction, Operation, OperationAction, OperationStatus
from taskforge.ports.history import JobFilter
from taskforge.services.bulk import WAITING, BulkOrder

if TYPE_CHECKING:
    from uuid import UUID

operations = Resource("/operations", "operations")
purging = Resource("/queues", "operations")
redriving = Resource("/dead-letters", "operations")


@operations.post(
    "",
    permission=Permission.JOB_WRITE,
    name="operations.create",
    makes="operation_id",
    answers=OperationView,
    status=202,
    problems=(404, 409),
)
async def create_operation(call: Calling, project: OneProject, body: NewOperation) -> Response:
    """Cancel, retry, delete or move all jobs that a filter chooses.

    The answer comes when they are counted, and says where to look how far it is. With `dry_run` it is 200 and the count.
    """
    services, chosen = await _chosen(call, project, body.filter)
    target = await queue_beside(call, services, body.queue_id, body.queue_name)
    if target is not None and body.action not in (BulkAction.MOVE, BulkAction.RETRY):
        raise InvalidInput(f"{body.action} takes no queue to go to", field="queue_id")
    order = BulkOrder(body.action, chosen, target)
    if body.dry_run:
        counted = await services.operations.count(order)
        return call.answer(CountView(body.action, counted.jobs, counted.is_bounded))
    return await _begin(call, services, order, body.per_second)


@purging.post(
    "/{queue_id}/purge",
    permission=Permission.QUEUE_WRITE,
    name="queues.purge",
    answers=OperationView,
    status=202,
    problems=(409,),
)
async def purge_queue(call: Calling, here: QueueHere) -> Response:
    """Delete all jobs that wait in a queue."""
    chosen = JobFilter(queue_ids=[here.queue.id], statuses=WAITING)
    return await _begin(call, here.services, BulkOrder(BulkAction.DELETE, chosen))


@redriving.post(
    "/redrive",
    permission=Permission.JOB_WRITE,
    name="dead_letters.redrive_many",
    answers=OperationView,
    status=202,
    problems=(404, 409),
)
async def redrive_many(call: Calling, body: Redrive) -> Response:
    """Retry dead letters of a queue, some or all, at a rate if one is given."""
    here = await find_queue(call, body.queue_id)
    target = await queue_beside(call, here.services, body.target_queue_id, body.target_queue_name)
    chosen = filter_of(
        call.principal,
        dead_letter_queue_id=here.queue.id,
        ids=body.ids,
        job_type=body.job_type,
        error=body.error,
    )
    return await _begin(call, here.services, BulkOrder(BulkAction.RETRY, chosen, target), body.per_second)


@operations.get(
    "", permission=Permission.JOB_READ, name="operations.list", answers=OperationView, is_list=True
)
async def list_operations(
    call: Calling,
    everywhere: Everywhere,
    page: Paging,
    status: Annotated[OperationStatus | None, Query(description="Only these.")] = None,
) -> Response:
    """Operations, newest first: those that run, and those that have ended within 30 days."""
    read = [
        operation
        for services in everywhere
        for operation in await services.operations.list(page.wanted, page.after, status)
    ]
    part, meta = page.newest(read, lambda operation: operation.id)
    return call.answer([view_of(operation) for operation in part], "listed", meta=meta, count=len(part))


@operations.get(
    "/{operation_id}", permission=Permission.JOB_READ, name="operations.get", answers=OperationView
)
async def get_operation(call: Calling, here: OperationHere) -> Response:
    """How far it is."""
    return call.answer(view_of(here.operation))


@operations.post(
    "/{operation_id}/cancel",
    permission=Permission.JOB_WRITE,
    name="operations.cancel",
    answers=OperationView,
    status=204,
    problems=(409,),
)
async def cancel_operation(call: Calling, here: OperationHere) -> Response:
    """Stop it where it is; what is done stays done."""
    if here.operation.action is OperationAction.BACKFILL:
        call.principal.require(Permission.SCHEDULE_EXECUTE)
    return call.done(view_of(await here.services.operations.cancel(here.operation.id)))


def begun(call: Call, operation: Operation) -> Response:
    """The answer to who has begun one, and its first step."""
    call.backend.wake_operations()
    location = {"Location": f"{call.root}/api/v1/operations/{operation.id}"}
    return call.answer(view_of(operation), "accepted", status=202, headers=location)


async def _begin(
    call: Call, services: ProjectServices, order: BulkOrder, per_second: int | None = None
) -> Response:
    return begun(call, await services.operations.begin(order, per_second))


async def _chosen(call: Call, project: ProjectServices, chosen: Chosen) -> tuple[ProjectServices, JobFilter]:
    """The filter, and the project of its queues. Raises InvalidInput, NotFound."""
    given = said(chosen)
    if not given:
        raise InvalidInput("which jobs? say something of them", field="filter")
    if chosen.payload_path is not None:
        call.principal.require(Permission.PAYLOAD_READ)
    queue_ids: list[UUID] = []
    for queue_id in chosen.queue_id or ():
        here = await find_queue(call, queue_id)
        if queue_ids and here.services.project_id != project.project_id:
            raise InvalidInput("these queues belong to several projects", field="filter.queue_id")
        project = here.services
        queue_ids.append(here.queue.id)
    for name in chosen.queue_name or ():
        queue = await queue_beside(call, project, None, name)
        queue_ids += [] if queue is None else [queue.id]
    if chosen.dead_letter_queue_id is not None:
        await queue_beside(call, project, chosen.dead_letter_queue_id, None)
    return project, filter_of(call.principal, **{**given, "queue_id": queue_ids})
