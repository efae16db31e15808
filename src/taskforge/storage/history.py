"""The reading side over SQL (``ports.history``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.domain.execution import live_execution
from taskforge.domain.explanation import Ahead, QueueUse
from taskforge.domain.ids import AFTER_ALL
from taskforge.domain.job import JobStatus
from taskforge.domain.stats import COUNT_BOUND, ExecutionStats, StatusCounts
from taskforge.ports.history import Ending, ErrorGroup, GroupedLetters, JobFilter, Walk, WorkerCounts
from taskforge.storage.codec import execution_of, job_of, lines_of
from taskforge.storage.engine import Engine, One
from taskforge.storage.walks import NEWEST, UNBOUNDED, Walks

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from taskforge.domain.execution import Execution, StoredLogLine
    from taskforge.domain.ids import ExecutionId, JobId, ProjectId, QueueId
    from taskforge.domain.job import Job


class SqlHistoryStore:
    """Implements ``HistoryStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._walks = Walks(engine)

    async def job(self, project_id: ProjectId, job_id: UUID) -> Job | None:
        rows = await self._engine.read(One("get_job", {"project_id": project_id, "job_id": job_id}))
        return job_of(rows[0], self._engine) if rows else None

    async def jobs(self, project_id: ProjectId, chosen: JobFilter) -> Sequence[Job]:
        return await self.jobs_by_ids(project_id, await self.job_ids(project_id, chosen))

    async def jobs_by_ids(self, project_id: ProjectId, job_ids: Sequence[UUID]) -> Sequence[Job]:
        if not job_ids:
            return []
        rows = await self._engine.read(One("jobs_by_ids", {"project_id": project_id, "job_ids": job_ids}))
        return [job_of(row, self._engine) for row in rows]

    async def job_ids(self, project_id: ProjectId, chosen: JobFilter) -> Sequence[JobId]:
        return (await self.walk(project_id, chosen, UNBOUNDED)).ids

    async def walk(self, project_id: ProjectId, chosen: JobFilter, most: int) -> Walk:
        return await self._walks.walk(project_id, chosen, most)

    async def job_ids_by_suffix(self, project_id: ProjectId, suffix: str, recent: int) -> Sequence[JobId]:
        rows = await self._engine.read(
            One(
                "job_ids_by_suffix",
                {"project_id": project_id, "suffix": suffix.replace("-", ""), "recent": recent},
            )
        )
        return [self._engine.identity(row["id"]) for row in rows]

    async def endings(self, project_id: ProjectId, job_ids: Sequence[UUID]) -> Sequence[Ending]:
        rows = await self._engine.read(
            One("job_endings", {"project_id": project_id, "job_ids": list(job_ids)})
        )
        return [
            Ending(
                self._engine.identity(row["id"]),
                JobStatus(row["status"]),
                row["output"],
                row["error_type"],
                row["error_message"],
                row["traceback"],
            )
            for row in rows
        ]

    async def counts(
        self, project_id: ProjectId, *, queue_id: QueueId | None = None, tag: str | None = None
    ) -> StatusCounts:
        chosen: dict[str, Any] = {"project_id": project_id, "queue_id": queue_id}
        if tag is None:
            rows = await self._engine.read(One("count_jobs", {**chosen, "bound": COUNT_BOUND}))
        else:
            newest = NEWEST if await self._walks.is_common(project_id, tag) else None
            tagged = {"tag": tag, "newest": newest, "bound": COUNT_BOUND}
            rows = await self._engine.read(One("count_tagged_jobs", {**chosen, **tagged}))
        counts = dict.fromkeys(JobStatus, 0)
        for row in rows:
            counts[JobStatus(row["status"])] += int(row["jobs"])
        return StatusCounts(counts, frozenset(JobStatus(row["status"]) for row in rows if row["is_bounded"]))

    async def ahead(self, project_id: ProjectId, job_id: UUID, bound: int) -> Ahead:
        rows = await self._engine.read(
            One("jobs_ahead", {"project_id": project_id, "job_id": job_id, "bound": bound})
        )
        return Ahead(int(rows[0]["here"]), int(rows[0]["elsewhere"]), bound) if rows else Ahead(0, 0, bound)

    async def queue_use(self, project_id: ProjectId, queue_id: QueueId) -> QueueUse:
        queue = {"project_id": project_id, "queue_id": queue_id}
        rows = await self._engine.read(One("queue_use", queue))
        if not rows:
            return QueueUse(0, 0, None)
        [row] = rows
        return QueueUse(int(row["running"]), int(row["starts"]), self._engine.moment(row["next_start_at"]))

    async def places_of_key(self, project_id: ProjectId, key: str) -> Sequence[JobId]:
        rows = await self._engine.read(One("places_of_key", {"project_id": project_id, "key": key}))
        return [self._engine.identity(row["id"]) for row in rows]

    async def dead_letter_count(self, project_id: ProjectId, queue_id: QueueId) -> int:
        rows = await self._engine.read(
            One("dead_letter_count", {"project_id": project_id, "queue_id": queue_id})
        )
        return int(rows[0]["jobs"])

    async def executions(self, project_id: ProjectId, job_id: UUID) -> Sequence[Execution]:
        rows = await self._engine.read(One("list_executions", {"project_id": project_id, "job_id": job_id}))
        return [execution_of(row, self._engine) for row in rows]

    async def execution(self, project_id: ProjectId, execution_id: UUID) -> Execution | None:
        which = {"project_id": project_id, "execution_id": execution_id}
        for _ in range(2):  # it may end between the two looks
            if rows := await self._engine.read(One("get_execution", which)):
                return execution_of(rows[0], self._engine)
            if rows := await self._engine.read(One("job_of_live_execution", which)):
                return live_execution(job_of(rows[0], self._engine))
        return None

    async def jobs_of_worker(self, project_id: ProjectId, worker_id: UUID) -> Sequence[JobId]:
        which = {"project_id": project_id, "worker_id": worker_id}
        rows = await self._engine.read(One("jobs_of_worker", which))
        return [self._engine.identity(row["id"]) for row in rows]

    async def timed_out(self, project_id: ProjectId, since: datetime, limit: int) -> Sequence[Execution]:
        rows = await self._engine.read(
            One("timed_out_executions", {"project_id": project_id, "floor": floor_of(since), "limit": limit})
        )
        return [execution_of(row, self._engine) for row in rows]

    async def worker_executions(
        self, project_id: ProjectId, worker_id: UUID, since: datetime, bound: int
    ) -> WorkerCounts:
        which = {"project_id": project_id, "worker_id": worker_id, "floor": floor_of(since), "bound": bound}
        [row] = await self._engine.read(One("worker_executions", which))
        return WorkerCounts(int(row["total"]), int(row["succeeded"] or 0), int(row["failed"] or 0))

    async def dead_letter_groups(
        self, project_id: ProjectId, bound: int, before: UUID | None = None
    ) -> GroupedLetters:
        parameters = {"project_id": project_id, "bound": bound, "before": before or AFTER_ALL}
        rows = await self._engine.read(One("dead_letter_groups", parameters))
        groups = self._error_groups(rows)
        is_all = sum(group.jobs for group in groups) < bound
        return GroupedLetters(groups, None if is_all else min(UUID(row["oldest"]) for row in rows))

    async def failure_groups(
        self, project_id: ProjectId, queue_ids: Sequence[QueueId] | None, bound: int
    ) -> Sequence[ErrorGroup]:
        failed = JobFilter(statuses=[JobStatus.FAILED], queue_ids=queue_ids, limit=bound)
        parameters = {"project_id": project_id, "job_ids": list(await self.job_ids(project_id, failed))}
        return self._error_groups(await self._engine.read(One("failure_groups", parameters)))

    def _error_groups(self, rows: Sequence[Any]) -> Sequence[ErrorGroup]:
        return [
            ErrorGroup(
                self._engine.identity(row["queue_id"]),
                row["job_type"],
                row["error_type"],
                int(row["jobs"]),
                self._engine.moment(row["first_at"]),
                self._engine.moment(row["last_at"]),
                row["example"],
            )
            for row in rows
        ]

    async def logs(
        self,
        project_id: ProjectId,
        *,
        job_id: UUID,
        execution_id: ExecutionId | None = None,
        after: tuple[UUID, int] | None = None,
        levels: Sequence[str] | None = None,
        limit: int = 1000,
    ) -> Sequence[StoredLogLine]:
        rows = await self._engine.read(
            One(
                "list_lines",
                {
                    "project_id": project_id,
                    "job_id": job_id,
                    "execution_id": execution_id,
                    "after_execution": None if after is None else after[0],
                    "after_seq": None if after is None else after[1],
                    "levels": levels,
                    "limit": limit,
                },
            )
        )
        return lines_of(rows, self._engine)

    async def execution_stats(self, project_id: ProjectId, job_id: UUID) -> ExecutionStats:
        [row] = await self._engine.read(One("execution_stats", {"project_id": project_id, "job_id": job_id}))
        return ExecutionStats(
            job_id=job_id,  # type: ignore[arg-type]
            total_executions=int(row["total_executions"]),
            succeeded_count=int(row["succeeded_count"] or 0),
            failed_count=int(row["failed_count"] or 0),
            avg_duration_ms=_milliseconds(row["avg_duration_us"]),
            min_duration_ms=_milliseconds(row["min_duration_us"]),
            max_duration_ms=_milliseconds(row["max_duration_us"]),
        )


def floor_of(moment: datetime) -> UUID:
    """The least id of that moment."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def _milliseconds(microseconds: Any) -> float | None:
    return None if microseconds is None else float(microseconds) / 1000
