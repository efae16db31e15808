"""Users, their roles in an organization, and the roles that it makes for itself.

Nobody gives more than they have, or changes somebody who has more; an organization keeps an owner.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from taskforge.domain.access import BuiltinRole, Permission, Principal, PrincipalKind, permissions
from taskforge.domain.errors import (
    Conflict,
    Escalation,
    Forbidden,
    InvalidCredentials,
    InvalidInput,
    NotFound,
)
from taskforge.domain.names import check_name
from taskforge.domain.people import Grant, builtin_grant, check_email, check_password
from taskforge.ports.acting import actor, require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from uuid import UUID

    from taskforge.domain.ids import OrganizationId, ProjectId
    from taskforge.domain.people import Member, Role
    from taskforge.ports.people import PeopleStore
    from taskforge.services.passwords import Passwords

Found = TypeVar("Found")
_MARK = datetime(1970, 1, 1, tzinfo=UTC)


class Users:
    """The users of an organization."""

    def __init__(self, people: PeopleStore, passwords: Passwords, forget: Callable[[], None]) -> None:
        self._people = people
        self._passwords = passwords
        self._forget = forget

    async def create(
        self,
        organization_id: OrganizationId,
        email: str,
        *,
        password: str | None,
        role: str,
        name: str | None = None,
        project_id: ProjectId | None = None,
        administrator: bool = False,
    ) -> Member:
        """A new account with a role; without a password nobody can log in to it yet.

        Raises Conflict when the organization has the address, InvalidInput, Escalation.
        """
        principal = require(Permission.USER_WRITE)
        if administrator:
            principal.require(Permission.ORGANIZATION_CREATE)
        email = check_email(email)
        grant = await self.grant(organization_id, role)
        _check_grant(principal, grant, project_id)
        hashed = None
        if password is not None:
            hashed = await self._passwords.hash(check_password(password, email=email))
        made = await self._people.create_user(
            organization_id,
            email,
            check_name(name or email.partition("@")[0], "name"),
            hashed,
            grant,
            project_id,
            is_administrator=administrator,
        )
        if made is None:
            raise Conflict(f"{email} is a user already")
        return made

    async def list(self, organization_id: OrganizationId) -> Sequence[Member]:
        """All of them by address."""
        require(Permission.USER_READ)
        return await self._people.members(organization_id)

    async def get(self, organization_id: OrganizationId, user_id: UUID) -> Member:
        """One of them. Everybody may look at themselves. Raises NotFound."""
        if not _is_self(actor().principal, user_id):
            require(Permission.USER_READ)
        return _known(await self._people.members(organization_id, user_id=user_id), user_id)

    async def with_email(self, organization_id: OrganizationId, email: str) -> Member:
        """One of them, by address. Raises NotFound."""
        require(Permission.USER_READ)
        return _known(await self._people.members(organization_id, email=check_email(email)), email)

    async def update(
        self,
        organization_id: OrganizationId,
        user_id: UUID,
        *,
        name: str | None = None,
        disabled: bool | None = None,
        administrator: bool | None = None,
    ) -> Member:
        """Change what is given. A disabled user's sessions and keys prove nothing. Raises NotFound, Escalation."""
        principal = actor().principal
        if not _is_self(principal, user_id) or disabled is not None:
            principal = require(Permission.USER_WRITE)
        if administrator is not None:
            principal.require(Permission.ORGANIZATION_CREATE)
        if name is not None:
            check_name(name, "name")
        member = await self._within_reach(organization_id, user_id)
        if member.home_id != organization_id:
            raise Forbidden("the account belongs to another organization; only its role here can be changed")

        def change(member: Member) -> Member:
            return replace(
                member,
                name=member.name if name is None else name,
                is_administrator=member.is_administrator if administrator is None else administrator,
                disabled_at=member.disabled_at if disabled is None else _MARK if disabled else None,
            )

        changed = await self._people.change_user(organization_id, user_id, change)
        self._forget()
        return _known([] if changed is None else [changed], user_id)

    async def set_role(
        self,
        organization_id: OrganizationId,
        user_id: UUID,
        role: str,
        *,
        project_id: ProjectId | None = None,
    ) -> Member:
        """Give a member another role, or make a user of elsewhere a member (for the installation's own people).

        Raises NotFound, Escalation, Conflict for the last owner.
        """
        principal = require(Permission.USER_WRITE)
        grant = await self.grant(organization_id, role)
        _check_grant(principal, grant, project_id)
        if await self._people.members(organization_id, user_id=user_id):
            await self._within_reach(organization_id, user_id)
        elif not principal.may(Permission.ORGANIZATION_CREATE):
            _known([], user_id)
        changed = await self._people.set_membership(organization_id, user_id, grant, project_id)
        self._forget()
        return _known([] if changed is None else [changed], user_id)

    async def remove(self, organization_id: OrganizationId, user_id: UUID) -> None:
        """Take a user out of the organization; the account goes when it belongs there. Raises NotFound, Conflict."""
        require(Permission.USER_WRITE)
        await self._within_reach(organization_id, user_id)
        await self._people.remove(organization_id, user_id)
        self._forget()

    async def set_password(
        self, organization_id: OrganizationId, user_id: UUID, password: str, *, current: str | None = None
    ) -> None:
        """A new password; all other sessions of the user end. One's own needs the ``current`` one.

        Raises InvalidCredentials, InvalidInput, NotFound, Escalation.
        """
        principal = actor().principal
        member = await self._within_reach(organization_id, user_id)
        if member.home_id != organization_id:
            raise Forbidden("the account belongs to another organization")
        if _is_self(principal, user_id):
            await self._check_current(principal, member, current)
        else:
            require(Permission.USER_WRITE)
        hashed = await self._passwords.hash(check_password(password, email=member.email))
        spared = principal.credential_id if _is_self(principal, user_id) else None
        await self._people.set_password(organization_id, user_id, hashed, spared)
        self._forget()

    async def grant(self, organization_id: OrganizationId, role: str) -> Grant:
        """What a role of this name gives here. Raises InvalidInput, naming the roles there are."""
        found = builtin_grant(role)
        if found is not None:
            return found
        own = await self._people.roles(organization_id)
        for candidate in own:
            if role in (candidate.name, str(candidate.id)):
                return Grant(candidate.name, candidate.permissions, candidate.id)
        names = [*map(str, BuiltinRole), *[candidate.name for candidate in own]]
        raise InvalidInput(f"there is no role {role!r}", field="role", hint=f"one of: {', '.join(names)}")

    async def has_administrator(self) -> bool:
        """Whether anybody administers the installation."""
        return await self._people.administrators() > 0

    async def _check_current(self, principal: Principal, member: Member, current: str | None) -> None:
        organizations = dict(await self._people.organizations_of(member.id))
        name = organizations.get(member.home_id)
        account = None if name is None else await self._people.account(name, member.email)
        hashed = None if account is None else account.password_hash
        if not await self._passwords.verify(hashed, current or ""):
            raise InvalidCredentials("the current password is wrong")

    async def _within_reach(self, organization_id: OrganizationId, user_id: UUID) -> Member:
        """The user, if the one who acts has at least as much."""
        principal = actor().principal
        member = _known(await self._people.members(organization_id, user_id=user_id), user_id)
        if not _is_self(principal, user_id):
            _check_grant(principal, member.grant, member.project_id)
            if member.is_administrator:
                principal.require(Permission.ORGANIZATION_CREATE)
        return member


class Roles:
    """The roles of an organization's own, beside the built-in ones."""

    def __init__(self, people: PeopleStore, forget: Callable[[], None]) -> None:
        self._people = people
        self._forget = forget

    async def create(self, organization_id: OrganizationId, name: str, allowed: Iterable[str]) -> Role:
        """A new role. Raises Conflict when the name is taken, InvalidInput, Escalation."""
        principal = require(Permission.USER_WRITE)
        wanted = permissions(allowed)
        _check_grant(principal, Grant(name, wanted), None)
        made = await self._people.create_role(organization_id, _check_role_name(name), wanted)
        if made is None:
            raise Conflict(f"a role named {name!r} exists already")
        return made

    async def list(self, organization_id: OrganizationId) -> Sequence[Role]:
        """The organization's own, by name."""
        require(Permission.USER_READ)
        return await self._people.roles(organization_id)

    async def get(self, organization_id: OrganizationId, role_id: UUID) -> Role:
        """One of them. Raises NotFound."""
        require(Permission.USER_READ)
        return _known(await self._people.roles(organization_id, role_id=role_id), role_id)

    async def named(self, organization_id: OrganizationId, name: str) -> Role:
        """One of them, by name. Raises NotFound."""
        require(Permission.USER_READ)
        return _known(await self._people.roles(organization_id, name=name), name)

    async def update(
        self,
        organization_id: OrganizationId,
        role_id: UUID,
        *,
        name: str | None = None,
        allowed: Iterable[str] | None = None,
    ) -> Role:
        """Change what is given; who has the role has what it then allows. Raises NotFound, Conflict, Escalation."""
        principal = require(Permission.USER_WRITE)
        wanted = None if allowed is None else permissions(allowed)
        if name is not None:
            _check_role_name(name)

        def change(role: Role) -> Role:
            changed = replace(
                role,
                name=role.name if name is None else name,
                permissions=role.permissions if wanted is None else wanted,
            )
            for either in (role, changed):
                _check_grant(principal, Grant(either.name, either.permissions), None)
            return changed

        changed = await self._people.change_role(organization_id, role_id, change)
        self._forget()
        return _known([] if changed is None else [changed], role_id)

    async def delete(self, organization_id: OrganizationId, role_id: UUID) -> None:
        """Raises Conflict while somebody has it, NotFound."""
        require(Permission.USER_WRITE)
        if not await self._people.delete_role(organization_id, role_id):
            _known([], role_id)


def _check_grant(principal: Principal, grant: Grant, project_id: ProjectId | None) -> None:
    if not principal.may_grant(grant.permissions, project_id):
        raise Escalation(
            f"the role {grant.name!r} allows more than you may give",
            hint="give what you have yourself, in the projects where you have it",
        )


def _check_role_name(name: str) -> str:
    check_name(name, "role name")
    if builtin_grant(name) is not None:
        raise Conflict(f"{name!r} is a built-in role")
    return name


def _is_self(principal: Principal, user_id: UUID) -> bool:
    return principal.kind is PrincipalKind.USER and principal.id == user_id


def _known(found: Sequence[Found], which: object) -> Found:
    if not found:
        raise NotFound(f"nothing has the id or address {which}")
    return found[0]
