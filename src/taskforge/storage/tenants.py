"""Organizations and projects over SQL (``ports.tenants``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import Conflict, NotFound
from taskforge.domain.ids import OrganizationId
from taskforge.domain.organization import DEFAULT_NAME, Limits, Organization, Project
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import to_json
from taskforge.storage.engine import Engine, One, Script
from taskforge.storage.grants import redacted_keys_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId


class SqlTenantStore:
    """Implements ``TenantStore`` for any engine; ``mint`` gives new ids."""

    def __init__(self, engine: Engine, mint: Callable[[], UUID]) -> None:
        self._engine = engine
        self._mint = mint

    async def create_organization(self, name: str) -> tuple[Organization, Project] | None:
        organization_id = OrganizationId(self._mint())
        where = {"organization_id": organization_id}
        audit = Audit(organization_id=organization_id)

        def script() -> Script[tuple[Organization, Project] | None]:
            rows = yield One("create_organization", {**where, "name": name})
            if not rows:
                return None
            made = self._organization(rows[0])
            yield audit.entry("organization.create", made.id, name, after=_told(made))
            project = yield from self._create_project(audit, made.id, DEFAULT_NAME)
            return (made, project) if project is not None else None

        return await self._engine.run(script)

    async def organizations(
        self, *, organization_id: OrganizationId | None = None, name: str | None = None
    ) -> Sequence[Organization]:
        chosen = {"organization_id": organization_id, "name": name}
        return [self._organization(row) for row in await self._engine.read(One("list_organizations", chosen))]

    async def change_organization(
        self, organization_id: OrganizationId, change: Callable[[Organization], Organization]
    ) -> Organization | None:
        where = {"organization_id": organization_id}
        audit = Audit(organization_id=organization_id)

        def script() -> Script[Organization | None]:
            rows = yield One("lock_organization", where)
            if not rows:
                return None
            before = self._organization(rows[0])
            wanted = change(before)
            if wanted.name != before.name and (
                yield One("list_organizations", {"organization_id": None, "name": wanted.name})
            ):
                raise Conflict(f"another organization is named {wanted.name!r}")
            limits = {f"max_{name}": value for name, value in wanted.limits.to_json().items()}
            values = {
                "name": wanted.name,
                "is_suspended": wanted.suspended_at is not None,
                "redacted_keys": to_json(wanted.redacted_keys),
                **limits,
            }
            after = self._organization((yield One("update_organization", {**where, **values}))[0])
            yield audit.entry(
                "organization.update", organization_id, before.name, before=_told(before), after=_told(after)
            )
            return after

        return await self._engine.run(script)

    async def delete_organization(self, organization_id: OrganizationId) -> bool:
        where = {"organization_id": organization_id}
        audit = Audit(organization_id=organization_id)

        def script() -> Script[bool]:
            rows = yield One("lock_organization", where)
            if not rows:
                return False
            gone = self._organization(rows[0])
            for row in (yield One("list_projects", {**where, "project_id": None, "name": None})):
                yield from self._delete_project(audit, self._project(row))
            yield One("empty_organization", where)
            yield One("delete_organization", where)
            yield audit.entry("organization.delete", gone.id, gone.name, before=_told(gone))
            return True

        return await self._engine.run(script)

    async def waiting_jobs(self, organization_id: OrganizationId, bound: int) -> int:
        chosen = {"organization_id": organization_id, "limit": bound + 1}
        [row] = await self._engine.read(One("count_waiting_of_organization", chosen))
        return int(row["jobs"])

    async def create_project(self, organization_id: OrganizationId, name: str) -> Project | None:
        audit = Audit(organization_id=organization_id)

        def script() -> Script[Project | None]:
            if not (yield One("lock_organization", {"organization_id": organization_id})):
                raise NotFound(f"no organization has the id {organization_id}")
            return (yield from self._create_project(audit, organization_id, name))

        return await self._engine.run(script)

    async def projects(
        self,
        organization_id: OrganizationId,
        *,
        project_id: ProjectId | None = None,
        name: str | None = None,
    ) -> Sequence[Project]:
        chosen = {"organization_id": organization_id, "project_id": project_id, "name": name}
        return [self._project(row) for row in await self._engine.read(One("list_projects", chosen))]

    async def rename_project(
        self, organization_id: OrganizationId, project_id: ProjectId, name: str
    ) -> Project | None:
        where = {"organization_id": organization_id, "project_id": project_id}
        audit = Audit(organization_id=organization_id, project_id=project_id)

        def script() -> Script[Project | None]:
            yield One("lock_organization", {"organization_id": organization_id})
            rows = yield One("list_projects", {**where, "name": None})
            if not rows:
                return None
            taken = yield One(
                "list_projects", {"organization_id": organization_id, "project_id": None, "name": name}
            )
            if taken and self._project(taken[0]).id != project_id:
                raise Conflict(f"another project is named {name!r}")
            before = self._project(rows[0])
            after = self._project((yield One("update_project", {**where, "name": name}))[0])
            yield audit.entry(
                "project.update", project_id, before.name, before={"name": before.name}, after={"name": name}
            )
            return after

        return await self._engine.run(script)

    async def delete_project(self, organization_id: OrganizationId, project_id: ProjectId) -> bool:
        where = {"organization_id": organization_id, "project_id": project_id}
        audit = Audit(organization_id=organization_id, project_id=project_id)

        def script() -> Script[bool]:
            yield One("lock_organization", {"organization_id": organization_id})
            rows = yield One("list_projects", {**where, "name": None})
            if rows:
                yield from self._delete_project(audit, self._project(rows[0]))
            return bool(rows)

        return await self._engine.run(script)

    def _create_project(
        self, audit: Audit, organization_id: OrganizationId, name: str
    ) -> Script[Project | None]:
        rows = yield One(
            "create_project", {"organization_id": organization_id, "project_id": self._mint(), "name": name}
        )
        if not rows:
            return None
        made = self._project(rows[0])
        yield audit.entry("project.create", made.id, name, after={"name": name})
        return made

    def _delete_project(self, audit: Audit, project: Project) -> Script[None]:
        use = (yield One("project_use", {"project_id": project.id}))[0]
        for what in ("queues", "workers"):
            if use[what]:
                raise Conflict(
                    f"project {project.name!r} still has {use[what]} {what}",
                    hint="delete its queues and stop its workers first",
                )
        yield One("empty_project", {"project_id": project.id})
        yield One("delete_project", {"organization_id": project.organization_id, "project_id": project.id})
        yield audit.entry("project.delete", project.id, project.name, before={"name": project.name})

    def _organization(self, row: Any) -> Organization:
        limits = Limits(**{name: row[f"max_{name}"] for name in Limits().to_json()})
        moment = self._engine.moment
        return Organization(
            self._engine.identity(row["id"]),
            row["name"],
            limits,
            moment(row["suspended_at"]),
            redacted_keys_of(row["redacted_keys"]),
            moment(row["created_at"]),
            moment(row["updated_at"]),
        )

    def _project(self, row: Any) -> Project:
        identity, moment = self._engine.identity, self._engine.moment
        return Project(
            identity(row["id"]),
            identity(row["organization_id"]),
            row["name"],
            moment(row["created_at"]),
            moment(row["updated_at"]),
        )


def _told(organization: Organization) -> Mapping[str, Any]:
    """What the audit log says of an organization."""
    return {
        "name": organization.name,
        "is_suspended": organization.suspended_at is not None,
        "limits": organization.limits.to_json(),
        "redacted_keys": list(organization.redacted_keys),
    }
