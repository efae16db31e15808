"""Looking at workers, and telling them to drain or that they are gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from taskforge.domain.errors import Conflict, InvalidInput, NotFound
from taskforge.domain.ids import WorkerId
from taskforge.domain.worker import MAX_CONCURRENCY, WorkerStatus
from taskforge.services.processes import is_alive

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.worker import Worker, WorkerType
    from taskforge.ports.history import HistoryStore
    from taskforge.ports.workers import WorkerStore
    from taskforge.services.health import Health

COUNTED = 100_000


@dataclass(frozen=True, slots=True)
class WorkerStats:
    """What a worker does and has done; the ended ones are counted among its newest 100,000 attempts."""

    worker_id: UUID
    active_jobs: int
    completed_jobs: int
    failed_jobs: int
    status: WorkerStatus
    last_heartbeat: datetime


class Workers:
    """The workers of one project. ``lease`` is in seconds."""

    def __init__(
        self,
        workers: WorkerStore,
        history: HistoryStore,
        health: Health,
        project_id: ProjectId,
        *,
        lease: float,
    ) -> None:
        self._workers = workers
        self._history = history
        self._health = health
        self._project_id = project_id
        self._lease = timedelta(seconds=lease)

    async def list(
        self,
        *,
        type: WorkerType | None = None,
        status: WorkerStatus | None = None,
        stopped: bool = False,
    ) -> Sequence[tuple[Worker, WorkerStatus]]:
        """Workers with their status, newest first; ``stopped``: also those that have left."""
        return [
            (worker, found)
            for worker, found in await self._health.workers(stopped=stopped)
            if type in (None, worker.type) and status in (None, found)
        ]

    async def find(self, worker_id: UUID) -> tuple[Worker, WorkerStatus] | None:
        """One worker with its status, None if there is none."""
        worker = await self._workers.get(self._project_id, WorkerId(worker_id))
        if worker is None:
            return None
        if is_alive(worker.process) is False:
            return worker, WorkerStatus.OFFLINE
        return worker, worker.status(await self._health.now(), self._lease)

    async def get(self, worker_id: UUID) -> tuple[Worker, WorkerStatus]:
        """One worker with its status. Raises NotFound."""
        found = await self.find(worker_id)
        if found is None:
            raise NotFound(f"no worker has the id {worker_id}")
        return found

    async def drain(self, worker_id: UUID) -> None:
        """Let it end what it runs and leave; it hears of it with its next heartbeat. Raises Conflict."""
        if not await self._workers.set_drain(self._project_id, WorkerId(worker_id), drain=True):
            raise await self._refusal(worker_id)

    async def undrain(self, worker_id: UUID) -> None:
        """Take a drain back; one that has heard of it leaves all the same. Raises Conflict."""
        if not await self._workers.set_drain(self._project_id, WorkerId(worker_id), drain=False):
            raise await self._refusal(worker_id)

    async def resize(self, worker_id: UUID, max_concurrent_jobs: int) -> None:
        """Have it run so many jobs at once; it hears of it with its next heartbeat. Raises Conflict, InvalidInput."""
        if not 1 <= max_concurrent_jobs <= MAX_CONCURRENCY:
            raise InvalidInput(
                f"max_concurrent_jobs must be from 1 to {MAX_CONCURRENCY:,}", field="max_concurrent_jobs"
            )
        if not await self._workers.resize(self._project_id, WorkerId(worker_id), max_concurrent_jobs):
            raise await self._refusal(worker_id)

    async def deregister(self, worker_id: UUID) -> None:
        """Forget a worker that runs nothing; if its process lives, it leaves. Raises Conflict."""
        if not await self._workers.deregister(self._project_id, WorkerId(worker_id)):
            raise await self._refusal(worker_id)

    async def stats(self, worker_id: UUID) -> WorkerStats:
        """What it does and has done. Raises NotFound."""
        worker, status = await self.get(worker_id)
        since = worker.created_at - timedelta(minutes=1)
        counts = await self._history.worker_executions(self._project_id, worker_id, since, COUNTED)
        return WorkerStats(
            worker.id, worker.active_jobs, counts.succeeded, counts.failed, status, worker.last_heartbeat
        )

    async def _refusal(self, worker_id: UUID) -> Conflict | NotFound:
        found = await self.find(worker_id)
        if found is None:
            return NotFound(f"no worker has the id {worker_id}")
        if found[0].stopped_at is not None:
            return Conflict("the worker has left already")
        return Conflict(
            f"the worker runs {found[0].active_jobs} jobs", hint="drain it first, and wait for them to end"
        )
