"""What is kept of credentials, as far as proving them needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.access import Principal
    from taskforge.domain.tokens import TokenKind


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that holds now: the hash of its secret, and what it proves."""

    secret_hash: str | None
    principal: Principal


class CredentialStore(Protocol):
    """Looks credentials up by id; one that was revoked, ran out, or whose organization is suspended is not found."""

    async def key(self, key_id: UUID) -> Credential | None:
        """An API key. What it allows is cut to what the user who made it may do now."""
        ...

    async def session(self, session_id: UUID) -> Credential | None:
        """A login, with what its user may do in its organization now. The hash is that of the dashboard's cookie."""
        ...

    async def worker(self, worker_id: UUID) -> Credential | None:
        """The credential of one incarnation of a worker."""
        ...

    async def touch(self, kind: TokenKind, credential_id: UUID, address: str | None) -> None:
        """Note that it was used now, unless that was noted within the last minute."""
        ...
