"""Assignments: which workers serve which queues, with which weight, and what follows from it."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from taskforge.api.call import Call, Calling
from taskforge.api.etags import check_match, etag_of
from taskforge.api.pages import SortedPaging
from taskforge.api.routing import Resource
from taskforge.api.tenancy import (
    AssignmentHere,
    Everywhere,
    OneProject,
    QueueHere,
    WorkerHere,
    find_queue,
    find_worker,
)
from taskforge.api.values import Flag, Id
from taskforge.api.views.assignments import (
    AssignmentChange,
    AssignmentView,
    EligibleQueueView,
    MatrixView,
    NewAssignment,
    WorkerLoadView,
    eligible_view_of,
    load_view_of,
    matrix_view_of,
    view_of,
)
from taskforge.domain.access import Permission
from taskforge.domain.assignment import Assignment
from taskforge.domain.errors import InvalidInput
from taskforge.services.assignments import Assignments

assignments = Resource("/assignments", "assignments")
of_queues = Resource("/queues", "assignments")
of_workers = Resource("/workers", "assignments")


@assignments.get(
    "", permission=Permission.ASSIGNMENT_READ, name="assignments.list", answers=AssignmentView, is_list=True
)
async def list_assignments(
    call: Calling,
    everywhere: Everywhere,
    page: SortedPaging,
    queue_id: Id | None = None,
    worker_id: Annotated[
        Id | None, Query(description="Those that name this worker, also by a pattern.")
    ] = None,
    is_active: Flag | None = None,
) -> Response:
    """Assignments by queue and worker: all, those of one queue, those that name one worker."""
    if queue_id is not None:
        everywhere = [(await find_queue(call, queue_id)).services]
    if worker_id is not None:
        home = (await find_worker(call, worker_id)).services
        everywhere = [services for services in everywhere if services.project_id == home.project_id]
    found = [
        view_of(assignment, present)
        for services in everywhere
        for present in [await services.worker_fleet.list()]
        for assignment in await services.assignments.list(queue=queue_id, worker=worker_id)
        if is_active in (None, assignment.is_active)
    ]
    part, meta = page.cut(found)
    return call.answer(part, "listed", meta=meta, count=len(found))


@assignments.post(
    "",
    permission=Permission.ASSIGNMENT_WRITE,
    name="assignments.create",
    makes="assignment_id",
    answers=AssignmentView,
    status=201,
    problems=(404, 409),
)
async def create_assignment(call: Calling, project: OneProject, body: NewAssignment) -> Response:
    """Let a worker, or all workers of a name pattern, serve a queue. From then on only assigned workers do."""
    services = project if body.queue_id is None else (await find_queue(call, body.queue_id)).services
    worker: str | UUID = _one("worker", body.worker_id, body.worker_name)
    queue: str | UUID = _one("queue", body.queue_id, body.queue_name)
    if body.worker_id is not None:
        home = (await find_worker(call, body.worker_id)).services
        if home.project_id != services.project_id:
            raise InvalidInput(
                "the worker and the queue are of different projects",
                field="worker_id",
                hint="a worker runs jobs of its own project only",
            )
    made = await services.assignments.create(queue, worker, weight=body.weight, is_active=body.is_active)
    view = view_of(made, await services.worker_fleet.list())
    return call.created(view, f"/api/v1/assignments/{made.id}", headers=_version(made))


@assignments.get(
    "/matrix",
    permission=Permission.ASSIGNMENT_READ,
    name="assignments.matrix",
    answers=MatrixView,
    problems=(404,),
)
async def assignment_matrix(call: Calling, project: OneProject) -> Response:
    """All queues and workers of a project, the assignments between them, and who serves what."""
    return call.figures(matrix_view_of(await project.assignments.matrix()))


@assignments.get(
    "/{assignment_id}",
    permission=Permission.ASSIGNMENT_READ,
    name="assignments.get",
    answers=AssignmentView,
)
async def get_assignment(call: Calling, here: AssignmentHere) -> Response:
    """One assignment."""
    present = await here.services.worker_fleet.list()
    return call.answer(view_of(here.assignment, present), headers=_version(here.assignment))


@assignments.patch(
    "/{assignment_id}",
    permission=Permission.ASSIGNMENT_WRITE,
    name="assignments.update",
    answers=AssignmentView,
    status=204,
    problems=(412,),
)
async def update_assignment(call: Calling, here: AssignmentHere, body: AssignmentChange) -> Response:
    """Change its weight, or whether it is active. With If-Match only the version that was seen."""
    for name in body.model_fields_set:
        if getattr(body, name) is None:
            raise InvalidInput(f"{name} cannot be cleared", field=name)
    return await _update(call, here.services.assignments, here, weight=body.weight, is_active=body.is_active)


@assignments.post(
    "/{assignment_id}/activate",
    permission=Permission.ASSIGNMENT_WRITE,
    name="assignments.activate",
    answers=AssignmentView,
    status=204,
)
async def activate_assignment(call: Calling, here: AssignmentHere) -> Response:
    """Let its workers serve the queue again."""
    return await _update(call, here.services.assignments, here, is_active=True)


@assignments.post(
    "/{assignment_id}/deactivate",
    permission=Permission.ASSIGNMENT_WRITE,
    name="assignments.deactivate",
    answers=AssignmentView,
    status=204,
)
async def deactivate_assignment(call: Calling, here: AssignmentHere) -> Response:
    """Let its workers take no more jobs of the queue; what they run goes on."""
    return await _update(call, here.services.assignments, here, is_active=False)


@assignments.delete(
    "/{assignment_id}",
    permission=Permission.ASSIGNMENT_WRITE,
    name="assignments.delete",
    status=204,
    problems=(412,),
)
async def delete_assignment(call: Calling, here: AssignmentHere) -> Response:
    """Remove it. When none is left, every worker that subscribes to the queue serves it again."""
    await here.services.assignments.remove(here.assignment.id, check=_check(call))
    return call.done(None, "deleted")


@of_queues.get(
    "/{queue_id}/eligible-workers",
    permission=Permission.ASSIGNMENT_READ,
    name="queues.eligible_workers",
    answers=list[WorkerLoadView],
)
async def eligible_workers(call: Calling, here: QueueHere) -> Response:
    """The workers that serve a queue and have not left, those with the least load first."""
    found = await here.services.assignments.servants(here.queue.id)
    return call.figures([load_view_of(servant) for servant in found])


@of_workers.get(
    "/{worker_id}/eligible-queues",
    permission=Permission.ASSIGNMENT_READ,
    name="workers.eligible_queues",
    answers=list[EligibleQueueView],
)
async def eligible_queues(call: Calling, here: WorkerHere) -> Response:
    """The queues that a worker serves, by name: by assignment, or because it subscribed to them."""
    found = await here.services.assignments.services(here.worker.id)
    return call.figures([eligible_view_of(service) for service in found])


async def _update(
    call: Call,
    service: Assignments,
    here: AssignmentHere,
    *,
    weight: int | None = None,
    is_active: bool | None = None,
) -> Response:
    changed = await service.update(here.assignment.id, weight=weight, is_active=is_active, check=_check(call))
    view = view_of(changed, await here.services.worker_fleet.list())
    return call.done(view, "updated", headers=_version(changed))


def _one(what: str, identity: UUID | None, name: str | None) -> UUID | str:
    if (identity is None) == (name is None):
        raise InvalidInput(f"give {what}_id or {what}_name, one of them", field=f"{what}_id")
    return name or "" if identity is None else identity


def _version(assignment: Assignment) -> dict[str, str]:
    return {"ETag": etag_of(assignment.updated_at)}


def _check(call: Call) -> Callable[[Assignment], None]:
    return lambda assignment: check_match(call.request, etag_of(assignment.updated_at))
