"""Looks up what stands in the way of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.errors import NotFound
from taskforge.domain.explanation import Ahead, Explanation, Facts, QueueUse, explain
from taskforge.domain.job import JobStatus
from taskforge.domain.pause import PauseKind

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.job import Job
    from taskforge.ports.breakers import BreakerStore
    from taskforge.ports.history import HistoryStore
    from taskforge.ports.pauses import PauseStore
    from taskforge.ports.queues import QueueStore
    from taskforge.services.health import Health

AHEAD_BOUND = 10_000
WAITING = (JobStatus.PENDING, JobStatus.SCHEDULED)
UNUSED = QueueUse(0, 0, None)
NOTHING_AHEAD = Ahead(0, 0, AHEAD_BOUND)


class Explaining:
    """Answers for any job of one project why it has not run."""

    def __init__(
        self,
        history: HistoryStore,
        queues: QueueStore,
        pauses: PauseStore,
        breakers: BreakerStore,
        health: Health,
        project_id: ProjectId,
    ) -> None:
        self._history = history
        self._queues = queues
        self._pauses = pauses
        self._breakers = breakers
        self._health = health
        self._project_id = project_id

    async def why(self, job_id: UUID) -> Explanation:
        """What stands in its way, the weightiest first. Raises NotFound.

        A snapshot of several looks: what changes meanwhile may be told as it was a moment ago.
        """
        job = await self._history.job(self._project_id, job_id)
        if job is None:
            raise NotFound(f"no job has the id {job_id}")
        return explain(job, await self._facts(job))

    async def _facts(self, job: Job) -> Facts:
        if job.status not in WAITING:
            return Facts(job.updated_at, None, UNUSED, (), (), NOTHING_AHEAD, ())
        project = self._project_id
        key = job.concurrency_key
        pauses = await self._pauses.list(project)
        stops = any(pause.kind is PauseKind.BREAKER and pause.concerns(job) for pause in pauses)
        breakers = await self._breakers.list(project) if stops else ()
        return Facts(
            await self._health.now(),
            await self._queues.get(project, job.queue_id),
            await self._history.queue_use(project, job.queue_id),
            pauses,
            await self._health.workers(),
            await self._history.ahead(project, job.id, AHEAD_BOUND),
            [] if key is None else await self._history.places_of_key(project, key),
            next((breaker for breaker in breakers if breaker.job_type == job.job_type), None),
        )
