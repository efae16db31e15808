"""What the record does for another dispatcher (``ports.dispatch``), over SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.ports.dispatch import Heads, Waiting
from taskforge.storage.engine import One

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.ports.jobs import ClaimBatch, ClaimRequest
    from taskforge.storage.engine import Engine
    from taskforge.storage.jobs import SqlJobStore


BEFORE_ALL = (-(2**63), UUID(int=0))


class SqlDispatchStore:
    """Implements ``DispatchStore`` for any engine."""

    def __init__(self, engine: Engine, jobs: SqlJobStore) -> None:
        self._engine = engine
        self._jobs = jobs

    async def claim_these(self, request: ClaimRequest, job_ids: Sequence[UUID]) -> ClaimBatch:
        asked = {**request._asdict(), "job_ids": job_ids}
        return self._jobs.batch(await self._engine.call(One("claim_these_jobs", asked)))

    async def waiting(self, project_id: ProjectId, job_ids: Sequence[UUID]) -> Sequence[Waiting]:
        return await self._read("waiting_jobs", {"project_id": project_id, "job_ids": job_ids})

    async def ready_page(
        self, project_id: ProjectId, queue_ids: Sequence[QueueId], after: Waiting | None, limit: int
    ) -> Sequence[Waiting]:
        rank, job_id = BEFORE_ALL if after is None else (after.rank, after.job_id)
        place = {"after_rank": rank, "after_id": job_id}
        return await self._read(
            "ready_page", {"project_id": project_id, "queue_ids": queue_ids, "limit": limit, **place}
        )

    async def count_ready(self, project_id: ProjectId, queue_id: QueueId) -> int:
        rows = await self._engine.read(One("count_ready", {"project_id": project_id, "queue_id": queue_id}))
        return int(rows[0]["jobs"])

    async def scheduled_head(
        self, project_id: ProjectId, queue_ids: Sequence[QueueId], limit: int
    ) -> Sequence[Waiting]:
        asked = {"project_id": project_id, "queue_ids": queue_ids, "limit": limit}
        return await self._read("scheduled_head", asked)

    async def heads(self, project_id: ProjectId, queue_ids: Sequence[QueueId], limit: int) -> Heads:
        asked = {"project_id": project_id, "queue_ids": queue_ids, "limit": limit}
        rows = await self._engine.read(One("queue_heads", asked))
        if not rows:
            return Heads([], 0, has_suspects=False)  # the project is gone
        jobs = [self._waiting(row) for row in rows if row["id"] is not None]
        return Heads(jobs, rows[0]["config_version"], bool(rows[0]["has_suspects"]))

    async def _read(self, name: str, parameters: dict[str, Any]) -> Sequence[Waiting]:
        return [self._waiting(row) for row in await self._engine.read(One(name, parameters))]

    def _waiting(self, row: Any) -> Waiting:
        identity = self._engine.identity
        return Waiting(
            identity(row["id"]), identity(row["queue_id"]), row["job_type"], row["rank"], row["due_us"]
        )
