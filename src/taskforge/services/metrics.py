"""What attempts add up to: per queue, job type and worker, for any period, and over time.

A short period is answered from the attempts themselves, to the microsecond. A longer one from histograms of
minutes, hours and days, as few of them as there can be; it is widened to whole ones of the least that are read, and
the answer says what was counted, and whether it is exact.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from taskforge.domain.balancing import is_served_by
from taskforge.domain.errors import InvalidInput, NotFound
from taskforge.domain.metrics import (
    DAY,
    DEPTH_BOUND,
    HOUR,
    MINUTE,
    Attempts,
    DepthPoint,
    Period,
    ProjectMetrics,
    QueueMetrics,
    ThroughputPoint,
    Trend,
    TypeMetrics,
    WorkerMetrics,
    average,
    ceiling,
    check_hours,
    figures,
    floor,
    percentiles,
    task_figures,
)
from taskforge.ports.record import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.domain.metrics import TaskUsagePoint, UsagePoint
    from taskforge.domain.queue import Queue
    from taskforge.ports.queues import QueueStore
    from taskforge.ports.record import Depth, MetricsStore, Part, Sample, StoredWorker

EXACT_AGE = timedelta(hours=2)
MOST_EXACT = 50_000
"""A period that began at most so long ago, with at most so many attempts, is answered exactly."""

STEPS = (
    (MINUTE, timedelta(hours=13), timedelta(days=6)),
    (HOUR, timedelta(days=32), timedelta(days=85)),
)
"""What a period is widened to at its edges, for periods that are shorter than this and begin at most so long ago;
any other is widened to days. Minutes are kept for a week, and hours for 90 days."""

SERIES = ((MINUTE, timedelta(hours=6)), (HOUR, timedelta(days=8)), (DAY, timedelta(days=1000)))
"""How series go over periods up to so long, unless they are asked otherwise."""

MOST_POINTS = 10_000
TREND_STEP, TREND_STEPS = 5 * MINUTE, 12
MANY, REST_SECONDS = 200_000, 20.0
"""So many jobs in all queues take a second to count: their number is then believed for a while."""


class Metrics:
    """The figures of one project. Raises NotFound for a queue or a worker that is not of it."""

    def __init__(self, store: MetricsStore, queues: QueueStore, project_id: ProjectId) -> None:
        self._store = store
        self._queues = queues
        self._project_id = project_id
        self._deep: tuple[Mapping[QueueId, DepthPoint], float] = ({}, 0.0)

    async def last(self, hours: float) -> Period:
        """The period of so many hours that ends now, by the database's clock."""
        span = timedelta(hours=check_hours(hours))
        now = await self._store.now()
        return Period(now - span, now + timedelta(microseconds=1))

    async def project(self, period: Period) -> ProjectMetrics:
        """All queues of the project together. Those of deleted queues are not among them."""
        queues = await self._queues.list(self._project_id)
        found = await self._added_up([queue.id for queue in queues], period, _together)
        return ProjectMetrics(
            **found.figures(""), running_executions=sum((await self._running(None)).values())
        )

    async def queue(self, queue_id: QueueId, period: Period) -> QueueMetrics:
        """One queue."""
        [found] = await self._of_queues([await self._queue(queue_id)], period)
        return found

    async def queues(self, period: Period) -> Sequence[QueueMetrics]:
        """Every queue of the project, by name."""
        return await self._of_queues(await self._queues.list(self._project_id), period)

    async def job_types(self, period: Period, *, queue_id: QueueId | None = None) -> Sequence[TypeMetrics]:
        """Every job type that ended an attempt in the period, by name; in one queue or in all."""
        subjects = [queue.id for queue in await self._chosen_queues(queue_id)]
        found = await self._added_up(subjects, period, _by_type)
        points = await self._store.task_usage_samples(self._project_id, subjects, period)
        usage = {task.job_type: task for task in task_figures(points)}
        return [
            TypeMetrics(**found.figures(name), job_type=name, usage=usage.get(name))
            for name in sorted(found.attempts)
        ]

    async def worker(self, worker_id: UUID, period: Period) -> WorkerMetrics:
        """One incarnation of a worker that lived in the period."""
        found = await self._store.workers(self._project_id, period, worker_id=worker_id)
        if not found:
            raise NotFound(f"no worker with the id {worker_id} lived then")
        return await self._of_worker(found, period)

    async def worker_named(self, name: str, period: Period) -> WorkerMetrics:
        """All incarnations of one name that lived in the period, together."""
        found = await self._store.workers(self._project_id, period, name=name)
        if not found:
            raise NotFound(f"no worker named {name!r} lived then", hint="taskforge workers list --all")
        return await self._of_worker(found, period)

    async def workers(self, period: Period, *, queue_id: QueueId | None = None) -> Sequence[WorkerMetrics]:
        """Every worker that lived in the period (or those of them that serve a queue), by name.

        Incarnations of one name stand together. What they did for other queues counts as well.
        """
        stored = await self._store.workers(self._project_id, period)
        if queue_id is not None:
            queue = await self._queue(queue_id)
            stored = [w for w in stored if queue.name in w.queues or is_served_by(queue, w.name, w.queues)]
        names: dict[str, list[StoredWorker]] = {}
        for worker in stored:
            names.setdefault(worker.name, []).append(worker)
        return [await self._of_worker(names[name], period) for name in sorted(names)]

    async def throughput(
        self, period: Period, *, queue_id: QueueId | None = None, step: timedelta | None = None
    ) -> Sequence[ThroughputPoint]:
        """What ended in each minute, hour or day of the period, in one queue or in all; also where nothing did."""
        subjects: Sequence[UUID] = [queue.id for queue in await self._chosen_queues(queue_id)]
        length = period.end - period.start
        chosen = step or next(step for step, longest in SERIES if length <= longest)
        if chosen not in (MINUTE, HOUR, DAY):
            raise InvalidInput(
                "a series goes by the minute, by the hour or by the day", field="step", hint="3600"
            )
        now = await self._store.now()
        for finer, coarser, age in ((MINUTE, HOUR, STEPS[0][2]), (HOUR, DAY, STEPS[1][2])):
            if chosen == finer and period.start < now - age:
                chosen = coarser
        whole = period.outward(chosen)
        if (whole.end - whole.start) // chosen > MOST_POINTS:
            raise InvalidInput(
                f"these are more than {MOST_POINTS:,} points", field="step", hint="by the hour"
            )
        level = Level(chosen, whole.start, whole.end)
        parts = await self._store.parts(self._project_id, subjects, [level], by_type=False)
        steps = _added(parts, lambda part: floor(part.starts_at, chosen))
        none = Attempts.summed()
        return [
            _throughput(moment, steps.get(moment, none))
            for number in range((whole.end - whole.start) // chosen)
            if (moment := whole.start + number * chosen)
        ]

    async def trends(self) -> Sequence[Trend]:
        """The last hour of each queue in which something ended, in steps of five minutes."""
        subjects = [queue.id for queue in await self._queues.list(self._project_id)]
        end = ceiling(await self._store.now(), MINUTE)
        start = end - TREND_STEPS * TREND_STEP
        parts = await self._store.parts(
            self._project_id, subjects, [Level(MINUTE, start, end)], by_type=False
        )
        found: dict[UUID, Trend] = {}
        for part in parts:
            nothing = Trend(part.subject_id, start, TREND_STEP, [0] * TREND_STEPS, [0] * TREND_STEPS)
            trend = found.setdefault(part.subject_id, nothing)
            step = (part.starts_at - start) // TREND_STEP
            trend.succeeded[step] += part.succeeded
            trend.failed[step] += part.failed
        return list(found.values())

    async def depth(self, queue_id: QueueId) -> DepthPoint:
        """What a queue holds now, and how long its oldest ready job has waited."""
        await self._queue(queue_id)
        [now] = await self._store.depths(self._project_id, queue_id, DEPTH_BOUND)
        return _point(now)

    async def depths_now(self) -> Mapping[QueueId, DepthPoint]:
        """The same of every queue of the project. Very many jobs are counted again only after a while."""
        counted, until = self._deep
        if time.monotonic() < until:
            return counted
        found = await self._store.depths(self._project_id, None, DEPTH_BOUND)
        counted = {depth.queue_id: _point(depth) for depth in found}
        many = sum(one.ready + one.held + one.scheduled + one.processing for one in counted.values())
        self._deep = (counted, time.monotonic() + (REST_SECONDS if many >= MANY else 0.0))
        return counted

    async def depths(self, queue_id: QueueId, period: Period) -> Sequence[DepthPoint]:
        """The same as it was once in each minute. A minute that is missing: the queue was empty, or no process ran."""
        await self._queue(queue_id)
        found = await self._store.depth_samples(self._project_id, queue_id, period)
        return [DepthPoint(*sample[:5], sample[5] / 1_000_000) for sample in found]

    async def usage(self, worker_id: UUID, period: Period) -> Sequence[UsagePoint]:
        """Processor and memory of a worker's process and its children over time."""
        found = await self._store.workers(self._project_id, period, worker_id=worker_id)
        if not found:
            raise NotFound(f"no worker with the id {worker_id} lived then")
        return await self._store.usage_samples(self._project_id, [worker.id for worker in found], period)

    async def task_usage(
        self, queue_id: QueueId, period: Period, job_type: str | None = None
    ) -> Sequence[TaskUsagePoint]:
        """What executions used over time: of one job type of a queue, or of each."""
        await self._queue(queue_id)
        return await self._store.task_usage_samples(self._project_id, [queue_id], period, job_type)

    async def _queue(self, queue_id: QueueId) -> Queue:
        queue = await self._queues.get(self._project_id, queue_id)
        if queue is None:
            raise NotFound(f"no queue has the id {queue_id}")
        return queue

    async def _chosen_queues(self, queue_id: QueueId | None) -> Sequence[Queue]:
        if queue_id is None:
            return await self._queues.list(self._project_id)
        return [await self._queue(queue_id)]

    async def _running(self, queue_id: QueueId | None) -> Mapping[UUID, int]:
        return await self._store.running(self._project_id, queue_id, DEPTH_BOUND)

    async def _of_queues(self, queues: Sequence[Queue], period: Period) -> list[QueueMetrics]:
        found = await self._added_up([queue.id for queue in queues], period, _by_subject)
        running = await self._running(queues[0].id if len(queues) == 1 else None)
        return [
            QueueMetrics(
                **found.figures(queue.id),
                queue_id=queue.id,
                queue_name=queue.name,
                running_executions=running.get(queue.id, 0),
            )
            for queue in queues
        ]

    async def _of_worker(self, incarnations: Sequence[StoredWorker], period: Period) -> WorkerMetrics:
        ids = [worker.id for worker in incarnations]
        found = (await self._added_up(ids, period, _together)).figures("")
        usage = await self._store.usage_samples(self._project_id, ids, period)
        return WorkerMetrics(
            **found,
            worker_id=ids[0],
            worker_name=incarnations[0].name,
            jobs_processed=found["total_executions"],
            avg_processing_time=found["avg_duration"],
            running_executions=sum(worker.running for worker in incarnations),
            cpu_usage=_mean([point.cpu_percent for point in usage]),
            memory_usage=_mean([point.memory_percent for point in usage]),
            peak_memory_bytes=max((point.memory_bytes for point in usage), default=None),
            tasks=task_figures(await self._store.task_usage_samples(self._project_id, ids, period)),
        )

    async def _added_up(
        self, subjects: Sequence[UUID], period: Period, key: Callable[[Part | Sample], Any]
    ) -> _Answer:
        """The attempts of these subjects, grouped by ``key``: exactly if the period is short."""
        now = await self._store.now()
        finest = _finest(period, now)
        whole = period.outward(finest)
        levels = _levels(whole, finest, now)
        parts = await self._store.parts(self._project_id, subjects, levels, by_type=key is _by_type)
        total = sum(part.succeeded + part.failed + part.cancelled for part in parts)
        if period.start >= now - EXACT_AGE and total <= MOST_EXACT:
            samples = await self._store.samples(self._project_id, subjects, period)
            if samples is not None:
                return _Answer(period, _listed(samples, key), Attempts.listed())
        return _Answer(whole, _added(parts, key), Attempts.summed())


class _Answer:
    """Attempts by key, and the period that was counted."""

    def __init__(self, period: Period, attempts: dict[Any, Attempts], none: Attempts) -> None:
        self.period = period
        self.attempts = attempts
        self._none = none

    def figures(self, key: Any) -> dict[str, Any]:
        return figures(self.attempts.get(key, self._none), self.period)


def _together(_: Part | Sample) -> Any:
    return ""


def _by_type(found: Part | Sample) -> Any:
    return found.job_type


def _by_subject(found: Part | Sample) -> Any:
    return found.subject_id


def _finest(period: Period, now: datetime) -> timedelta:
    """What a period is widened to."""
    length = period.end - period.start
    steps = (step for step, longest, age in STEPS if length < longest and period.start >= now - age)
    return next(steps, DAY)


def _levels(whole: Period, finest: timedelta, now: datetime) -> list[Level]:
    """Whole days, beside them whole hours, and beside these minutes. Nothing ends in the future, so that a period
    which reaches up to now goes on to the end of the day, and has one edge only."""
    left = [(whole.start, whole.end if whole.end <= now else ceiling(whole.end, DAY))]
    levels: list[Level] = []
    for step in (step for step in (DAY, HOUR, MINUTE) if step >= finest):
        rest = []
        for start, end in left:
            first, last = ceiling(start, step), floor(end, step)
            if first < last:
                levels.append(Level(step, first, last))
                rest += [(start, first), (last, end)]
            else:
                rest.append((start, end))
        left = [(start, end) for start, end in rest if start < end]
    return levels


def _listed(samples: Iterable[Sample], key: Callable[[Part | Sample], Any]) -> dict[Any, Attempts]:
    found: dict[Any, Attempts] = {}
    for sample in samples:
        subject = key(sample)
        attempts = found.get(subject)
        if attempts is None:
            attempts = found[subject] = Attempts.listed()
        attempts.count(sample.succeeded, sample.failed, sample.cancelled)
        attempts.time(sample.durations, sample.waits)
    return found


def _added(parts: Iterable[Part], key: Callable[[Any], Any]) -> dict[Any, Attempts]:
    found: dict[Any, Attempts] = {}
    for part in parts:
        subject = key(part)
        attempts = found.get(subject)
        if attempts is None:
            attempts = found[subject] = Attempts.summed()
        attempts.count(part.succeeded, part.failed, part.cancelled)
        if part.is_raw:
            attempts.time(part.durations, part.waits)
        else:
            attempts.time_folded(part.duration_us, part.wait_us, part.durations, part.waits)
    return found


def _throughput(moment: datetime, attempts: Attempts) -> ThroughputPoint:
    ended = attempts.succeeded + attempts.failed
    return ThroughputPoint(
        moment,
        attempts.succeeded,
        attempts.failed,
        attempts.cancelled,
        100.0 * attempts.failed / ended if ended else None,
        average(attempts.durations, attempts.duration_us),
        percentiles(attempts.durations, [0.95])[0],
        percentiles(attempts.waits, [0.95])[0],
    )


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _point(depth: Depth) -> DepthPoint:
    counts = (depth.ready, depth.held, depth.scheduled, depth.processing)
    return DepthPoint(depth.now, *counts, depth.latency_us / 1_000_000)
