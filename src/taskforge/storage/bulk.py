"""Changing many jobs at once over SQL (``ports.bulk``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.storage.auditing import Audit
from taskforge.storage.endings import note_endings
from taskforge.storage.engine import Engine, One, Script
from taskforge.storage.weighing import note_weights

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
        audit = Audit(project_id=project_id)

        def script() -> Script[frozenset[UUID]]:
            cancelled = self._ids((yield One("cancel_waiting_jobs", chosen)))
            yield from note_endings(cancelled)
            asked = self._ids((yield One("request_cancels", chosen)))
            yield from _told(audit, "jobs.cancel", cancelled | asked)
            return cancelled | asked

        return await self._engine.run(script)

    async def retry(
        self, project_id: ProjectId, ids: Sequence[UUID], queue_id: QueueId | None
    ) -> frozenset[UUID]:
        chosen = _chosen(project_id, ids)
        audit = Audit(project_id=project_id)

        def script() -> Script[frozenset[UUID]]:
            retried = self._ids((yield One("retry_jobs", {**chosen, "queue_id": queue_id})))
            if retried:
                yield One("rehold_jobs", _chosen(project_id, sorted(retried)))
                if queue_id is not None:
                    yield from note_weights(project_id, sorted(retried), self._engine)
            yield from _told(audit, "jobs.retry", retried, queue_id)
            return retried

        return await self._engine.run(script)

    async def delete(self, project_id: ProjectId, ids: Sequence[UUID]) -> frozenset[UUID]:
        chosen = _chosen(project_id, ids)
        audit = Audit(project_id=project_id)

        def script() -> Script[frozenset[UUID]]:
            locked = self._ids((yield One("lock_deletable_jobs", chosen)))
            if locked:
                doomed = _chosen(project_id, sorted(locked))
                yield One("delete_lines_of_jobs", doomed)
                yield One("delete_executions_of_jobs", doomed)
                yield One("delete_jobs", doomed)
            yield from _told(audit, "jobs.delete", locked)
            return locked

        return await self._engine.run(script)

    async def move(self, project_id: ProjectId, ids: Sequence[UUID], queue_id: QueueId) -> frozenset[UUID]:
        move = {**_chosen(project_id, ids), "queue_id": queue_id}
        audit = Audit(project_id=project_id)

        def script() -> Script[frozenset[UUID]]:
            moved = self._ids((yield One("move_jobs", move)))
            yield from note_weights(project_id, sorted(moved), self._engine)
            yield from _told(audit, "jobs.move", moved, queue_id)
            return moved

        return await self._engine.run(script)

    def _ids(self, rows: Sequence[Any]) -> frozenset[UUID]:
        return frozenset(self._engine.identity(row["id"]) for row in rows)


def _chosen(project_id: ProjectId, ids: Sequence[UUID]) -> dict[str, Any]:
    return {"project_id": project_id, "job_ids": list(ids)}


def _told(audit: Audit, action: str, ids: frozenset[UUID], queue_id: QueueId | None = None) -> Script[None]:
    """One entry for all jobs of the batch, if there is any."""
    if ids:
        target = {} if queue_id is None else {"queue_id": str(queue_id)}
        told = {"jobs": [str(job_id) for job_id in sorted(ids)], **target}
        yield audit.entry(action, None, f"{len(ids)} jobs", after=told)
