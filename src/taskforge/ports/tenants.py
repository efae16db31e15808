"""Organizations and projects as they are kept. Every change has its entry in the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskforge.domain.ids import OrganizationId, ProjectId
    from taskforge.domain.organization import Organization, Project


class TenantStore(Protocol):
    """Each change is one transaction."""

    async def create_organization(self, name: str) -> tuple[Organization, Project] | None:
        """A new one with its default project; None when the name is taken."""
        ...

    async def organizations(
        self, *, organization_id: OrganizationId | None = None, name: str | None = None
    ) -> Sequence[Organization]:
        """All of them by name, or the one of this id or name."""
        ...

    async def change_organization(
        self, organization_id: OrganizationId, change: Callable[[Organization], Organization]
    ) -> Organization | None:
        """Store what ``change`` makes of it; None when it does not exist. Raises Conflict: the name is taken."""
        ...

    async def delete_organization(self, organization_id: OrganizationId) -> bool:
        """Remove it with its people and credentials. Raises Conflict while a project has queues or live workers."""
        ...

    async def waiting_jobs(self, organization_id: OrganizationId, bound: int) -> int:
        """How many jobs wait in all its queues, counted up to ``bound`` + 1."""
        ...

    async def create_project(self, organization_id: OrganizationId, name: str) -> Project | None:
        """A new one; None when the name is taken. Raises NotFound: the organization."""
        ...

    async def projects(
        self,
        organization_id: OrganizationId,
        *,
        project_id: ProjectId | None = None,
        name: str | None = None,
    ) -> Sequence[Project]:
        """The organization's projects by name, or the one of this id or name."""
        ...

    async def rename_project(
        self, organization_id: OrganizationId, project_id: ProjectId, name: str
    ) -> Project | None:
        """None when it does not exist. Raises Conflict: the name is taken."""
        ...

    async def delete_project(self, organization_id: OrganizationId, project_id: ProjectId) -> bool:
        """Remove it with the credentials that reach nothing else. Raises Conflict while it has queues or workers."""
        ...
