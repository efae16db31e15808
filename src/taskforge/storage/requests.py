"""Requests under an Idempotency-Key over SQL (``ports.requests``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.ports.requests import KnownRequest
from taskforge.storage.codec import from_json, to_json
from taskforge.storage.engine import Engine, One

if TYPE_CHECKING:
    from taskforge.ports.requests import RequestKey, Standing


class SqlRequestStore:
    """Implements ``RequestStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def begin(self, request: RequestKey, first_id: UUID, lock_us: int, keep_us: int) -> UUID | None:
        times = {"lock_us": lock_us, "keep_us": keep_us}
        rows = await self._engine.call(
            One("begin_request", {**request._asdict(), "first_id": first_id, **times})
        )
        if not rows:
            return None
        begun: UUID = self._engine.identity(rows[0]["first_id"])
        return begun

    async def find(self, request: RequestKey) -> KnownRequest | None:
        rows = await self._engine.read(One("find_request", _where(request)))
        if not rows:
            return None
        [row] = rows
        standing = None
        if row["standing"] is not None:
            found: dict[str, str] = from_json(row["standing"])
            standing = {int(place): UUID(job_id) for place, job_id in found.items()}
        return KnownRequest(row["fingerprint"], self._engine.identity(row["first_id"]), standing)

    async def complete(self, request: RequestKey, first_id: UUID, standing: Standing) -> None:
        told = to_json({str(place): str(job_id) for place, job_id in standing.items()})
        await self._engine.call(
            One("complete_request", {**_where(request), "first_id": first_id, "standing": told})
        )

    async def release(self, request: RequestKey, first_id: UUID) -> None:
        await self._engine.call(One("release_request", {**_where(request), "first_id": first_id}))

    async def forget(self, request: RequestKey, first_id: UUID) -> None:
        await self._engine.call(One("forget_request", {**_where(request), "first_id": first_id}))


def _where(request: RequestKey) -> dict[str, Any]:
    return {
        "organization_id": request.organization_id,
        "principal_id": request.principal_id,
        "key": request.key,
    }
