"""The audit log over SQL (``ports.audit``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.access import PrincipalKind
from taskforge.domain.audit import AuditEntry, Head
from taskforge.storage.auditing import written
from taskforge.storage.engine import Engine, Many, One, Script, columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from taskforge.domain.ids import OrganizationId
    from taskforge.ports.audit import AuditFilter

_PLAIN = (
    "actor_label", "address", "request_id", "action", "resource_kind", "resource_id", "resource_name", "before", "after",
    "seq", "previous_hash", "hash",
)  # fmt: skip
_IDS = ("id", "organization_id", "project_id", "actor_id", "credential_id")


class SqlAuditStore:
    """Implements ``AuditStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def written(self) -> bool:
        return written()

    async def list(self, organization_id: OrganizationId, chosen: AuditFilter) -> Sequence[AuditEntry]:
        action = chosen.action
        beginning = action[:-1] if action is not None and action.endswith("*") else None
        parameters = {
            "organization_id": organization_id,
            "project_id": chosen.project_id,
            "actor_id": chosen.actor_id,
            "action": action if beginning is None else None,
            "action_beginning": beginning,
            "resource_kind": chosen.resource_kind,
            "resource_id": chosen.resource_id,
            "since": chosen.since,
            "until": chosen.until,
            "before": chosen.before,
            "limit": chosen.limit,
        }
        return self._entries(await self._engine.read(One("list_audit", parameters)))

    async def get(self, organization_id: OrganizationId, entry_id: UUID) -> AuditEntry | None:
        rows = await self._engine.read(
            One("get_audit", {"organization_id": organization_id, "entry_id": entry_id})
        )
        return self._entry(rows[0]) if rows else None

    async def chain(self, organization_id: OrganizationId, after: int, limit: int) -> Sequence[AuditEntry]:
        parameters = {"organization_id": organization_id, "after": after, "limit": limit}
        return self._entries(await self._engine.read(One("audit_chain", parameters)))

    async def head(self, organization_id: OrganizationId) -> Head:
        rows = await self._engine.read(One("audit_head", {"organization_id": organization_id}))
        return Head(rows[0]["seq"], rows[0]["hash"]) if rows else Head()

    async def chains(self) -> Sequence[OrganizationId]:
        return self._organizations(await self._engine.read(One("audit_chains")))

    async def unsealed(self) -> Sequence[OrganizationId]:
        return self._organizations(await self._engine.read(One("unsealed_chains")))

    async def seal(self, organization_id: OrganizationId, limit: int) -> int:
        chain = {"organization_id": organization_id}

        def script() -> Script[int]:
            found = yield One("take_audit_head", chain)
            seq, last = int(found[0]["seq"]), str(found[0]["hash"])
            seals = []
            for entry in self._entries((yield One("unsealed_entries", {**chain, "limit": limit}))):
                seq, previous = seq + 1, last
                last = entry.sealed_hash(seq, previous)
                seals.append((entry.id, seq, previous, last))
            if seals:
                yield Many("seal_entries", columns(("id", "seq", "previous_hash", "hash"), seals), chain)
                yield One("advance_audit_head", {**chain, "seq": seq, "hash": last})
            return len(seals)

        return await self._engine.run(script)

    def _organizations(self, rows: Sequence[Any]) -> Sequence[OrganizationId]:
        return [self._engine.identity(row["organization_id"]) for row in rows]

    def _entries(self, rows: Sequence[Any]) -> Sequence[AuditEntry]:
        return [self._entry(row) for row in rows]

    def _entry(self, row: Any) -> AuditEntry:
        values: dict[str, Any] = {name: row[name] for name in _PLAIN}
        values |= {name: self._engine.identity(row[name]) for name in _IDS}
        values["actor_kind"] = PrincipalKind(row["actor_kind"])
        values["happened_at"] = self._engine.moment(row["happened_at"])
        return AuditEntry(**values)
