"""Who calls: the interface to tenants, users and keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: a user or a key of one organization, perhaps bound to one project or to some queues."""

    id: UUID
    name: str
    organization_id: UUID
    permissions: frozenset[str]
    project_id: UUID | None = None
    queue_ids: frozenset[UUID] | None = None

    def may(self, permission: str) -> bool:
        """Whether it has the permission."""
        return permission in self.permissions


class Authenticator(Protocol):
    """Turns credentials into a principal."""

    async def authenticate(self, token: str, *, address: str) -> Principal:
        """Who holds this token. Raises Unauthenticated."""
        ...
