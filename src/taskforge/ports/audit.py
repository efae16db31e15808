"""The audit log as it is kept. Entries are written by the stores themselves, in the transaction of the change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.audit import AuditEntry, Head
    from taskforge.domain.ids import OrganizationId, ProjectId


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries: all that are given must fit. ``action`` may end with ``*``. Newest first."""

    project_id: ProjectId | None = None
    actor_id: UUID | None = None
    action: str | None = None
    resource_kind: str | None = None
    resource_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: UUID | None = None
    """Entries older than the one of this id: the next page."""
    limit: int = 50


class AuditStore(Protocol):
    """Reads and seals."""

    def written(self) -> bool:
        """Whether this process has written entries since it was asked last."""
        ...

    async def list(self, organization_id: OrganizationId, chosen: AuditFilter) -> Sequence[AuditEntry]:
        """A page of entries, the newest first."""
        ...

    async def get(self, organization_id: OrganizationId, entry_id: UUID) -> AuditEntry | None:
        """One entry."""
        ...

    async def chain(self, organization_id: OrganizationId, after: int, limit: int) -> Sequence[AuditEntry]:
        """The next sealed entries in the order of the chain."""
        ...

    async def head(self, organization_id: OrganizationId) -> Head:
        """The end of the chain, as it was sealed last."""
        ...

    async def chains(self) -> Sequence[OrganizationId]:
        """Every organization that has a chain, or entries for one."""
        ...

    async def unsealed(self) -> Sequence[OrganizationId]:
        """Organizations with entries that wait for their seal."""
        ...

    async def seal(self, organization_id: OrganizationId, limit: int) -> int:
        """Chain the next entries; answers how many. Of several that do so at once, each waits for the other."""
        ...
