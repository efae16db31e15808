"""Queues over SQL (``ports.queues``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import Conflict
from taskforge.domain.job import JobStatus
from taskforge.domain.queue import Queue, QueueSettings, QueueState
from taskforge.storage.codec import queue_of, to_json
from taskforge.storage.engine import Engine, One, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId


class SqlQueueStore:
    """Implements ``QueueStore`` for any engine; ``mint`` gives new ids."""

    def __init__(self, engine: Engine, mint: Callable[[], UUID]) -> None:
        self._engine = engine
        self._mint = mint

    async def project(self, name: str) -> ProjectId | None:
        rows = await self._engine.read(One("find_project", {"name": name}))
        return self._engine.identity(rows[0]["id"]) if rows else None

    async def config_version(self, project_id: ProjectId) -> int:
        rows = await self._engine.read(One("config_version", {"project_id": project_id}))
        return int(rows[0]["config_version"]) if rows else 0

    async def ensure(self, project_id: ProjectId, names: Sequence[str]) -> Sequence[Queue]:
        found = {queue.name: queue for queue in await self.list(project_id)}
        for name in names:
            if name not in found:
                made = await self.create(project_id, name, None, 0, QueueState.ACTIVE, QueueSettings())
                queue = made or await self.find(project_id, name)
                if queue is not None:
                    found[name] = queue
        return [found[name] for name in names if name in found]

    async def create(
        self,
        project_id: ProjectId,
        name: str,
        description: str | None,
        priority: int,
        state: QueueState,
        settings: QueueSettings,
    ) -> Queue | None:
        values = _values(project_id, name, description, priority, state, settings)

        def script() -> Script[Queue | None]:
            # first, since it locks the project: a pause that is made meanwhile sees the queue
            yield One("bump_config", {"project_id": project_id})
            rows = yield One("create_queue", {**values, "id": self._mint()})
            return queue_of(rows[0], self._engine) if rows else None

        return await self._engine.run(script)

    async def list(self, project_id: ProjectId) -> Sequence[Queue]:
        rows = await self._engine.read(One("list_queues", {"project_id": project_id}))
        return [queue_of(row, self._engine) for row in rows]

    async def get(self, project_id: ProjectId, queue_id: QueueId) -> Queue | None:
        rows = await self._engine.read(One("get_queue", {"project_id": project_id, "queue_id": queue_id}))
        return queue_of(rows[0], self._engine) if rows else None

    async def find(self, project_id: ProjectId, name: str) -> Queue | None:
        rows = await self._engine.read(One("find_queue", {"project_id": project_id, "name": name}))
        return queue_of(rows[0], self._engine) if rows else None

    async def update(self, queue: Queue) -> Queue | None:
        values = _values(
            queue.project_id, queue.name, queue.description, queue.priority, queue.state, queue.settings
        )
        values |= {"paused_by": queue.paused_by, "pause_reason": queue.pause_reason}

        def script() -> Script[Queue | None]:
            rows = yield One("update_queue", {**values, "queue_id": queue.id})
            yield One("bump_config", {"project_id": queue.project_id})
            return queue_of(rows[0], self._engine) if rows else None

        try:
            return await self._engine.run(script)
        except Conflict:
            raise Conflict(
                f"another queue is named {queue.name!r}, or its dead-letter queue is gone"
            ) from None

    async def delete(self, project_id: ProjectId, queue_id: QueueId) -> dict[JobStatus, int]:
        queue = {"project_id": project_id, "queue_id": queue_id}

        def script() -> Script[dict[JobStatus, int]]:
            yield One("shut_out_writers")
            unfinished = {
                JobStatus(row["status"]): int(row["jobs"]) for row in (yield One("count_unfinished", queue))
            }
            if not unfinished:
                yield One("delete_queue", queue)
                yield One("bump_config", {"project_id": project_id})
            return unfinished

        try:
            return await self._engine.run(script)
        except Conflict:
            raise Conflict("another queue names it as its dead-letter queue") from None


def _values(
    project_id: ProjectId,
    name: str,
    description: str | None,
    priority: int,
    state: QueueState,
    settings: QueueSettings,
) -> dict[str, Any]:
    return {
        "project_id": project_id,
        "name": name,
        "description": description,
        "priority": priority,
        "state": state,
        "settings": to_json(settings.to_json()),
        "aging_us": settings.aging_microseconds,
        "dead_letter_queue_id": settings.dead_letter_queue_id,
        "paused_by": None,
        "pause_reason": None,
    }
