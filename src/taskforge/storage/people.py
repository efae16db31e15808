"""Users, memberships and roles over SQL (``ports.people``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.access import BuiltinRole
from taskforge.domain.errors import Conflict, NotFound
from taskforge.domain.people import Grant, Member, Role, builtin_grant
from taskforge.ports.people import Account
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import to_json
from taskforge.storage.engine import Engine, One, Script
from taskforge.storage.grants import stored_permissions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from taskforge.domain.access import Permission
    from taskforge.domain.ids import OrganizationId, ProjectId


class SqlPeopleStore:
    """Implements ``PeopleStore`` for any engine; ``mint`` gives new ids."""

    def __init__(self, engine: Engine, mint: Callable[[], UUID]) -> None:
        self._engine = engine
        self._mint = mint

    async def create_user(
        self,
        organization_id: OrganizationId,
        email: str,
        name: str,
        password_hash: str | None,
        grant: Grant,
        project_id: ProjectId | None,
        *,
        is_administrator: bool,
    ) -> Member | None:
        user_id = self._mint()
        user = {
            "user_id": user_id,
            "organization_id": organization_id,
            "email": email,
            "name": name,
            "password_hash": password_hash,
            "is_administrator": is_administrator,
        }
        audit = Audit(organization_id=organization_id)

        def script() -> Script[Member | None]:
            yield from self._lock(organization_id)
            if not (yield One("create_user", user)):
                return None
            yield self._put(organization_id, user_id, grant, project_id)
            member = yield from self._member(organization_id, user_id)
            if member is not None:
                yield audit.entry("user.create", member.id, email, after=_told(member))
            return member

        return await self._engine.run(script)

    async def members(
        self,
        organization_id: OrganizationId,
        *,
        user_id: UUID | None = None,
        email: str | None = None,
    ) -> Sequence[Member]:
        chosen = One("list_members", _chosen(organization_id, user_id, email))
        return [self._read(row) for row in await self._engine.read(chosen)]

    async def change_user(
        self, organization_id: OrganizationId, user_id: UUID, change: Callable[[Member], Member]
    ) -> Member | None:
        audit = Audit(organization_id=organization_id)

        def script() -> Script[Member | None]:
            yield from self._lock(organization_id)
            before = yield from self._member(organization_id, user_id)
            if before is None or before.home_id != organization_id:
                return None
            wanted = change(before)
            if wanted.disabled_at is not None:
                yield from self._keep_an_owner(before)
            yield One(
                "update_user",
                {
                    "organization_id": organization_id,
                    "user_id": user_id,
                    "name": wanted.name,
                    "is_administrator": wanted.is_administrator,
                    "is_disabled": wanted.disabled_at is not None,
                },
            )
            after = yield from self._member(organization_id, user_id)
            told = None if after is None else _told(after)
            yield audit.entry("user.update", user_id, before.email, before=_told(before), after=told)
            return after

        return await self._engine.run(script)

    async def set_membership(
        self, organization_id: OrganizationId, user_id: UUID, grant: Grant, project_id: ProjectId | None
    ) -> Member | None:
        audit = Audit(organization_id=organization_id)

        def script() -> Script[Member | None]:
            yield from self._lock(organization_id)
            before = yield from self._member(organization_id, user_id)
            if before is not None and (grant.builtin is not BuiltinRole.OWNER or project_id is not None):
                yield from self._keep_an_owner(before)
            yield self._put(organization_id, user_id, grant, project_id)
            after = yield from self._member(organization_id, user_id)
            if after is None:
                raise NotFound(f"no user has the id {user_id}")
            verb = "membership.create" if before is None else "membership.update"
            told = None if before is None else _told(before)
            yield audit.entry(verb, after.membership_id, after.email, before=told, after=_told(after))
            return after

        return await self._engine.run(script)

    async def remove(self, organization_id: OrganizationId, user_id: UUID) -> bool:
        where = {"organization_id": organization_id, "user_id": user_id}
        audit = Audit(organization_id=organization_id)

        def script() -> Script[bool]:
            yield from self._lock(organization_id)
            gone = yield from self._member(organization_id, user_id)
            if gone is None:
                return False
            yield from self._keep_an_owner(gone)
            if gone.home_id == organization_id:
                yield One("delete_user", where)
                yield audit.entry("user.delete", user_id, gone.email, before=_told(gone))
            else:
                yield One("delete_membership", where)
                yield audit.entry("membership.delete", gone.membership_id, gone.email, before=_told(gone))
            return True

        return await self._engine.run(script)

    async def set_password(
        self, organization_id: OrganizationId, user_id: UUID, password_hash: str, spared: UUID | None
    ) -> bool:
        user = {"organization_id": organization_id, "user_id": user_id}
        audit = Audit(organization_id=organization_id)

        def script() -> Script[bool]:
            changed = yield One("set_password", {**user, "password_hash": password_hash})
            if changed:
                ended = yield One(
                    "revoke_sessions",
                    {"user_id": user_id, "session_id": None, "spared_id": spared, "because": "password"},
                )
                yield audit.entry("user.password", user_id, after={"sessions_ended": len(ended)})
            return bool(changed)

        return await self._engine.run(script)

    async def rehash_password(
        self, organization_id: OrganizationId, user_id: UUID, previous: str, password_hash: str
    ) -> None:
        user = {"organization_id": organization_id, "user_id": user_id}
        await self._engine.call(
            One("rehash_password", {**user, "previous": previous, "password_hash": password_hash})
        )

    async def account(self, organization: str, email: str) -> Account | None:
        rows = await self._engine.read(One("find_account", {"organization": organization, "email": email}))
        if not rows:
            return None
        row = rows[0]
        return Account(
            self._engine.identity(row["id"]),
            self._engine.identity(row["organization_id"]),
            row["email"],
            row["name"],
            row["password_hash"],
            row["disabled_at"] is None and row["suspended_at"] is None,
        )

    async def organizations_of(self, user_id: UUID) -> Sequence[tuple[OrganizationId, str]]:
        rows = await self._engine.read(One("memberships_of_account", {"user_id": user_id}))
        return [(self._engine.identity(row["id"]), row["name"]) for row in rows]

    async def administrators(self) -> int:
        return int((await self._engine.read(One("count_administrators")))[0]["administrators"])

    async def create_role(
        self, organization_id: OrganizationId, name: str, permissions: frozenset[Permission]
    ) -> Role | None:
        role = {"organization_id": organization_id, "role_id": self._mint(), "name": name}
        audit = Audit(organization_id=organization_id)

        def script() -> Script[Role | None]:
            rows = yield One("create_role", {**role, "permissions": to_json(sorted(permissions))})
            if not rows:
                return None
            made = self._role(rows[0])
            yield audit.entry("role.create", made.id, name, after=_told_role(made))
            return made

        return await self._engine.run(script)

    async def roles(
        self, organization_id: OrganizationId, *, role_id: UUID | None = None, name: str | None = None
    ) -> Sequence[Role]:
        chosen = {"organization_id": organization_id, "role_id": role_id, "name": name}
        return [self._role(row) for row in await self._engine.read(One("list_roles", chosen))]

    async def change_role(
        self, organization_id: OrganizationId, role_id: UUID, change: Callable[[Role], Role]
    ) -> Role | None:
        where = {"organization_id": organization_id, "role_id": role_id}
        audit = Audit(organization_id=organization_id)

        def script() -> Script[Role | None]:
            yield from self._lock(organization_id)
            rows = yield One("list_roles", {**where, "name": None})
            if not rows:
                return None
            before = self._role(rows[0])
            wanted = change(before)
            taken = yield One("list_roles", {**where, "role_id": None, "name": wanted.name})
            if taken and self._role(taken[0]).id != role_id:
                raise Conflict(f"another role is named {wanted.name!r}")
            values = {"name": wanted.name, "permissions": to_json(sorted(wanted.permissions))}
            after = self._role((yield One("update_role", {**where, **values}))[0])
            yield audit.entry(
                "role.update", role_id, before.name, before=_told_role(before), after=_told_role(after)
            )
            return after

        return await self._engine.run(script)

    async def delete_role(self, organization_id: OrganizationId, role_id: UUID) -> bool:
        where = {"organization_id": organization_id, "role_id": role_id}
        audit = Audit(organization_id=organization_id)

        def script() -> Script[bool]:
            yield from self._lock(organization_id)
            rows = yield One("list_roles", {**where, "name": None})
            if not rows:
                return False
            gone = self._role(rows[0])
            chosen = One("list_members", _chosen(organization_id, None, None))
            if any(self._read(row).grant.role_id == role_id for row in (yield chosen)):
                raise Conflict(f"role {gone.name!r} is somebody's", hint="give them another role first")
            yield One("delete_role", where)
            yield audit.entry("role.delete", role_id, gone.name, before=_told_role(gone))
            return True

        return await self._engine.run(script)

    def _lock(self, organization_id: OrganizationId) -> Script[None]:
        """Two who take the last two owners away at once must see each other."""
        if not (yield One("lock_organization", {"organization_id": organization_id})):
            raise NotFound(f"no organization has the id {organization_id}")

    def _keep_an_owner(self, member: Member) -> Script[None]:
        if (
            member.grant.builtin is not BuiltinRole.OWNER
            or member.project_id is not None
            or member.disabled_at is not None
        ):
            return
        where = {"organization_id": member.organization_id, "user_id": member.id}
        if not (yield One("other_owners", where))[0]["owners"]:
            raise Conflict(
                f"{member.email} is the organization's last owner", hint="make somebody else owner first"
            )

    def _put(
        self, organization_id: OrganizationId, user_id: UUID, grant: Grant, project_id: ProjectId | None
    ) -> One:
        values = {
            "membership_id": self._mint(),
            "organization_id": organization_id,
            "user_id": user_id,
            "project_id": project_id,
            "role": grant.builtin,
            "role_id": grant.role_id,
        }
        return One("put_membership", values)

    def _member(self, organization_id: OrganizationId, user_id: UUID) -> Script[Member | None]:
        rows = yield One("list_members", _chosen(organization_id, user_id, None))
        return self._read(rows[0]) if rows else None

    def _read(self, row: Any) -> Member:
        identity, moment = self._engine.identity, self._engine.moment
        grant = None if row["role"] is None else builtin_grant(row["role"])
        return Member(
            id=identity(row["id"]),
            membership_id=identity(row["membership_id"]),
            organization_id=identity(row["organization_id"]),
            home_id=identity(row["home_id"]),
            email=row["email"],
            name=row["name"],
            grant=grant
            or Grant(row["role_name"], stored_permissions(row["permissions"]), identity(row["role_id"])),
            project_id=identity(row["project_id"]),
            is_administrator=bool(row["is_administrator"]),
            disabled_at=moment(row["disabled_at"]),
            created_at=moment(row["created_at"]),
            updated_at=moment(row["updated_at"]),
        )

    def _role(self, row: Any) -> Role:
        identity, moment = self._engine.identity, self._engine.moment
        return Role(
            identity(row["id"]),
            identity(row["organization_id"]),
            row["name"],
            stored_permissions(row["permissions"]),
            moment(row["created_at"]),
            moment(row["updated_at"]),
        )


def _chosen(organization_id: OrganizationId, user_id: UUID | None, email: str | None) -> dict[str, Any]:
    return {"organization_id": organization_id, "user_id": user_id, "email": email}


def _told(member: Member) -> dict[str, Any]:
    """What the audit log says of a user."""
    return {
        "email": member.email,
        "name": member.name,
        "role": member.grant.name,
        "project_id": None if member.project_id is None else str(member.project_id),
        "is_administrator": member.is_administrator,
        "is_disabled": member.disabled_at is not None,
    }


def _told_role(role: Role) -> dict[str, Any]:
    return {"name": role.name, "permissions": sorted(role.permissions)}
