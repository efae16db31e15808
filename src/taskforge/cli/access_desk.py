"""What the commands about tenants, people and keys ask and order, of a database or of a server alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime


class NewUser(NamedTuple):
    """A user to be made; ``project`` by name, None for all."""

    email: str
    password: str
    role: str
    name: str | None
    project: str | None
    administrator: bool


class NewKey(NamedTuple):
    """A key to be made; project and queues by name, None for all."""

    name: str
    role: str | None
    permissions: Sequence[str] | None
    project: str | None
    queues: Sequence[str] | None
    expires_at: datetime | None


class AccessDesk(Protocol):
    """People, roles, keys and projects of one organization; documents are those of the API."""

    async def users(self) -> list[dict[str, Any]]:
        """All of them by address."""
        ...

    async def create_user(self, wanted: NewUser) -> dict[str, Any]:
        """A new one."""
        ...

    async def set_role(self, email: str, role: str, project: str | None) -> None:
        """Give them another role."""
        ...

    async def set_password(self, email: str, password: str) -> None:
        """Give them another password."""
        ...

    async def switch(self, email: str, *, disabled: bool) -> None:
        """Let them in, or not."""
        ...

    async def remove_user(self, email: str) -> None:
        """Take them out of the organization."""
        ...

    async def keys(self, *, revoked: bool) -> list[dict[str, Any]]:
        """The newest first."""
        ...

    async def create_key(self, wanted: NewKey) -> tuple[dict[str, Any], str]:
        """A new one, and its text."""
        ...

    async def revoke_key(self, text: str) -> bool:
        """End one, by the end of its id; False if it was ended before."""
        ...

    async def roles(self) -> list[dict[str, Any]]:
        """The organization's own."""
        ...

    async def create_role(self, name: str, permissions: Sequence[str]) -> None:
        """A new one."""
        ...

    async def change_role(self, name: str, permissions: Sequence[str]) -> None:
        """Let it allow this from now on."""
        ...

    async def delete_role(self, name: str) -> None:
        """Remove one that nobody has."""
        ...

    async def projects(self) -> list[dict[str, Any]]:
        """All of them by name."""
        ...

    async def create_project(self, name: str) -> dict[str, Any]:
        """A new one."""
        ...

    async def rename_project(self, name: str, new_name: str) -> None:
        """Give it another name."""
        ...

    async def delete_project(self, name: str) -> None:
        """Remove it."""
        ...


class OrganizationDesk(Protocol):
    """Organizations by name; documents are those of the API, and say ``is_suspended``."""

    async def all(self) -> list[dict[str, Any]]:
        """All of them by name."""
        ...

    async def create(self, name: str) -> dict[str, Any]:
        """A new one, with a default project."""
        ...

    async def change(self, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """One with something changed."""
        ...

    async def remove(self, name: str) -> None:
        """Remove one whose projects are empty."""
        ...
