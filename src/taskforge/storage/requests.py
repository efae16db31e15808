"""Requests under an Idempotency-Key over SQL (``ports.requests``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.ports.requests import Answer, KnownRequest
from taskforge.storage.codec import from_json, to_json
from taskforge.storage.engine import Engine, One

if TYPE_CHECKING:
    from taskforge.ports.requests import RequestKey, Standing, Way


class SqlRequestStore:
    """Implements ``RequestStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def begin(self, request: RequestKey, attempt_id: UUID, lock_us: int, keep_us: int) -> UUID | None:
        times = {"lock_us": lock_us, "keep_us": keep_us}
        rows = await self._engine.call(
            One("begin_request", {**request._asdict(), "first_id": attempt_id, **times})
        )
        if not rows:
            return None
        begun: UUID = self._engine.identity(rows[0]["first_id"])
        return begun

    async def find(self, request: RequestKey, patience_us: int) -> KnownRequest | None:
        rows = await self._engine.read(One("find_request", {**_where(request), "patience_us": patience_us}))
        if not rows:
            return None
        [row] = rows
        standing = None
        if row["standing"] is not None:
            found: dict[str, str] = from_json(row["standing"])
            standing = {int(place): UUID(job_id) for place, job_id in found.items()}
        return KnownRequest(
            row["fingerprint"],
            self._engine.identity(row["first_id"]),
            standing,
            row["carried_out"],
            None if row["answer"] is None else Answer(*from_json(row["answer"])),
            bool(row["is_lost"]),
        )

    async def complete(self, way: Way, standing: Standing) -> None:
        told = to_json({str(place): str(job_id) for place, job_id in standing.items()})
        await self._engine.call(One("complete_request", {**_of(way), "standing": told}))

    async def keep(self, way: Way, answer: Answer) -> None:
        told = to_json([answer.status, dict(answer.headers), answer.body])
        await self._engine.call(One("answer_request", {**_of(way), "answer": told}))

    async def release(self, way: Way) -> None:
        await self._engine.call(One("release_request", _of(way)))

    async def forget(self, way: Way) -> None:
        await self._engine.call(One("forget_request", _of(way)))


def note_of(way: Way, action: str, resource_id: UUID | None) -> One:
    """That the request has done this: for the transaction in which it does."""
    told = action if resource_id is None else f"{action} {resource_id}"
    return One("note_request", {**_of(way), "carried_out": told})


def _where(request: RequestKey) -> dict[str, Any]:
    return {
        "organization_id": request.organization_id,
        "principal_id": request.principal_id,
        "key": request.key,
    }


def _of(way: Way) -> dict[str, Any]:
    return {**_where(way.request), "attempt_id": way.attempt_id}
