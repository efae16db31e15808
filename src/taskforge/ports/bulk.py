"""Changing many jobs at once: each call is one batch, one transaction, each row guarded by its status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId


class BulkStore(Protocol):
    """Answers the jobs that were changed; those that the moment does not allow it for are left as they are.

    ``cancel``, ``retry`` and ``delete`` also leave jobs with a key or a concurrency key: what becomes of a key
    is decided job by job (``JobStore``).
    """

    async def cancel(self, project_id: ProjectId, ids: Sequence[UUID]) -> frozenset[UUID]:
        """Cancel those that wait, and ask those that run to stop."""
        ...

    async def retry(
        self, project_id: ProjectId, ids: Sequence[UUID], queue_id: QueueId | None
    ) -> frozenset[UUID]:
        """Make failed and cancelled ones pending again, in their queue or another."""
        ...

    async def delete(self, project_id: ProjectId, ids: Sequence[UUID]) -> frozenset[UUID]:
        """Remove those that do not run, with their executions and logs."""
        ...

    async def move(self, project_id: ProjectId, ids: Sequence[UUID], queue_id: QueueId) -> frozenset[UUID]:
        """Put those that wait into another queue, where they keep the time that they have waited."""
        ...
