"""Operations as they are kept, and their steps, which any server may take."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.domain.operation import Initiator, Operation, OperationAction, OperationStatus, Span
    from taskforge.ports.history import JobFilter


class NewOperation(NamedTuple):
    """What is asked for."""

    id: UUID
    project_id: ProjectId
    action: OperationAction
    chosen: JobFilter | Span
    target_queue_id: QueueId | None
    per_second: int | None
    counted: int
    is_bounded: bool
    initiator: Initiator


class Step(NamedTuple):
    """A step that is the caller's to take. It goes on behind the job ``place``, or the due time that it stands for."""

    operation: Operation
    chosen: JobFilter | Span
    place: UUID
    turn: int


class Advance(NamedTuple):
    """What a step has done. ``place`` None: that was all. ``pause_us``: microseconds before the next one."""

    done: int
    skipped: int
    place: UUID | None
    pause_us: int = 0
    failure: str | None = None


class OperationStore(Protocol):
    """Creating and cancelling have entries in the audit log; so have the changes of each step."""

    async def create(self, wanted: NewOperation, most: int) -> Operation | None:
        """Begin it; None when the project has ``most`` running ones."""
        ...

    async def get(self, project_id: ProjectId, operation_id: UUID) -> Operation | None:
        """One of them."""
        ...

    async def list(
        self,
        project_id: ProjectId,
        limit: int,
        before: UUID | None = None,
        status: OperationStatus | None = None,
    ) -> Sequence[Operation]:
        """The newest first; ``before`` is the id to go on from."""
        ...

    async def cancel(self, project_id: ProjectId, operation_id: UUID) -> Operation | None:
        """Stop it where it is; None when it does not run."""
        ...

    async def due_in(self) -> float | None:
        """Seconds until the next step of any project is due; None: there is none."""
        ...

    async def take(self, lease_us: int) -> Step | None:
        """The step that is due longest; nobody else is given it for ``lease_us`` microseconds."""
        ...

    async def advance(self, step: Step, advance: Advance) -> None:
        """The step is taken. Changes nothing if somebody else was given it meanwhile."""
        ...
