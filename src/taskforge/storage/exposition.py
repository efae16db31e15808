"""What is told to monitoring systems, over SQL (``ports.exposition``)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from taskforge.domain.error_group import ErrorStatus
from taskforge.domain.histogram import Histogram
from taskforge.domain.queue import QueueState
from taskforge.domain.worker import status_of
from taskforge.ports.exposition import ExposedAttempts, ExposedErrors, ExposedQueue, ExposedWorkers
from taskforge.storage.codec import from_json
from taskforge.storage.engine import Engine, One
from taskforge.storage.metrics import depth_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.worker import WorkerStatus


class SqlExpositionStore:
    """Implements ``ExpositionStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def now(self) -> datetime:
        [row] = await self._engine.read(One("database_now"))
        moment: datetime = self._engine.moment(row["now"])
        return moment

    async def queues(
        self, project_ids: Sequence[ProjectId] | None, bound: int, most: int
    ) -> Sequence[ExposedQueue]:
        identity = self._engine.identity
        chosen = {"project_ids": project_ids, "bound": bound, "most": most}
        rows = await self._engine.read(One("exposed_queues", chosen))
        depths: dict[Any, Any] = {}
        for project_id in [None] if project_ids is None else project_ids:
            where = {"project_id": project_id, "queue_id": None, "bound": bound, "unless_sampled": False}
            for row in await self._engine.read(One("queue_depths", where)):
                depth = depth_of(row, self._engine)
                depths[depth.queue_id] = depth
        return [
            ExposedQueue(
                identity(row["id"]),
                row["organization"],
                row["project"],
                row["name"],
                QueueState(row["state"]),
                int(row["dead_letters"]),
                *depths[identity(row["id"])][3:],
            )
            for row in rows
            if identity(row["id"]) in depths
        ]

    async def attempts(
        self, project_ids: Sequence[ProjectId] | None, most: int, *, by_type: bool
    ) -> Sequence[ExposedAttempts]:
        chosen = {"project_ids": project_ids, "most": most, "by_type": by_type}
        return [
            ExposedAttempts(
                self._engine.identity(row["subject_id"]),
                row["job_type"],
                int(row["succeeded"]),
                int(row["failed"]),
                int(row["cancelled"]),
                int(row["duration_us"]),
                int(row["wait_us"]),
                Histogram(from_json(row["durations"])),
                Histogram(from_json(row["waits"])),
            )
            for row in await self._engine.read(One("exposed_attempts", chosen))
        ]

    async def workers(
        self, project_ids: Sequence[ProjectId] | None, lease: timedelta
    ) -> Sequence[ExposedWorkers]:
        now, moment = await self.now(), self._engine.moment
        workers: Counter[tuple[str, str, WorkerStatus]] = Counter()
        slots: Counter[tuple[str, str, WorkerStatus]] = Counter()
        for row in await self._engine.read(One("exposed_workers", {"project_ids": project_ids})):
            status = status_of(
                moment(row["last_heartbeat"]), moment(row["drain_requested_at"]), None, now=now, lease=lease
            )
            key = (row["organization"], row["project"], status)
            workers[key] += 1
            slots[key] += int(row["max_concurrent_jobs"])
        return [ExposedWorkers(*key, count, slots[key]) for key, count in sorted(workers.items())]

    async def errors(self, project_ids: Sequence[ProjectId] | None) -> Sequence[ExposedErrors]:
        rows = await self._engine.read(One("exposed_errors", {"project_ids": project_ids}))
        return [
            ExposedErrors(row["organization"], row["project"], ErrorStatus(row["status"]), int(row["groups"]))
            for row in rows
        ]
