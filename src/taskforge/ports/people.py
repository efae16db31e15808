"""Users, memberships and roles as they are kept. Every change has its entry in the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from taskforge.domain.access import Permission
    from taskforge.domain.ids import OrganizationId, ProjectId
    from taskforge.domain.people import Grant, Member, Role


@dataclass(frozen=True, slots=True)
class Account:
    """What a login needs of a user."""

    id: UUID
    organization_id: OrganizationId
    email: str
    name: str
    password_hash: str | None
    is_active: bool


class PeopleStore(Protocol):
    """Each change is one transaction, behind the lock of its organization."""

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
        """A new account with its membership; None when the organization has one of this address."""
        ...

    async def members(
        self,
        organization_id: OrganizationId,
        *,
        user_id: UUID | None = None,
        email: str | None = None,
    ) -> Sequence[Member]:
        """The users of an organization by address, or one of them."""
        ...

    async def change_user(
        self, organization_id: OrganizationId, user_id: UUID, change: Callable[[Member], Member]
    ) -> Member | None:
        """Store name, ``is_administrator`` and ``disabled_at`` (set or not). Raises Conflict: the last owner."""
        ...

    async def set_membership(
        self, organization_id: OrganizationId, user_id: UUID, grant: Grant, project_id: ProjectId | None
    ) -> Member | None:
        """Give a user this role. Raises Conflict: the last owner."""
        ...

    async def remove(self, organization_id: OrganizationId, user_id: UUID) -> bool:
        """Take the membership away, and with it the account when this is its home. Raises Conflict: the last owner."""
        ...

    async def set_password(
        self, organization_id: OrganizationId, user_id: UUID, password_hash: str, spared: UUID | None
    ) -> bool:
        """A new password; all sessions but ``spared`` end."""
        ...

    async def rehash_password(
        self, organization_id: OrganizationId, user_id: UUID, previous: str, password_hash: str
    ) -> None:
        """The same password, hashed as it is done now."""
        ...

    async def account(self, organization: str, email: str) -> Account | None:
        """The account of this address in the organization of this name."""
        ...

    async def organizations_of(self, user_id: UUID) -> Sequence[tuple[OrganizationId, str]]:
        """Where the user is a member, by name; those that are suspended left out."""
        ...

    async def administrators(self) -> int:
        """How many users administer the installation."""
        ...

    async def create_role(
        self, organization_id: OrganizationId, name: str, permissions: frozenset[Permission]
    ) -> Role | None:
        """A new role; None when the name is taken."""
        ...

    async def roles(
        self, organization_id: OrganizationId, *, role_id: UUID | None = None, name: str | None = None
    ) -> Sequence[Role]:
        """The organization's own roles by name, or one of them."""
        ...

    async def change_role(
        self, organization_id: OrganizationId, role_id: UUID, change: Callable[[Role], Role]
    ) -> Role | None:
        """Store name and permissions. Raises Conflict: the name is taken."""
        ...

    async def delete_role(self, organization_id: OrganizationId, role_id: UUID) -> bool:
        """Raises Conflict while somebody has it."""
        ...
