"""Changing many jobs at once over SQL (``ports.bulk``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.storage.engine import Engine, One, Script

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId


class SqlBulkStore:
    """Implements ``BulkStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def cancel(self, project_id: ProjectId, ids: Sequence[UUID]) -> frozenset[UUID]:
        chosen = _chosen(project_id, ids)

        def script() -> Script[frozenset[UUID]]:
            cancelled = self._ids((yield One("cancel_waiting_jobs", chosen)))
            return cancelled | self._ids((yield One("request_cancels", chosen)))

        return await self._engine.run(script)

    async def retry(
        self, project_id: ProjectId, ids: Sequence[UUID], queue_id: QueueId | None
    ) -> frozenset[UUID]:
        chosen = _chosen(project_id, ids)

        def script() -> Script[frozenset[UUID]]:
            retried = self._ids((yield One("retry_jobs", {**chosen, "queue_id": queue_id})))
            if retried:
                yield One("rehold_jobs", _chosen(project_id, sorted(retried)))
            return retried

        return await self._engine.run(script)

    async def delete(self, project_id: ProjectId, ids: Sequence[UUID]) -> frozenset[UUID]:
        chosen = _chosen(project_id, ids)

        def script() -> Script[frozenset[UUID]]:
            locked = self._ids((yield One("lock_deletable_jobs", chosen)))
            if locked:
                doomed = _chosen(project_id, sorted(locked))
                yield One("delete_lines_of_jobs", doomed)
                yield One("delete_executions_of_jobs", doomed)
                yield One("delete_jobs", doomed)
            return locked

        return await self._engine.run(script)

    async def move(self, project_id: ProjectId, ids: Sequence[UUID], queue_id: QueueId) -> frozenset[UUID]:
        move = {**_chosen(project_id, ids), "queue_id": queue_id}
        return self._ids(await self._engine.call(One("move_jobs", move)))

    def _ids(self, rows: Sequence[Any]) -> frozenset[UUID]:
        return frozenset(self._engine.identity(row["id"]) for row in rows)


def _chosen(project_id: ProjectId, ids: Sequence[UUID]) -> dict[str, Any]:
    return {"project_id": project_id, "job_ids": list(ids)}
