"""Which workers serve which queues: assignments, who may take what by them, and the whole matrix of a project."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

from taskforge.domain.assignment import check_weight, check_worker_name, matches
from taskforge.domain.balancing import Load, effective_strategy, is_served_by, load_of
from taskforge.domain.errors import Conflict, NotFound
from taskforge.domain.ids import AssignmentId
from taskforge.ports.signals import Hint, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from taskforge.domain.assignment import Assignment
    from taskforge.domain.ids import QueueId
    from taskforge.domain.queue import Queue, Strategy
    from taskforge.domain.worker import Worker, WorkerStatus
    from taskforge.ports.assignments import AssignmentStore
    from taskforge.ports.signals import Signals
    from taskforge.services.health import Health
    from taskforge.services.queues import Queues
    from taskforge.services.workers import Workers


@dataclass(frozen=True, slots=True)
class Servant:
    """A worker that serves a queue: its status, what it carries, and its weight there."""

    worker: Worker
    status: WorkerStatus
    load: Load
    weight: int


@dataclass(frozen=True, slots=True)
class Service:
    """A queue that a worker serves, and the worker's weight there."""

    queue: Queue
    strategy: Strategy
    weight: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """All queues, all workers that have not left, the assignments by queue, and who serves what."""

    queues: Sequence[Queue]
    workers: Sequence[tuple[Worker, WorkerStatus]]
    assignments: Mapping[QueueId, Sequence[Assignment]]
    servants: Mapping[QueueId, Sequence[Servant]]


class Assignments:
    """The assignments of one project. Queues are named by name or id, workers by name, pattern or id."""

    def __init__(
        self,
        assignments: AssignmentStore,
        queues: Queues,
        workers: Workers,
        health: Health,
        signals: Signals,
    ) -> None:
        self._assignments = assignments
        self._queues = queues
        self._workers = workers
        self._health = health
        self._signals = signals
        self._project_id = queues.project_id

    async def create(
        self, queue: str | UUID, worker: str | UUID, *, weight: int = 1, is_active: bool = True
    ) -> Assignment:
        """Let workers of a name or pattern serve a queue; from then on only assigned workers do.

        The id of a worker stands for its name: the assignment outlives it. Raises NotFound, InvalidInput, Conflict.
        """
        check_weight(weight)
        name = await self._name_of(worker)
        found = await self._queues.get(queue)
        made = await self._assignments.create(self._project_id, found.id, name, weight, is_active=is_active)
        if made is None:
            raise Conflict(
                f"queue {found.name!r} has an assignment of {name!r} already",
                hint="change that one: its weight, or whether it is active",
            )
        self._changed(made)
        return made

    async def list(
        self, *, queue: str | UUID | None = None, worker: str | UUID | None = None
    ) -> Sequence[Assignment]:
        """All assignments; those of one queue; those that name one worker, also by a pattern."""
        found = await self._assignments.list(self._project_id)
        if queue is not None:
            chosen = (await self._queues.get(queue)).id
            found = [assignment for assignment in found if assignment.queue_id == chosen]
        if worker is not None:
            name = await self._name_of(worker)
            found = [assignment for assignment in found if matches(assignment.worker_name, name)]
        return found

    async def find(self, assignment_id: UUID) -> Assignment | None:
        """One by id, None if there is none."""
        return await self._assignments.get(self._project_id, AssignmentId(assignment_id))

    async def between(self, queue: str | UUID, worker: str | UUID) -> Assignment:
        """The assignment of a queue under exactly this name or pattern. Raises NotFound."""
        name = await self._name_of(worker)
        found = await self._queues.get(queue)
        for assignment in await self.list(queue=found.id):
            if assignment.worker_name == name:
                return assignment
        raise NotFound(f"queue {found.name!r} has no assignment of {name!r}")

    async def update(
        self,
        assignment_id: UUID,
        *,
        weight: int | None = None,
        is_active: bool | None = None,
        check: Callable[[Assignment], None] | None = None,
    ) -> Assignment:
        """Change its weight, or whether it is active. ``check`` may refuse what it sees. Raises NotFound."""
        if weight is not None:
            check_weight(weight)

        def change(assignment: Assignment) -> Assignment:
            if check is not None:
                check(assignment)
            return replace(
                assignment,
                weight=assignment.weight if weight is None else weight,
                is_active=assignment.is_active if is_active is None else is_active,
            )

        return await self._change(assignment_id, change)

    async def remove(
        self, assignment_id: UUID, *, check: Callable[[Assignment], None] | None = None
    ) -> Assignment:
        """Remove it; without any left, the queue is served by every worker that asks. Raises NotFound."""

        def change(assignment: Assignment) -> None:
            if check is not None:
                check(assignment)

        return await self._change(assignment_id, change)

    async def servants(self, queue: str | UUID) -> Sequence[Servant]:
        """The workers that serve a queue and have not left, those with the least load first."""
        found = await self._queues.get(queue)
        return _servants(found, await self._health.workers())

    async def services(self, worker_id: UUID) -> Sequence[Service]:
        """The queues that a worker serves, by name. Raises NotFound."""
        worker, _ = await self._workers.get(worker_id)
        return [
            Service(queue, effective_strategy(queue), _weight(queue, worker))
            for queue in await self._queues.list()
            if is_served_by(queue, worker.name, worker.queues)
        ]

    async def matrix(self) -> Matrix:
        """Everything at once."""
        queues = await self._queues.list()
        present = await self._health.workers()
        assignments: dict[QueueId, list[Assignment]] = {queue.id: [] for queue in queues}
        for assignment in await self._assignments.list(self._project_id):
            assignments.setdefault(assignment.queue_id, []).append(assignment)
        return Matrix(queues, present, assignments, {queue.id: _servants(queue, present) for queue in queues})

    async def _change(
        self, assignment_id: UUID, change: Callable[[Assignment], Assignment | None]
    ) -> Assignment:
        changed = await self._assignments.change(self._project_id, AssignmentId(assignment_id), change)
        if changed is None:
            raise NotFound(f"no assignment has the id {assignment_id}")
        self._changed(changed)
        return changed

    async def _name_of(self, worker: str | UUID) -> str:
        if isinstance(worker, UUID):
            return (await self._workers.get(worker))[0].name
        return check_worker_name(worker)

    def _changed(self, assignment: Assignment) -> None:
        """Of no queue: who is to serve it now may not know of it yet."""
        self._signals.publish(Hint(Topic.QUEUE, self._project_id, assignment.queue_id))
        self._signals.publish(Hint(Topic.READY, self._project_id))


def _servants(queue: Queue, present: Sequence[tuple[Worker, WorkerStatus]]) -> Sequence[Servant]:
    found = [
        Servant(worker, status, load_of(worker), _weight(queue, worker))
        for worker, status in present
        if status.is_live and is_served_by(queue, worker.name, worker.queues)
    ]
    return sorted(found, key=lambda servant: (servant.load.percent, servant.worker.name))


def _weight(queue: Queue, worker: Worker) -> int:
    return 1 if queue.plan is None else queue.plan.weight(worker.name) or 1
