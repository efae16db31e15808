"""What is kept of credentials, as far as proving them needs it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.access import BuiltinRole, Permission, Principal
    from taskforge.domain.api_key import ApiKey, LoginSession
    from taskforge.domain.ids import OrganizationId, ProjectId, QueueId, WorkerId
    from taskforge.domain.throttle import Patience
    from taskforge.domain.tokens import Token, TokenKind


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential that holds now: the hash of its secret, and what it proves."""

    secret_hash: str | None
    principal: Principal
    is_expired: bool = False


class CredentialStore(Protocol):
    """Looks credentials up by id; one that was revoked, or whose organization is suspended, is not found."""

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


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be stored: what it allows is a built-in role, or permissions."""

    token: Token
    organization_id: OrganizationId
    name: str
    role: BuiltinRole | None
    permissions: frozenset[Permission]
    project_id: ProjectId | None
    queue_ids: frozenset[QueueId] | None
    user_id: UUID | None
    parent_id: UUID | None
    expires_at: datetime | None


class KeyStore(Protocol):
    """API keys as they are kept, and the credentials of workers that come of them."""

    async def create(self, key: NewKey) -> ApiKey:
        """Store the hash of its secret."""
        ...

    async def list(
        self, organization_id: OrganizationId, *, key_id: UUID | None = None, revoked: bool = False
    ) -> Sequence[ApiKey]:
        """The newest first, or one of them; with ``revoked`` also those that prove nothing any more."""
        ...

    async def rename(self, organization_id: OrganizationId, key_id: UUID, name: str) -> ApiKey | None:
        """None when there is no such key."""
        ...

    async def revoke(self, organization_id: OrganizationId, key_id: UUID) -> Sequence[UUID]:
        """End it and all keys that it made; answers their ids."""
        ...

    async def put_worker(
        self,
        organization_id: OrganizationId,
        project_id: ProjectId,
        worker_id: WorkerId,
        key_id: UUID,
        token: Token,
    ) -> bool:
        """The credential of a registered worker; False when the worker is not there, or is another key's."""
        ...


class SessionStore(Protocol):
    """Logins as they are kept."""

    async def create(
        self,
        token: Token,
        organization_id: OrganizationId,
        user_id: UUID,
        *,
        is_cookie: bool,
        lifetime: float,
        address: str | None,
    ) -> LoginSession:
        """A login: ``token`` is its cookie, or its first refresh token; its id is the session's."""
        ...

    async def list(self, organization_id: OrganizationId, user_id: UUID) -> Sequence[LoginSession]:
        """Those that hold, the newest first."""
        ...

    async def rotate(self, old: Token, new: Token, lifetime: float) -> UUID | None:
        """Spend a refresh token for the next one; answers the user. None when it is unknown or too old.

        Raises CredentialReused when it was spent before: then the whole session has been revoked.
        """
        ...

    async def revoke(
        self, user_id: UUID, because: str, *, session_id: UUID | None = None, spared: UUID | None = None
    ) -> Sequence[UUID]:
        """End one session of a user, or all of them but ``spared``."""
        ...


class AttemptStore(Protocol):
    """Counts failed logins, in the database: what is counted survives a restart, and holds for all processes."""

    async def reserve(self, subjects: Sequence[tuple[str, Patience]]) -> float:
        """Count a try as a failure before it is made; answers how many seconds it would have to wait instead, or 0."""
        ...

    async def succeeded(self, cleared: str, spared: str) -> None:
        """The try was right: forget the failures of one subject, and this one of the other."""
        ...
