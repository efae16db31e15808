"""Assignments in bodies: the worker seed's fields, and ours beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import Field

from taskforge.api.values import Body, Id, kept
from taskforge.domain.assignment import MAX_WEIGHT, Assignment
from taskforge.domain.balancing import effective_strategy, has_assignments, load_of
from taskforge.domain.queue import Queue, Strategy
from taskforge.domain.worker import Worker, WorkerStatus
from taskforge.services.assignments import Matrix, Servant, Service


@dataclass(frozen=True, slots=True)
class AssignmentView:
    """A queue and the workers of a name or pattern. `worker_id` is the live worker of exactly that name, if any."""

    id: UUID
    project_id: UUID
    queue_id: UUID
    queue_name: str
    worker_id: UUID | None
    worker_name: str
    is_pattern: bool
    weight: int
    is_active: bool
    created_at: datetime
    updated_at: datetime


class NewAssignment(Body):
    """Who is to serve which queue; each is given by id or by name. A worker's name may be a pattern with * and ?."""

    queue_id: Id | None = None
    queue_name: str | None = Field(None, min_length=1, max_length=100, examples=["reports"])
    worker_id: Id | None = None
    worker_name: str | None = Field(None, min_length=1, max_length=100, examples=["gpu-*"])
    weight: int = Field(1, ge=1, le=MAX_WEIGHT)
    is_active: bool = True


class AssignmentChange(Body):
    """What is to be changed; what is absent stays."""

    weight: int | None = kept(ge=1, le=MAX_WEIGHT, examples=[3])
    is_active: bool | None = kept()


@dataclass(frozen=True, slots=True)
class WorkerLoadView:
    """A worker that serves a queue: what it carries, and its weight there."""

    worker_id: UUID
    worker_name: str
    status: WorkerStatus
    weight: int
    active_jobs: int
    max_concurrent_jobs: int
    load_percentage: float


@dataclass(frozen=True, slots=True)
class EligibleQueueView:
    """A queue that a worker serves, and the worker's weight there."""

    queue_id: UUID
    queue_name: str
    strategy: Strategy
    weight: int


@dataclass(frozen=True, slots=True)
class MatrixQueueView:
    """A queue of the matrix; `is_open`: it has no assignment, so every worker that subscribes to it serves it."""

    id: UUID
    name: str
    strategy: Strategy
    is_open: bool


@dataclass(frozen=True, slots=True)
class MatrixWorkerView:
    """A worker of the matrix, and what it carries."""

    id: UUID
    name: str
    status: WorkerStatus
    active_jobs: int
    max_concurrent_jobs: int
    load_percentage: float


@dataclass(frozen=True, slots=True)
class MatrixView:
    """All queues and workers of a project. By the id of a queue: its assignments, and the workers that serve it."""

    queues: list[MatrixQueueView]
    workers: list[MatrixWorkerView]
    assignments: dict[str, list[AssignmentView]]
    serving: dict[str, list[WorkerLoadView]]


Present = Sequence[tuple[Worker, WorkerStatus]]


def view_of(assignment: Assignment, present: Present) -> AssignmentView:
    """An assignment as it is shown."""
    worker = assignment.live_worker(present)
    return AssignmentView(
        assignment.id,
        assignment.project_id,
        assignment.queue_id,
        assignment.queue_name,
        None if worker is None else worker.id,
        assignment.worker_name,
        assignment.is_pattern,
        assignment.weight,
        assignment.is_active,
        assignment.created_at,
        assignment.updated_at,
    )


def load_view_of(servant: Servant) -> WorkerLoadView:
    """A worker that serves a queue, as it is shown."""
    return WorkerLoadView(
        servant.worker.id,
        servant.worker.name,
        servant.status,
        servant.weight,
        servant.load.active_jobs,
        servant.load.max_concurrent_jobs,
        servant.load.percent,
    )


def eligible_view_of(service: Service) -> EligibleQueueView:
    """A queue that a worker serves, as it is shown."""
    return EligibleQueueView(service.queue.id, service.queue.name, service.strategy, service.weight)


def matrix_view_of(matrix: Matrix) -> MatrixView:
    """The matrix as it is shown."""
    present = matrix.workers
    return MatrixView(
        [_queue(queue) for queue in matrix.queues],
        [_worker(worker, status) for worker, status in present],
        {str(i): [view_of(found, present) for found in of] for i, of in matrix.assignments.items()},
        {str(i): [load_view_of(servant) for servant in of] for i, of in matrix.servants.items()},
    )


def _queue(queue: Queue) -> MatrixQueueView:
    is_open = not has_assignments(queue)
    return MatrixQueueView(queue.id, queue.name, effective_strategy(queue), is_open)


def _worker(worker: Worker, status: WorkerStatus) -> MatrixWorkerView:
    load = load_of(worker)
    return MatrixWorkerView(
        worker.id, worker.name, status, load.active_jobs, load.max_concurrent_jobs, load.percent
    )
