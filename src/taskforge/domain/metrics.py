"""What attempts add up to in a period: how many, how they ended, how long they waited and took.

The names are the seeds'; durations are milliseconds. A total without attempts has a success rate of 100.0 and no
durations (None). ``failed`` counts every failed attempt, whether it is retried or not; a cancelled, snoozed or
released attempt counts as neither, and stands beside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from taskforge.domain.errors import InvalidInput
from taskforge.domain.histogram import Histogram, exact_percentile

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from taskforge.domain.ids import QueueId, WorkerId

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
MICROSECONDS = 1000.0
"""Microseconds in a millisecond."""

Times: TypeAlias = "list[int] | Histogram"
"""Durations or waits in microseconds: themselves, or their histogram."""


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` on, up to but not including ``end``. Both carry a zone."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name, moment in (("start", self.start), ("end", self.end)):
            if moment.tzinfo is None:
                raise InvalidInput("a moment needs a zone", field=name, hint="2026-03-01T12:00:00Z")
        if self.start >= self.end:
            raise InvalidInput("a period ends after it starts", field="end", hint="swap the two")

    def outward(self, step: timedelta) -> Period:
        """The whole steps that it touches."""
        return Period(floor(self.start, step), ceiling(self.end, step))


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def floor(moment: datetime, step: timedelta) -> datetime:
    """The start of the step in which a moment lies."""
    return (moment - EPOCH) // step * step + EPOCH


def ceiling(moment: datetime, step: timedelta) -> datetime:
    """The first start of a step that is not before a moment."""
    return EPOCH - (EPOCH - moment) // step * step


class Attempts:
    """Attempts that ended, added up. ``duration_us`` and ``wait_us`` are sums over ``durations`` and ``waits``.

    Only succeeded and failed attempts have times: durations where they were measured (a lost worker has told none),
    waits where the handler began.
    """

    __slots__ = ("cancelled", "duration_us", "durations", "failed", "succeeded", "wait_us", "waits")

    def __init__(self, durations: Times, waits: Times) -> None:
        self.succeeded = self.failed = self.cancelled = 0
        self.duration_us = self.wait_us = 0
        self.durations = durations
        self.waits = waits

    @classmethod
    def summed(cls) -> Attempts:
        """None yet; times will go into histograms."""
        return cls(Histogram(), Histogram())

    @classmethod
    def listed(cls) -> Attempts:
        """None yet; times will be kept as they are."""
        return cls([], [])

    def count(self, succeeded: int, failed: int, cancelled: int) -> None:
        """Add attempts by how they ended."""
        self.succeeded += succeeded
        self.failed += failed
        self.cancelled += cancelled

    def time(self, durations: list[int], waits: list[int]) -> None:
        """Add measured times."""
        self.duration_us += sum(durations)
        self.wait_us += sum(waits)
        for times, more in ((self.durations, durations), (self.waits, waits)):
            times.add(more) if isinstance(times, Histogram) else times.extend(more)

    def time_folded(self, duration_us: int, wait_us: int, durations: list[int], waits: list[int]) -> None:
        """Add times that are histograms already (packed), with their sums."""
        self.duration_us += duration_us
        self.wait_us += wait_us
        for times, more in ((self.durations, durations), (self.waits, waits)):
            if not isinstance(times, Histogram):
                raise TypeError("a list of exact times takes no histogram")
            times.merge(more)

    @property
    def total(self) -> int:
        """All that ended."""
        return self.succeeded + self.failed + self.cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionFigures:
    """The figures of a period. Times are milliseconds, None without attempts that have them.

    ``total_executions`` are the succeeded and the failed ones. ``exact`` tells whether percentiles are those of
    the times themselves; else they are within `RELATIVE_ERROR`. Counts and averages always are exact.
    ``period_start`` and ``period_end`` say what was counted: whole minutes or hours where it is not exact.
    """

    total_executions: int
    successful_executions: int
    failed_executions: int
    cancelled_executions: int
    success_rate: float
    avg_duration: float | None
    p50_duration: float | None
    p95_duration: float | None
    p99_duration: float | None
    avg_wait: float | None
    p50_wait: float | None
    p95_wait: float | None
    p99_wait: float | None
    exact: bool
    period_start: datetime
    period_end: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectMetrics(ExecutionFigures):
    """Of all queues of a project together."""

    running_executions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMetrics(ExecutionFigures):
    """Of one queue. ``running_executions`` run now."""

    queue_id: QueueId
    queue_name: str
    running_executions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFigures:
    """What executions of one job type used. Processor time is milliseconds.

    ``measured_executions`` says how many the figures are of: all that ran in threads and in child processes, and
    each tenth of those on the event loop. ``peak_memory_bytes`` is known of child processes only.
    """

    job_type: str
    measured_executions: int
    avg_cpu_time: float
    max_cpu_time: float
    peak_memory_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeMetrics(ExecutionFigures):
    """Of one job type, in one queue or in all. ``usage`` is None where nothing was measured in the period."""

    job_type: str
    usage: TaskFigures | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerMetrics(ExecutionFigures):
    """Of one worker, or of all incarnations of one name in the period (``worker_id`` is the newest).

    ``jobs_processed`` and ``avg_processing_time`` are the seeds' names for the total and the average duration.
    ``cpu_usage``: per cent of one processor, averaged; ``memory_usage``: per cent of the machine's memory,
    averaged; None where nothing was sampled.
    """

    worker_id: WorkerId
    worker_name: str
    jobs_processed: int
    avg_processing_time: float | None
    running_executions: int
    cpu_usage: float | None
    memory_usage: float | None
    peak_memory_bytes: int | None
    tasks: Sequence[TaskFigures]


@dataclass(frozen=True, slots=True)
class ThroughputPoint:
    """What ended in one step of a period. ``failure_rate`` is per cent, None where nothing succeeded or failed."""

    starts_at: datetime
    succeeded: int
    failed: int
    cancelled: int
    failure_rate: float | None
    avg_duration: float | None
    p95_duration: float | None
    p95_wait: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """What ended in a queue in each step of a period, the oldest first: enough for a small picture of it."""

    queue_id: UUID
    starts_at: datetime
    step: timedelta
    succeeded: list[int]
    failed: list[int]


@dataclass(frozen=True, slots=True)
class DepthPoint:
    """What a queue held in one minute. ``latency_seconds``: how long its oldest ready job had waited.

    Each count is exact up to `DEPTH_BOUND`; one that stands there is at least that.
    """

    starts_at: datetime
    ready: int
    held: int
    scheduled: int
    processing: int
    latency_seconds: float


@dataclass(frozen=True, slots=True)
class TaskUsagePoint:
    """What the executions of one job type used that ended before one moment, and after the sample before it."""

    sampled_at: datetime
    job_type: str
    measured_executions: int
    cpu_us: int
    most_cpu_us: int
    peak_memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class UsagePoint:
    """What a worker's process and its children used at one moment. 100 per cent are one processor."""

    sampled_at: datetime
    cpu_percent: float
    memory_bytes: int
    memory_percent: float


DEPTH_BOUND = 100_000


def figures(attempts: Attempts, period: Period) -> dict[str, object]:
    """The fields of `ExecutionFigures`."""
    total = attempts.succeeded + attempts.failed
    return {
        "total_executions": total,
        "successful_executions": attempts.succeeded,
        "failed_executions": attempts.failed,
        "cancelled_executions": attempts.cancelled,
        "success_rate": success_rate(attempts.succeeded, total),
        **_times("duration", attempts.durations, attempts.duration_us),
        **_times("wait", attempts.waits, attempts.wait_us),
        "exact": isinstance(attempts.durations, list),
        "period_start": period.start,
        "period_end": period.end,
    }


def task_figures(points: Iterable[TaskUsagePoint]) -> list[TaskFigures]:
    """What samples add up to, by job type in the order of their names."""
    by_type: dict[str, list[TaskUsagePoint]] = {}
    for point in points:
        by_type.setdefault(point.job_type, []).append(point)
    return [
        TaskFigures(
            job_type=job_type,
            measured_executions=(count := sum(point.measured_executions for point in same)),
            avg_cpu_time=sum(point.cpu_us for point in same) / count / MICROSECONDS,
            max_cpu_time=max(point.most_cpu_us for point in same) / MICROSECONDS,
            peak_memory_bytes=max(
                (point.peak_memory_bytes for point in same if point.peak_memory_bytes is not None),
                default=None,
            ),
        )
        for job_type, same in sorted(by_type.items())
    ]


def check_hours(hours: float) -> float:
    """So many hours back from now. Raises InvalidInput where the record does not reach so far."""
    if not 0 < hours <= 24 * 400:
        raise InvalidInput("the record reaches from now to 400 days back", field="hours")
    return hours


def success_rate(succeeded: int, total: int) -> float:
    """Per cent of a total; 100.0 of nothing."""
    return 100.0 * succeeded / total if total else 100.0


def percentiles(times: Times, parts: Iterable[float]) -> list[float | None]:
    """In milliseconds."""
    if isinstance(times, Histogram):
        found = [times.percentile(part) for part in parts]
    else:
        ordered = sorted(times)
        found = [exact_percentile(ordered, part) for part in parts]
    return [None if value is None else value / MICROSECONDS for value in found]


def average(times: Times, total_us: int) -> float | None:
    """In milliseconds."""
    count = times.count if isinstance(times, Histogram) else len(times)
    return total_us / count / MICROSECONDS if count else None


def _times(name: str, times: Times, total_us: int) -> dict[str, float | None]:
    p50, p95, p99 = percentiles(times, (0.5, 0.95, 0.99))
    return {
        f"avg_{name}": average(times, total_us),
        f"p50_{name}": p50,
        f"p95_{name}": p95,
        f"p99_{name}": p99,
    }
