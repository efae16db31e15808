"""API keys: made, shown once, looked at, revoked; and the credentials of remote workers that come of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from taskforge.domain.access import (
    ROLES,
    BuiltinRole,
    Permission,
    Principal,
    PrincipalKind,
    permissions,
)
from taskforge.domain.errors import Escalation, Forbidden, InvalidInput, NotFound
from taskforge.domain.names import check_name
from taskforge.domain.tokens import SECRET_BYTES, Token, TokenKind
from taskforge.ports.acting import require
from taskforge.ports.credentials import NewKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.api_key import ApiKey
    from taskforge.domain.ids import OrganizationId, ProjectId, QueueId, WorkerId
    from taskforge.ports.credentials import KeyStore
    from taskforge.ports.queues import QueueStore
    from taskforge.ports.tenants import TenantStore

Known = TypeVar("Known")


def only_key(known: Iterable[Known], suffix: str, id_of: Callable[[Known], str]) -> Known:
    """The key whose id ends so. Raises NotFound, InvalidInput when several do."""
    wanted = suffix.replace("-", "").lower()
    found = [key for key in known if id_of(key).replace("-", "").endswith(wanted)]
    if not wanted or not found:
        raise NotFound(f"no key has an id that ends with {suffix!r}")
    if len(found) > 1:
        raise InvalidInput(f"{len(found)} keys have an id that ends so", field="id", hint="give more of it")
    return found[0]


class Keys:
    """The API keys of an organization. ``random`` gives that many random bytes."""

    def __init__(
        self,
        keys: KeyStore,
        tenants: TenantStore,
        queues: QueueStore,
        *,
        mint: Callable[[], UUID],
        random: Callable[[int], bytes],
        forget: Callable[[UUID], None],
    ) -> None:
        self._keys = keys
        self._tenants = tenants
        self._queues = queues
        self._mint = mint
        self._random = random
        self._forget = forget

    async def create(
        self,
        organization_id: OrganizationId,
        name: str,
        *,
        role: str | None = None,
        allowed: Iterable[str] | None = None,
        project_id: ProjectId | None = None,
        queue_ids: Iterable[QueueId] | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """A new key and its text, which nobody can show again. It allows what a role or a list allows.

        A key that a key makes does not outlive it. Raises Escalation, InvalidInput, NotFound (project, queue).
        """
        principal = require(Permission.KEY_WRITE)
        check_name(name, "key name")
        builtin, wanted = _what(role, allowed)
        queues = None if queue_ids is None else frozenset(queue_ids)
        if not principal.may_grant(wanted, project_id, queues):
            raise Escalation(
                "the key would allow more than you may",
                hint="give what you have, in the projects where you have it",
            )
        await self._check_scope(organization_id, project_id, queues)
        if expires_at is not None and expires_at.tzinfo is None:
            raise InvalidInput("a time needs its zone", field="expires_at", hint="like 2027-01-31T09:00:00Z")
        by_key = principal.kind is PrincipalKind.KEY
        if by_key and principal.expires_at is not None:
            expires_at = min(expires_at or principal.expires_at, principal.expires_at)
        token = Token(TokenKind.KEY, self._mint(), self._random(SECRET_BYTES))
        made = await self._keys.create(
            NewKey(
                token=token,
                organization_id=organization_id,
                name=name,
                role=builtin,
                permissions=wanted,
                project_id=project_id,
                queue_ids=queues,
                user_id=await self._answering(principal, organization_id),
                parent_id=principal.id if by_key else None,
                expires_at=expires_at,
            )
        )
        return made, token.reveal()

    async def list(self, organization_id: OrganizationId, *, revoked: bool = False) -> Sequence[ApiKey]:
        """The newest first, in the scope of the one who asks."""
        principal = require(Permission.KEY_READ)
        found = await self._keys.list(organization_id, revoked=revoked)
        return [key for key in found if _in_scope(principal, key)]

    async def get(self, organization_id: OrganizationId, key_id: UUID) -> ApiKey:
        """One of them. Raises NotFound."""
        principal = require(Permission.KEY_READ)
        return await self._reach(principal, organization_id, key_id)

    async def with_suffix(self, organization_id: OrganizationId, suffix: str) -> ApiKey:
        """The key whose id ends so, as people type it. Raises NotFound, InvalidInput when several do."""
        return only_key(await self.list(organization_id, revoked=True), suffix, lambda key: key.id.hex)

    async def queues(
        self, project_id: ProjectId | None, names: Iterable[str] | None
    ) -> Sequence[QueueId] | None:
        """The ids of queues by name, for `create`; None stays None. Raises NotFound, InvalidInput."""
        if names is None:
            return None
        if project_id is None:
            raise InvalidInput("a key for certain queues is a key of their project", field="project_id")
        found = [(name, await self._queues.find(project_id, name)) for name in names]
        for name, queue in found:
            if queue is None:
                raise NotFound(f"no queue is named {name!r}")
        return [queue.id for _, queue in found if queue is not None]

    async def rename(self, organization_id: OrganizationId, key_id: UUID, name: str) -> ApiKey:
        """Raises NotFound, also for a revoked one."""
        await self._reach(require(Permission.KEY_WRITE), organization_id, key_id)
        renamed = await self._keys.rename(organization_id, key_id, check_name(name, "key name"))
        if renamed is None:
            raise _unknown(key_id)
        return renamed

    async def revoke(self, organization_id: OrganizationId, key_id: UUID) -> Sequence[UUID]:
        """End a key, and all that it made; answers their ids. A second time changes nothing. Raises NotFound."""
        await self._reach(require(Permission.KEY_WRITE), organization_id, key_id)
        revoked = await self._keys.revoke(organization_id, key_id)
        for each in revoked:
            self._forget(each)
        return revoked

    async def issue_worker(self, project_id: ProjectId, worker_id: WorkerId) -> str:
        """The credential of one incarnation of a worker that was registered by the key that acts.

        Asked for again it is replaced: the one before proves nothing. Raises Forbidden, NotFound.
        """
        principal = require(Permission.WORKER_RUN)
        if principal.kind is not PrincipalKind.KEY or principal.organization_id is None:
            raise Forbidden("a remote worker is registered with an API key")
        token = Token(TokenKind.WORKER, worker_id, self._random(SECRET_BYTES))
        stored = principal.reaches(project_id) and await self._keys.put_worker(
            principal.organization_id, project_id, worker_id, principal.id, token
        )
        if not stored:
            raise NotFound(f"no worker has the id {worker_id}")
        self._forget(worker_id)
        return token.reveal()

    async def _reach(self, principal: Principal, organization_id: OrganizationId, key_id: UUID) -> ApiKey:
        found = await self._keys.list(organization_id, key_id=key_id, revoked=True)
        if not found or not _in_scope(principal, found[0]):
            raise _unknown(key_id)
        return found[0]

    async def _check_scope(
        self,
        organization_id: OrganizationId,
        project_id: ProjectId | None,
        queue_ids: frozenset[QueueId] | None,
    ) -> None:
        if project_id is not None and not await self._tenants.projects(
            organization_id, project_id=project_id
        ):
            raise NotFound(f"no project has the id {project_id}")
        if queue_ids is None:
            return
        if project_id is None:
            raise InvalidInput("a key for certain queues is a key of their project", field="project_id")
        if not queue_ids:
            raise InvalidInput("a key for no queue allows nothing", field="queue_ids")
        for queue_id in queue_ids:
            if await self._queues.get(project_id, queue_id) is None:
                raise NotFound(f"no queue has the id {queue_id}")

    async def _answering(self, principal: Principal, organization_id: OrganizationId) -> UUID | None:
        """The user to whose rights the key is bound: the one who makes it, or who answers for the key that does."""
        if principal.kind is PrincipalKind.USER:
            return principal.id
        if principal.kind is PrincipalKind.KEY:
            parents = await self._keys.list(organization_id, key_id=principal.id)
            return parents[0].user_id if parents else None
        return None


def _what(
    role: str | None, allowed: Iterable[str] | None
) -> tuple[BuiltinRole | None, frozenset[Permission]]:
    if (role is None) == (allowed is None):
        raise InvalidInput("a key is given either a role or permissions", field="role")
    if allowed is not None:
        return None, permissions(allowed)
    try:
        found = BuiltinRole(str(role))
    except ValueError:
        raise InvalidInput(
            f"there is no built-in role {role!r}", field="role", hint=f"one of: {', '.join(BuiltinRole)}"
        ) from None
    return found, ROLES[found]


def _in_scope(principal: Principal, key: ApiKey) -> bool:
    return principal.project_id is None or principal.project_id == key.project_id


def _unknown(key_id: UUID) -> NotFound:
    return NotFound(f"no key has the id {key_id}")
