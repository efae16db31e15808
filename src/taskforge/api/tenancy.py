"""From an id of the path to a thing of the caller's own projects, or 404 as for any unknown id.

Routes get their things by `look_up` and by nothing else.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Depends, Query

from taskforge.api.backend import ProjectServices
from taskforge.api.call import Call, Calling
from taskforge.api.values import Id
from taskforge.domain.assignment import Assignment
from taskforge.domain.breaker import Breaker
from taskforge.domain.error_group import ErrorGroup
from taskforge.domain.errors import Forbidden, InvalidInput, NotFound
from taskforge.domain.execution import Execution
from taskforge.domain.ids import OrganizationId, ProjectId, QueueId
from taskforge.domain.job import Job
from taskforge.domain.operation import Operation
from taskforge.domain.queue import Queue
from taskforge.domain.worker import Worker, WorkerStatus

T = TypeVar("T")

ProjectChoice = Annotated[
    Id | None, Query(description="One project of the organization; for callers that are not bound to one.")
]


def organization_of(call: Call) -> OrganizationId:
    """The caller's organization. Raises Forbidden for a caller of none."""
    if call.principal.organization_id is None:
        raise Forbidden("this is for callers of an organization")
    return call.principal.organization_id


async def reachable(call: Call, project_id: UUID | None) -> list[ProjectId]:
    """The projects that the caller may see, or the one it names among them."""
    bound = call.principal.project_id
    own = [ProjectId(bound)] if bound else await call.backend.projects_of(call.principal.organization_id)
    if project_id is None:
        return list(own)
    if project_id not in own:
        raise NotFound(f"no project has the id {project_id}")
    return [ProjectId(project_id)]


async def look_up(
    call: Call,
    find: Callable[[ProjectServices], Awaitable[T | None]],
    unknown: str,
    project_id: UUID | None = None,
) -> tuple[ProjectServices, T]:
    """What ``find`` finds in the first of the caller's projects that has it, or in the one it names.

    Raises NotFound: ``unknown``.
    """
    for reached in await reachable(call, project_id):
        services = await call.backend.project(reached)
        found = await find(services)
        if found is not None:
            return services, found
    raise NotFound(unknown)


async def _everywhere(call: Calling, project_id: ProjectChoice = None) -> list[ProjectServices]:
    return [await call.backend.project(found) for found in await reachable(call, project_id)]


async def _one_project(call: Calling, project_id: ProjectChoice = None) -> ProjectServices:
    found = await reachable(call, project_id)
    if not found:
        raise NotFound("the organization has no project")
    return await call.backend.project(found[0])


Everywhere = Annotated[list[ProjectServices], Depends(_everywhere)]
"""All projects that the caller may see, or the one that the query names: for lists."""
OneProject = Annotated[ProjectServices, Depends(_one_project)]
"""The project that the query names, the caller's own, or the default one: for creations."""


@dataclass(frozen=True, slots=True)
class QueueAt:
    """A queue, and the services of its project."""

    services: ProjectServices
    queue: Queue


async def find_queue(call: Call, queue_id: UUID) -> QueueAt:
    """A queue of the caller's projects. Raises NotFound."""
    unknown = f"no queue has the id {queue_id}"
    if not call.principal.reaches_queue(QueueId(queue_id)):
        raise NotFound(unknown)
    services, queue = await look_up(call, lambda one: one.queues.find(queue_id), unknown)
    return QueueAt(services, queue)


async def _queue_at(queue_id: Id, call: Calling) -> QueueAt:
    return await find_queue(call, queue_id)


QueueHere = Annotated[QueueAt, Depends(_queue_at)]
"""The queue of the path."""


async def queue_beside(
    call: Call, services: ProjectServices, queue_id: UUID | None, name: str | None
) -> Queue | None:
    """Another queue of the same project, by one of its names; None when neither is given. Raises NotFound."""
    if queue_id is not None and name is not None:
        raise InvalidInput("give queue_id or queue_name, not both", field="queue_name")
    if queue_id is None and name is None:
        return None
    queue = (
        await services.queues.find(queue_id)
        if queue_id is not None
        else await services.queues.get(name or "")
    )
    if queue is None or not call.principal.reaches_queue(queue.id):
        raise NotFound(f"no queue has the id {queue_id}" if queue_id else f"no queue is named {name!r}")
    return queue


@dataclass(frozen=True, slots=True)
class JobAt:
    """A job, and the services of its project."""

    services: ProjectServices
    job: Job


async def find_job(call: Call, job_id: UUID) -> JobAt:
    """A job of the caller's projects. Raises NotFound."""
    unknown = f"no job has the id {job_id}"
    services, job = await look_up(call, lambda one: one.insights.find(job_id), unknown)
    if not call.principal.reaches_queue(job.queue_id):
        raise NotFound(unknown)
    return JobAt(services, job)


async def _job_at(job_id: Id, call: Calling) -> JobAt:
    return await find_job(call, job_id)


JobHere = Annotated[JobAt, Depends(_job_at)]
"""The job of the path."""


@dataclass(frozen=True, slots=True)
class ExecutionAt:
    """An attempt, and the services of its project."""

    services: ProjectServices
    execution: Execution


async def _execution_at(execution_id: Id, call: Calling) -> ExecutionAt:
    unknown = f"no execution has the id {execution_id}"
    services, execution = await look_up(call, lambda one: one.insights.execution(execution_id), unknown)
    if not call.principal.reaches_queue(execution.queue_id):
        raise NotFound(unknown)
    return ExecutionAt(services, execution)


ExecutionHere = Annotated[ExecutionAt, Depends(_execution_at)]
"""The execution of the path."""


@dataclass(frozen=True, slots=True)
class OperationAt:
    """A bulk operation, and the services of its project."""

    services: ProjectServices
    operation: Operation


async def _operation_at(operation_id: Id, call: Calling) -> OperationAt:
    services, operation = await look_up(
        call, lambda one: one.operations.find(operation_id), f"no operation has the id {operation_id}"
    )
    return OperationAt(services, operation)


OperationHere = Annotated[OperationAt, Depends(_operation_at)]
"""The bulk operation of the path."""


@dataclass(frozen=True, slots=True)
class ErrorAt:
    """An error group, and the services of its project."""

    services: ProjectServices
    group: ErrorGroup


async def _error_at(error_id: Id, call: Calling) -> ErrorAt:
    services, group = await look_up(
        call, lambda one: one.errors.find(error_id), f"no error group has the id {error_id}"
    )
    return ErrorAt(services, group)


ErrorHere = Annotated[ErrorAt, Depends(_error_at)]
"""The error group of the path."""


@dataclass(frozen=True, slots=True)
class WorkerAt:
    """A worker with its status, and the services of its project."""

    services: ProjectServices
    worker: Worker
    status: WorkerStatus


async def find_worker(call: Call, worker_id: UUID) -> WorkerAt:
    """A worker of the caller's projects. Raises NotFound."""
    services, found = await look_up(
        call, lambda one: one.worker_fleet.find(worker_id), f"no worker has the id {worker_id}"
    )
    return WorkerAt(services, *found)


async def _worker_at(worker_id: Id, call: Calling) -> WorkerAt:
    return await find_worker(call, worker_id)


WorkerHere = Annotated[WorkerAt, Depends(_worker_at)]
"""The worker of the path."""


@dataclass(frozen=True, slots=True)
class AssignmentAt:
    """An assignment, and the services of its project."""

    services: ProjectServices
    assignment: Assignment


async def _assignment_at(assignment_id: Id, call: Calling) -> AssignmentAt:
    services, found = await look_up(
        call, lambda one: one.assignments.find(assignment_id), f"no assignment has the id {assignment_id}"
    )
    return AssignmentAt(services, found)


AssignmentHere = Annotated[AssignmentAt, Depends(_assignment_at)]
"""The assignment of the path."""


@dataclass(frozen=True, slots=True)
class BreakerAt:
    """A circuit breaker, and the services of its project."""

    services: ProjectServices
    breaker: Breaker


async def _breaker_at(breaker_id: Id, call: Calling) -> BreakerAt:
    services, found = await look_up(
        call, lambda one: one.breakers.find(breaker_id), f"no breaker has the id {breaker_id}"
    )
    return BreakerAt(services, found)


BreakerHere = Annotated[BreakerAt, Depends(_breaker_at)]
"""The circuit breaker of the path."""
