"""Named locks over SQL (``ports.leases``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.storage.engine import Engine, One

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.ids import ProjectId


class SqlLeaseStore:
    """Implements ``LeaseStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def acquire(self, project_id: ProjectId, name: str, token: UUID, ttl: float) -> int | None:
        rows = await self._engine.call(One("take_lease", _which(project_id, name, token, ttl)))
        return int(rows[0]["fence"]) if rows else None

    async def renew(self, project_id: ProjectId, name: str, token: UUID, ttl: float) -> bool:
        return bool(await self._engine.call(One("renew_lease", _which(project_id, name, token, ttl))))

    async def release(self, project_id: ProjectId, name: str, token: UUID) -> None:
        await self._engine.call(One("renew_lease", _which(project_id, name, token, 0.0)))


def _which(project_id: ProjectId, name: str, token: UUID, ttl: float) -> dict[str, Any]:
    return {"project_id": project_id, "name": name, "token": token, "ttl_us": round(ttl * 1_000_000)}
