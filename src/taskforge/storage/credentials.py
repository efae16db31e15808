"""Looking up credentials, and API keys, over SQL (``ports.credentials``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.domain.access import ALL, Permission, Principal, PrincipalKind
from taskforge.domain.api_key import ApiKey
from taskforge.domain.ids import QueueId
from taskforge.domain.tokens import TokenKind
from taskforge.ports.credentials import Credential, NewKey
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import from_json, to_json
from taskforge.storage.engine import Engine, One, Script
from taskforge.storage.grants import allowed, redacted_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.domain.ids import OrganizationId, ProjectId, WorkerId
    from taskforge.domain.tokens import Token

IDLE_SECONDS = 12 * 3600.0
"""How long the dashboard's cookie holds without being used."""
PAUSE_SECONDS = 60.0
_TOUCH = {TokenKind.KEY: "touch_key", TokenKind.SESSION: "touch_session"}


class SqlCredentialStore:
    """Implements ``CredentialStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def key(self, key_id: UUID) -> Credential | None:
        rows = await self._engine.read(One("find_key", {"key_id": key_id}))
        if not rows:
            return None
        row = rows[0]
        principal = self._key(row)
        if principal is None:
            return None
        return Credential(row["secret_hash"], principal, bool(row["is_expired"]))

    async def worker(self, worker_id: UUID) -> Credential | None:
        rows = await self._engine.read(One("find_worker_credential", {"worker_id": worker_id}))
        key = self._key(rows[0]) if rows else None
        if key is None:
            return None
        row = rows[0]
        project_id = self._engine.identity(row["worker_project_id"])
        principal = Principal(
            PrincipalKind.WORKER,
            worker_id,
            row["worker_name"],
            key.organization_id,
            project_id,
            key.queue_ids,
            (key.permissions & {Permission.WORKER_RUN}) if key.reaches(project_id) else frozenset(),
            key.id,
            key.expires_at,
        )
        return Credential(row["worker_hash"], principal, bool(row["is_expired"]))

    async def session(self, session_id: UUID) -> Credential | None:
        idle = {"session_id": session_id, "idle_us": round(IDLE_SECONDS * 1e6)}
        rows = await self._engine.read(One("find_session", idle))
        if not rows:
            return None
        row, identity = rows[0], self._engine.identity
        permissions = allowed(row["role"], row["permissions"])
        if row["is_administrator"]:
            permissions |= {Permission.ORGANIZATION_CREATE}
        principal = Principal(
            PrincipalKind.USER,
            identity(row["user_id"]),
            row["email"],
            identity(row["organization_id"]),
            identity(row["project_id"]),
            None,
            permissions,
            session_id,
            self._engine.moment(row["expires_at"]),
            redacted_for(permissions, row["redacted_keys"]),
        )
        return Credential(row["secret_hash"], principal)

    async def touch(self, kind: TokenKind, credential_id: UUID, address: str | None) -> None:
        if kind in _TOUCH:
            pause = round(PAUSE_SECONDS * 1e6)
            parameters = {"credential_id": credential_id, "pause_us": pause, "address": address}
            await self._engine.call(One(_TOUCH[kind], parameters))

    def _key(self, row: Any) -> Principal | None:
        """What a key allows: what it says, as far as the user who answers for it may do that now."""
        identity = self._engine.identity
        permissions = allowed(row["role"], row["permissions"])
        project_id = identity(row["project_id"])
        if row["user_id"] is not None:
            permissions &= allowed(row["user_role"], row["user_permissions"])
            within = identity(row["user_project_id"])
            if within is not None:
                if project_id not in (None, within):
                    return None
                project_id = within
        return Principal(
            PrincipalKind.KEY,
            identity(row["id"]),
            row["name"],
            identity(row["organization_id"]),
            project_id,
            queues_of(row["queue_ids"]),
            permissions & (ALL - {Permission.ORGANIZATION_CREATE}),
            identity(row["id"]),
            self._engine.moment(row["expires_at"]),
            redacted_for(permissions, row["redacted_keys"]),
        )


class SqlKeyStore:
    """Implements ``KeyStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def create(self, key: NewKey) -> ApiKey:
        values = {
            "key_id": key.token.id,
            "organization_id": key.organization_id,
            "project_id": key.project_id,
            "name": key.name,
            "secret_hash": key.token.hash,
            "role": key.role,
            "permissions": None if key.role is not None else to_json(sorted(key.permissions)),
            "queue_ids": None if key.queue_ids is None else to_json(sorted(map(str, key.queue_ids))),
            "user_id": key.user_id,
            "parent_id": key.parent_id,
            "expires_at": key.expires_at,
        }
        audit = Audit(organization_id=key.organization_id, project_id=key.project_id)

        def script() -> Script[ApiKey]:
            made = self._read((yield One("create_key", values))[0])
            yield audit.entry("key.create", made.id, made.name, after=_told(made))
            return made

        return await self._engine.run(script)

    async def list(
        self, organization_id: OrganizationId, *, key_id: UUID | None = None, revoked: bool = False
    ) -> Sequence[ApiKey]:
        chosen = {"organization_id": organization_id, "key_id": key_id, "with_revoked": revoked}
        return [self._read(row) for row in await self._engine.read(One("list_keys", chosen))]

    async def rename(self, organization_id: OrganizationId, key_id: UUID, name: str) -> ApiKey | None:
        where = {"organization_id": organization_id, "key_id": key_id}
        audit = Audit(organization_id=organization_id)

        def script() -> Script[ApiKey | None]:
            before = yield One("list_keys", {**where, "with_revoked": False})
            rows = yield One("rename_key", {**where, "name": name})
            if not rows or not before:
                return None
            was = {"name": before[0]["name"]}
            yield audit.entry("key.update", key_id, was["name"], before=was, after={"name": name})
            return self._read(rows[0])

        return await self._engine.run(script)

    async def revoke(self, organization_id: OrganizationId, key_id: UUID) -> Sequence[UUID]:
        where = {"organization_id": organization_id, "key_id": key_id}
        audit = Audit(organization_id=organization_id)

        def script() -> Script[Sequence[UUID]]:
            found = yield One("list_keys", {**where, "with_revoked": True})
            ids = [self._engine.identity(row["id"]) for row in (yield One("revoke_key", where))]
            if ids:
                told = _told(self._read(found[0]))
                yield audit.entry(
                    "key.revoke", key_id, told["name"], before=told, after={"revoked": list(map(str, ids))}
                )
            return ids

        return await self._engine.run(script)

    async def put_worker(
        self,
        organization_id: OrganizationId,
        project_id: ProjectId,
        worker_id: WorkerId,
        key_id: UUID,
        token: Token,
    ) -> bool:
        values = {
            "organization_id": organization_id,
            "project_id": project_id,
            "worker_id": worker_id,
            "key_id": key_id,
            "secret_hash": token.hash,
        }
        return bool(await self._engine.call(One("put_worker_credential", values)))

    def _read(self, row: Any) -> ApiKey:
        identity, moment = self._engine.identity, self._engine.moment
        return ApiKey(
            id=identity(row["id"]),
            organization_id=identity(row["organization_id"]),
            project_id=identity(row["project_id"]),
            name=row["name"],
            role=row["role"],
            permissions=allowed(row["role"], row["permissions"]),
            queue_ids=queues_of(row["queue_ids"]),
            user_id=identity(row["user_id"]),
            parent_id=identity(row["parent_id"]),
            expires_at=moment(row["expires_at"]),
            last_used_at=moment(row["last_used_at"]),
            last_used_from=row["last_used_from"],
            revoked_at=moment(row["revoked_at"]),
            created_at=moment(row["created_at"]),
            updated_at=moment(row["updated_at"]),
        )


def queues_of(text: str | None) -> frozenset[QueueId] | None:
    """The queues that a key is bound to; None: it is not."""
    return None if text is None else frozenset(QueueId(UUID(value)) for value in from_json(text))


def _told(key: ApiKey) -> dict[str, Any]:
    """What the audit log says of a key: nothing of its secret."""
    return {
        "name": key.name,
        "role": key.role,
        "permissions": sorted(key.permissions),
        "project_id": None if key.project_id is None else str(key.project_id),
        "queue_ids": None if key.queue_ids is None else sorted(map(str, key.queue_ids)),
        "expires_at": None if key.expires_at is None else key.expires_at.isoformat(),
    }
