"""Assignments as they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskforge.domain.assignment import Assignment
    from taskforge.domain.ids import AssignmentId, ProjectId, QueueId


class AssignmentStore(Protocol):
    """Rows of assignments. A change holds for every claim from the moment its method returns.

    It bumps the project's configuration version and is audited, in the same transaction.
    """

    async def create(
        self, project_id: ProjectId, queue_id: QueueId, worker_name: str, weight: int, *, is_active: bool
    ) -> Assignment | None:
        """A new one; None when the queue has one for this name already. Raises NotFound: the queue is gone."""
        ...

    async def list(self, project_id: ProjectId) -> Sequence[Assignment]:
        """Those of a project, by the names of queues and workers."""
        ...

    async def get(self, project_id: ProjectId, assignment_id: AssignmentId) -> Assignment | None:
        """One by id."""
        ...

    async def change(
        self,
        project_id: ProjectId,
        assignment_id: AssignmentId,
        change: Callable[[Assignment], Assignment | None],
    ) -> Assignment | None:
        """Write what ``change`` makes of it (weight, active; None removes it); None when there is none of that id.

        Answers the assignment as it is then, or as it was before it was removed. ``change`` may be called again.
        """
        ...
