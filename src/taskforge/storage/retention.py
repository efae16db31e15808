"""Pruning over SQL (``ports.retention``)."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from taskforge.domain.ids import least_id
from taskforge.domain.job import JobStatus
from taskforge.ports.retention import FinishedLine, FinishedPage, Record
from taskforge.storage.codec import execution_of, job_of, lines_of, settings_of
from taskforge.storage.engine import Engine, One, Rows, Script

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.queue import QueueSettings

BEFORE_ALL = UUID(int=0)
TOLERATED_CLOCK_STEP = timedelta(days=1)

TRACES_AT_ONCE = 20_000


class SqlRetentionStore:
    """Implements ``RetentionStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def now(self) -> datetime:
        [row] = await self._engine.read(One("database_now"))
        moment: datetime = self._engine.moment(row["now"])
        return moment

    async def take_chore(self, name: str, interval_us: int) -> bool:
        [row] = await self._engine.read(One("chore_is_due", {"name": name}))
        if not row["due"]:  # without a write
            return False
        return bool(await self._engine.call(One("take_chore", {"name": name, "interval_us": interval_us})))

    async def queue_settings(self) -> Sequence[QueueSettings]:
        return [settings_of(row["settings"]) for row in await self._engine.read(One("all_queue_settings"))]

    async def lines(self) -> Sequence[FinishedLine]:
        return [
            FinishedLine(
                self._engine.identity(row["queue_id"]),
                JobStatus(row["status"]),
                row["name"],
                settings_of(row["settings"]),
                self._engine.identity(row["first"]),
            )
            for row in await self._engine.read(One("finished_lines"))
        ]

    async def page(
        self, line: FinishedLine, cutoff: datetime, after: UUID | None, limit: int
    ) -> FinishedPage:
        where = {
            "queue_id": line.queue_id,
            "cutoff": cutoff,
            "after": after or BEFORE_ALL,
            # what was made later has not ended before
            "before": least_id(cutoff),
            "limit": limit,
        }
        if line.status is JobStatus.SUCCEEDED:
            rows = await self._engine.read(One("old_succeeded", where))
        else:
            rows = await self._engine.read(One("old_others", {**where, "status": line.status.value}))
        identity = self._engine.identity
        return FinishedPage(
            [identity(row["id"]) for row in rows if row["is_old"]],
            identity(rows[0]["project_id"]) if rows else None,
            identity(rows[-1]["id"]) if len(rows) == limit else None,
        )

    async def records(self, project_id: ProjectId, ids: Sequence[UUID]) -> Sequence[Record]:
        chosen = {"project_id": project_id, "job_ids": list(ids)}
        jobs = [job_of(row, self._engine) for row in await self._engine.read(One("jobs_by_ids", chosen))]
        executions = defaultdict(list)
        for row in await self._engine.read(One("executions_of_jobs", chosen)):
            execution = execution_of(row, self._engine)
            executions[execution.job_id].append(execution)
        lines = defaultdict(list)
        for line in lines_of(await self._engine.read(One("lines_of_jobs", chosen)), self._engine):
            lines[line.execution_id].append(line)
        return [
            Record(
                job,
                executions[job.id],
                [line for execution in executions[job.id] for line in lines[execution.id]],
            )
            for job in reversed(jobs)
        ]

    async def prune(self, status: JobStatus, cutoff: datetime, ids: Sequence[UUID]) -> int:
        doomed = {"job_ids": list(ids), "status": status.value, "cutoff": cutoff}

        def script() -> Script[int]:
            rows = yield One("prune_jobs", doomed)
            if rows:
                yield from self._prune_history(status, rows)
            return len(rows)

        return await self._engine.run(script)

    def _prune_history(self, status: JobStatus, rows: Rows) -> Script[None]:
        identity = self._engine.identity
        every = [identity(row["id"]) for row in rows]
        first = least_id(self._oldest(rows) - TOLERATED_CLOCK_STEP)
        is_partitioned = self._engine.dialect == "postgres"
        # where days are dropped whole, only what lies outside of its own class has to be looked for
        searched = [identity(row["id"]) for row in rows if row["claim_seq"] > 1] if is_partitioned else every
        if not is_partitioned:
            first = BEFORE_ALL
        if searched:
            found = yield One("prune_attempts", {"job_ids": searched, "status": status.value, "first": first})
            if found:
                executions = [identity(row["id"]) for row in found]
                yield One("prune_lines", {"execution_ids": executions, "first": first})
        if is_partitioned:
            last = [identity(row["execution_id"]) for row in rows if row["execution_id"] is not None]
            yield One("prune_strays", {"job_ids": every, "execution_ids": last})

    def _oldest(self, rows: Rows) -> datetime:
        oldest: datetime = min(self._engine.moment(row["created_at"]) for row in rows)
        return oldest

    async def forget_requests(self, keep_us: int) -> None:
        await self._engine.call(One("forget_old_requests"))
        await self._engine.call(One("forget_old_operations", {"keep_us": keep_us}))
        await self._engine.call(One("forget_traces", {"age_us": keep_us, "limit": TRACES_AT_ONCE}))
        await self._engine.call(One("forget_old_alerts", {"keep_us": keep_us}))

    async def give_back_space(self) -> None:
        await self._engine.call(One("give_back_space"))
