"""What people and programs ask: jobs, attempts, logs, counts."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from taskforge.domain.errors import Conflict, InvalidInput, NotFound
from taskforge.domain.execution import Execution, StoredLogLine, live_execution
from taskforge.domain.ids import short
from taskforge.domain.job import JobStatus
from taskforge.ports.history import JobFilter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from taskforge.domain.ids import ExecutionId, ProjectId, QueueId
    from taskforge.domain.job import Job
    from taskforge.domain.stats import ExecutionStats, StatusCounts
    from taskforge.domain.worker import TaskDescription, Worker
    from taskforge.ports.history import Ending, ErrorGroup, GroupedLetters, HistoryStore
    from taskforge.ports.workers import WorkerStore

RECENT = 10_000
RECENT_FAILURES = 1000
SHORTEST_SUFFIX = 4


class Insights:
    """Reads of one project. Raises NotFound for an unknown id."""

    def __init__(self, history: HistoryStore, workers: WorkerStore, project_id: ProjectId) -> None:
        self._history = history
        self._workers = workers
        self._project_id = project_id

    async def job(self, job_id: UUID) -> Job:
        """One job."""
        job = await self.find(job_id)
        if job is None:
            raise NotFound(f"no job has the id {job_id}")
        return job

    async def find(self, job_id: UUID) -> Job | None:
        """One job, None if there is none."""
        return await self._history.job(self._project_id, job_id)

    async def ending(self, job_id: UUID) -> Ending:
        """How a job stands, with the output or the error of its last attempt."""
        endings = await self._history.endings(self._project_id, [job_id])
        if not endings:
            raise NotFound(f"no job has the id {job_id}")
        return endings[0]

    async def find_job(self, text: str) -> Job:
        """One job by its id, or by the end of it among the recent ones; several candidates are listed."""
        try:
            return await self.job(UUID(text))
        except ValueError:
            pass
        suffix = text.lower().replace("-", "")
        if len(suffix) < SHORTEST_SUFFIX or not set(suffix) <= set("0123456789abcdef"):
            raise InvalidInput(
                f"{text!r} is no job id",
                field="job",
                hint="give the id, or at least 4 of its last characters",
            )
        found = await self._history.job_ids_by_suffix(self._project_id, suffix, RECENT)
        if not found:
            raise NotFound(f"none of the {RECENT:,} newest jobs has an id that ends with {text!r}")
        if len(found) > 1:
            raise Conflict(
                f"several jobs end with {text!r}: {', '.join(short(i) for i in found)}",
                hint="give more characters",
            )
        return await self.job(found[0])

    async def ending_with(self, suffix: str) -> Sequence[Job]:
        """Those of the newest jobs whose ids end so, at most twenty."""
        found = await self._history.job_ids_by_suffix(self._project_id, suffix, RECENT)
        return await self._history.jobs_by_ids(self._project_id, found)

    async def jobs_by_ids(self, job_ids: Sequence[UUID]) -> Sequence[Job]:
        """Those of these jobs that are there."""
        return await self._history.jobs_by_ids(self._project_id, job_ids)

    async def jobs(self, chosen: JobFilter) -> Sequence[Job]:
        """A page of jobs, newest first."""
        return await self._history.jobs(self._project_id, chosen)

    async def counts(self, *, queue_id: QueueId | None = None, tag: str | None = None) -> StatusCounts:
        """Jobs by status, of each queue up to a bound (`StatusCounts.bounded`)."""
        return await self._history.counts(self._project_id, queue_id=queue_id, tag=tag)

    async def executions(self, job: Job) -> Sequence[Execution]:
        """All attempts at a job, newest first; a running one is seen from the job's row."""
        ended = await self._history.executions(self._project_id, job.id)
        live = live_execution(job)
        if live is None or any(execution.id == live.id for execution in ended):
            return ended
        return [live, *ended]

    async def execution(self, execution_id: UUID) -> Execution | None:
        """One attempt, ended or live; None if there is none."""
        return await self._history.execution(self._project_id, execution_id)

    async def active_executions(
        self, worker_id: UUID | None = None, limit: int = 1000
    ) -> Sequence[Execution]:
        """The attempts that run now, newest job first: all of a worker, or the newest of all."""
        if worker_id is None:
            jobs = await self.jobs(JobFilter(statuses=[JobStatus.PROCESSING], limit=limit))
        else:
            ids = await self._history.jobs_of_worker(self._project_id, worker_id)
            jobs = await self.jobs_by_ids(ids)
        found = [live_execution(job) for job in jobs]
        return [e for e in found if e is not None and worker_id in (None, e.worker_id)]

    async def timed_out(self, now: datetime, hours: int, limit: int = 1000) -> Sequence[Execution]:
        """Attempts that ended by their timeout within so many hours, and running ones that are past theirs."""
        late = [e for e in await self.active_executions() if e.timeout_at is not None and e.timeout_at < now]
        ended = await self._history.timed_out(self._project_id, now - timedelta(hours=hours), limit)
        return [*late, *ended][:limit]

    async def dead_letter_groups(self, before: UUID | None = None, bound: int = RECENT) -> GroupedLetters:
        """The newest dead letters, or the newest ``before`` one, by queue, job type and error."""
        return await self._history.dead_letter_groups(self._project_id, bound, before)

    async def failure_groups(
        self, queue_ids: Sequence[QueueId] | None = None, bound: int = RECENT_FAILURES
    ) -> Sequence[ErrorGroup]:
        """The newest failed jobs, of certain queues or all, by queue, job type and error, the latest first."""
        return await self._history.failure_groups(self._project_id, queue_ids, bound)

    async def logs(
        self,
        job_id: UUID,
        *,
        execution_id: ExecutionId | None = None,
        after: tuple[UUID, int] | None = None,
        levels: Sequence[str] | None = None,
        limit: int = 1000,
    ) -> Sequence[StoredLogLine]:
        """Log lines of all attempts at a job, or of one, oldest first."""
        return await self._history.logs(
            self._project_id,
            job_id=job_id,
            execution_id=execution_id,
            after=after,
            levels=levels,
            limit=limit,
        )

    async def execution_stats(self, job_id: UUID) -> ExecutionStats:
        """Counts and durations over the attempts at a job."""
        return await self._history.execution_stats(self._project_id, job_id)

    async def workers(self, *, stopped: bool = False) -> Sequence[Worker]:
        """The workers of the project."""
        return await self._workers.list(self._project_id, stopped=stopped)

    async def tasks(self) -> Sequence[TaskDescription]:
        """The catalogue of tasks that workers have registered."""
        return await self._workers.tasks(self._project_id)
