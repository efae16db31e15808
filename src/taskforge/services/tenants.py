"""Organizations and their projects: create, look at, change, delete."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from taskforge.domain.access import Permission
from taskforge.domain.errors import Conflict, Forbidden, NotFound
from taskforge.domain.ids import DEFAULT_ORGANIZATION, DEFAULT_PROJECT
from taskforge.domain.organization import check_tenant_name
from taskforge.domain.redaction import check_redacted_keys
from taskforge.ports.acting import actor, require

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from taskforge.domain.ids import OrganizationId, ProjectId
    from taskforge.domain.organization import Organization, Project
    from taskforge.ports.tenants import TenantStore

Found = TypeVar("Found")
_MARK = datetime(1970, 1, 1, tzinfo=UTC)
"""Says that a time is to be set; which one, the database's clock decides."""


class Organizations:
    """The tenants. Who may not make organizations sees their own only; another one is not found.

    ``forget``: look limits up again.
    """

    def __init__(self, tenants: TenantStore, forget: Callable[[], None]) -> None:
        self._tenants = tenants
        self._forget = forget

    async def create(self, name: str) -> Organization:
        """A new organization with a default project. Raises Conflict when the name is taken, Forbidden."""
        require(Permission.ORGANIZATION_CREATE)
        made = await self._tenants.create_organization(check_tenant_name(name, "organization"))
        if made is None:
            raise Conflict(f"an organization named {name!r} exists already")
        return made[0]

    async def list(self) -> Sequence[Organization]:
        """Those that the one who asks may see, by name."""
        principal = require(Permission.ORGANIZATION_READ)
        if principal.may(Permission.ORGANIZATION_CREATE):
            return await self._tenants.organizations()
        if principal.organization_id is None:
            return []
        return await self._tenants.organizations(organization_id=principal.organization_id)

    async def get(self, organization_id: OrganizationId) -> Organization:
        """One of them. Raises NotFound."""
        return _one(
            [organization for organization in await self.list() if organization.id == organization_id],
            organization_id,
        )

    async def named(self, name: str) -> Organization:
        """One of them, by name. Raises NotFound."""
        found = [organization for organization in await self.list() if organization.name == name]
        return _one(found, name)

    async def ensure(self, name: str) -> Organization:
        """The organization of this name, made if it is not there."""
        try:
            return await self.named(name)
        except NotFound:
            return await self.create(name)

    async def update(
        self,
        organization_id: OrganizationId,
        *,
        name: str | None = None,
        limits: Mapping[str, Any] | None = None,
        suspended: bool | None = None,
        redacted_keys: Sequence[str] | None = None,
    ) -> Organization:
        """Change what is given. Limits and suspension are for administrators of the installation.

        ``redacted_keys`` are all of them; to change them one has to be allowed to see what they hide.
        """
        principal = require(Permission.ORGANIZATION_WRITE)
        if limits is not None or suspended is not None:
            principal.require(Permission.ORGANIZATION_CREATE)
        if redacted_keys is not None:
            principal.require(Permission.PAYLOAD_UNREDACT)
        hidden = None if redacted_keys is None else check_redacted_keys(redacted_keys)
        await self.get(organization_id)
        if name is not None:
            check_tenant_name(name, "organization")

        def change(organization: Organization) -> Organization:
            kept = organization.suspended_at if suspended is None else _MARK if suspended else None
            return replace(
                organization,
                name=organization.name if name is None else name,
                limits=organization.limits if limits is None else organization.limits.changed(limits),
                suspended_at=kept,
                redacted_keys=organization.redacted_keys if hidden is None else hidden,
            )

        changed = await self._tenants.change_organization(organization_id, change)
        self._forget()
        return _one([] if changed is None else [changed], organization_id)

    async def delete(self, organization_id: OrganizationId) -> None:
        """Remove it with its people and credentials. Raises Conflict while its projects have queues or workers."""
        require(Permission.ORGANIZATION_WRITE).require(Permission.ORGANIZATION_CREATE)
        await self.get(organization_id)
        if organization_id == DEFAULT_ORGANIZATION:
            raise Conflict("the default organization stays: programs without a project work in it")
        await self._tenants.delete_organization(organization_id)


class Projects:
    """The projects of an organization. One that is out of the asking one's scope is not found."""

    def __init__(self, tenants: TenantStore) -> None:
        self._tenants = tenants

    async def create(self, organization_id: OrganizationId, name: str) -> Project:
        """A new project. Raises Conflict when the name is taken."""
        _whole(require(Permission.PROJECT_WRITE).project_id)
        made = await self._tenants.create_project(organization_id, check_tenant_name(name, "project"))
        if made is None:
            raise Conflict(f"a project named {name!r} exists already")
        return made

    async def list(self, organization_id: OrganizationId) -> Sequence[Project]:
        """Those in the asking one's scope, by name."""
        principal = require(Permission.PROJECT_READ)
        found = await self._tenants.projects(organization_id, project_id=principal.project_id)
        return list(found)

    async def get(self, organization_id: OrganizationId, project_id: ProjectId) -> Project:
        """One of them. Raises NotFound."""
        return await self.reach(organization_id, project_id=project_id)

    async def reach(
        self,
        organization_id: OrganizationId,
        *,
        project_id: ProjectId | None = None,
        name: str | None = None,
    ) -> Project:
        """The project of this id or name that the one who acts can reach: the way from a path to a project.

        Needs no permission of its own. Raises NotFound, the same for another tenant's id as for a random one.
        """
        found = await self._tenants.projects(organization_id, project_id=project_id, name=name)
        principal = actor().principal
        return _one([project for project in found if principal.reaches(project.id)], project_id or name or "")

    async def rename(self, organization_id: OrganizationId, project_id: ProjectId, name: str) -> Project:
        """Raises Conflict when the name is taken, NotFound."""
        require(Permission.PROJECT_WRITE)
        await self.reach(organization_id, project_id=project_id)
        renamed = await self._tenants.rename_project(
            organization_id, project_id, check_tenant_name(name, "project")
        )
        return _one([] if renamed is None else [renamed], project_id)

    async def delete(self, organization_id: OrganizationId, project_id: ProjectId) -> None:
        """Remove a project without queues and live workers. Raises Conflict with the counts, NotFound."""
        _whole(require(Permission.PROJECT_WRITE).project_id)
        await self.reach(organization_id, project_id=project_id)
        if project_id == DEFAULT_PROJECT:
            raise Conflict("the default project of the installation stays")
        if not await self._tenants.delete_project(organization_id, project_id):
            _one([], project_id)


def _whole(project_id: ProjectId | None) -> None:
    if project_id is not None:
        raise Forbidden("this is for those who reach the whole organization, not one project of it")


def _one(found: Sequence[Found], which: object) -> Found:
    if not found:
        raise NotFound(f"nothing has the id or name {which}")
    return found[0]
