"""Where it is kept which requests were made under an Idempotency-Key."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from taskforge.domain.ids import OrganizationId

    Standing = Mapping[int, UUID]


class RequestKey(NamedTuple):
    """A request that may come again: whose it is, under which key, and the SHA-256 of what is asked (hexadecimal)."""

    organization_id: OrganizationId
    principal_id: UUID
    key: str
    fingerprint: str


class KnownRequest(NamedTuple):
    """One that came before. ``standing``: by place, jobs that are not its own; None while it is not answered."""

    fingerprint: str
    first_id: UUID
    standing: Standing | None


class RequestStore(Protocol):
    """Each verb is one statement."""

    async def begin(self, request: RequestKey, first_id: UUID, lock_us: int, keep_us: int) -> UUID | None:
        """Lock the key. Answers the id to count up from: an older one where the request was given up before.

        None: it is answered, under way, or another request's.
        """
        ...

    async def find(self, request: RequestKey) -> KnownRequest | None:
        """What is known under the key."""
        ...

    async def complete(self, request: RequestKey, first_id: UUID, standing: Standing) -> None:
        """It is answered."""
        ...

    async def release(self, request: RequestKey, first_id: UUID) -> None:
        """Nobody knows what became of it: a repeat goes on where it was."""
        ...

    async def forget(self, request: RequestKey, first_id: UUID) -> None:
        """It was refused and has changed nothing."""
        ...
