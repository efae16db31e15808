"""Reading the record over SQL (``ports.record``)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from taskforge.domain.metrics import Period, TaskUsagePoint, UsagePoint
from taskforge.ports.record import Depth, Part, Sample, StoredWorker
from taskforge.storage.codec import from_json
from taskforge.storage.engine import Engine, One

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId, WorkerId
    from taskforge.ports.record import Level


class SqlMetricsStore:
    """Implements ``MetricsStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def now(self) -> datetime:
        [row] = await self._engine.read(One("database_now"))
        moment: datetime = self._engine.moment(row["now"])
        return moment

    async def parts(
        self, project_id: ProjectId, subjects: Sequence[UUID], levels: Sequence[Level], *, by_type: bool
    ) -> Sequence[Part]:
        whole = Period(min(level.start for level in levels), max(level.end for level in levels))
        chosen = {
            **_chosen(project_id, subjects, whole),
            "spans": [level.span // timedelta(seconds=1) for level in levels],
            "firsts": [level.start for level in levels],
            "lasts": [level.end for level in levels],
            "by_type": by_type,
        }
        return [self._part(row) for row in await self._engine.read(One("attempts_in_parts", chosen))]

    def _part(self, row: Any) -> Part:
        subject, job_type, starts_at, *counts, duration_us, wait_us, durations, waits = tuple(row)
        times = from_json(durations), from_json(waits)
        if duration_us is None:
            times = measured(times[0]), measured(times[1])
        return Part(
            self._engine.identity(subject),
            job_type,
            self._engine.moment(starts_at),
            counts[0],
            counts[1],
            counts[2],
            duration_us or 0,
            wait_us or 0,
            *times,
            is_raw=duration_us is None,
        )

    async def samples(
        self, project_id: ProjectId, subjects: Sequence[UUID], period: Period
    ) -> Sequence[Sample] | None:
        chosen = _chosen(project_id, subjects, period)
        found: list[Sample] = []
        for subject, job_type, first, text in await self._engine.read(One("attempts_themselves", chosen)):
            if text is None:
                return None
            first_at = self._engine.moment(first)
            for offset, succeeded, failed, cancelled, durations, waits in from_json(text):
                moment = first_at + timedelta(microseconds=offset)
                if period.start <= moment < period.end:
                    whose = (self._engine.identity(subject), job_type, moment)
                    times = (measured(durations), measured(waits))
                    found.append(Sample(*whose, succeeded, failed, cancelled, *times))
        return found

    async def depths(self, project_id: ProjectId, queue_id: QueueId | None, bound: int) -> Sequence[Depth]:
        chosen = {"project_id": project_id, "queue_id": queue_id, "bound": bound, "unless_sampled": False}
        return [depth_of(row, self._engine) for row in await self._engine.read(One("queue_depths", chosen))]

    async def running(
        self, project_id: ProjectId, queue_id: QueueId | None, bound: int
    ) -> Mapping[UUID, int]:
        chosen = {"project_id": project_id, "queue_id": queue_id, "bound": bound}
        rows = await self._engine.read(One("running_jobs", chosen))
        return {self._engine.identity(row["id"]): int(row["running"]) for row in rows}

    async def depth_samples(
        self, project_id: ProjectId, queue_id: QueueId, period: Period
    ) -> Sequence[tuple[datetime, int, int, int, int, int]]:
        chosen = {"project_id": project_id, "queue_id": queue_id, "start": period.start, "end": period.end}
        rows = await self._engine.read(One("queue_samples_in", chosen))
        return [(self._engine.moment(row[0]), *row[1:6]) for row in map(tuple, rows)]

    async def usage_samples(
        self, project_id: ProjectId, worker_ids: Sequence[WorkerId], period: Period
    ) -> Sequence[UsagePoint]:
        chosen = {
            "project_id": project_id,
            "worker_ids": list(worker_ids),
            "start": period.start,
            "end": period.end,
        }
        rows = await self._engine.read(One("worker_samples_in", chosen))
        return [UsagePoint(self._engine.moment(row[0]), row[1], row[2], row[3]) for row in rows]

    async def task_usage_samples(
        self, project_id: ProjectId, subjects: Sequence[UUID], period: Period, job_type: str | None = None
    ) -> Sequence[TaskUsagePoint]:
        chosen = {**_chosen(project_id, subjects, period), "job_type": job_type}
        rows = map(tuple, await self._engine.read(One("task_samples_in", chosen)))
        return [TaskUsagePoint(self._engine.moment(row[0]), *row[1:6]) for row in rows]

    async def workers(
        self, project_id: ProjectId, period: Period, *, name: str | None = None, worker_id: UUID | None = None
    ) -> Sequence[StoredWorker]:
        chosen = {
            "project_id": project_id,
            "start": period.start,
            "end": period.end,
            "name": name,
            "worker_id": worker_id,
        }
        rows = await self._engine.read(One("workers_in", chosen))
        return [
            StoredWorker(
                self._engine.identity(row["id"]),
                row["name"],
                tuple(from_json(row["queues"])),
                int(row["running"]),
            )
            for row in rows
        ]


def depth_of(row: Any, engine: Engine) -> Depth:
    """A row of queue_depths."""
    return Depth(
        engine.identity(row["id"]),
        engine.identity(row["project_id"]),
        engine.moment(row["now"]),
        int(row["ready"]),
        int(row["held"]),
        int(row["scheduled"]),
        int(row["processing"]),
        int(row["latency_us"] or 0),
    )


def measured(times: list[int | None] | None) -> list[int]:
    """Times without those that were not measured."""
    if times is None or None not in times:
        return cast("list[int]", times or [])
    return [time for time in times if time is not None]


def _chosen(project_id: ProjectId, subjects: Sequence[UUID], period: Period) -> dict[str, Any]:
    return {
        "project_id": project_id,
        "subject_ids": list(subjects),
        "start": period.start,
        "end": period.end,
    }
