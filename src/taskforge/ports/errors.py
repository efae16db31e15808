"""Error groups as they are kept, and how they are made of failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from taskforge.domain.error_group import ErrorGroup, ErrorStatus
    from taskforge.domain.ids import ProjectId


class ErrorStore(Protocol):
    """Judging has an entry in the audit log."""

    async def list(
        self,
        project_id: ProjectId,
        *,
        statuses: Sequence[ErrorStatus] | None = None,
        job_type: str | None = None,
        limit: int,
    ) -> Sequence[ErrorGroup]:
        """The groups that failed last, without tracebacks."""
        ...

    async def get(self, project_id: ProjectId, group_id: UUID) -> ErrorGroup | None:
        """One, whole."""
        ...

    async def judge(
        self, project_id: ProjectId, group_id: UUID, status: ErrorStatus, muted_until: datetime | None = None
    ) -> ErrorGroup | None:
        """Say what becomes of it, from now on; None: there is no such group."""
        ...


class ErrorKeeper(Protocol):
    """Looks after the groups of all projects; safe in any number of processes."""

    async def has_unfolded(self) -> bool:
        """Whether there are failures that no group counts yet."""
        ...

    async def fold(self, limit: int) -> int:
        """Count up to ``limit`` failures in their groups, in one transaction; answers how many."""
        ...

    async def forget(self, age: timedelta, limit: int) -> None:
        """Remove up to ``limit`` groups that have not failed for so long."""
        ...
