"""Figures of periods, and series over time, in bodies. Durations and waits are milliseconds."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

View = TypeVar("View")


@dataclass(frozen=True, slots=True, kw_only=True)
class FiguresView:
    """What a period adds up to; `exact`: percentiles are those of the times themselves. Null without attempts."""

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
class ProjectMetricsView(FiguresView):
    """All queues of a project together."""

    running_executions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueMetricsView(FiguresView):
    """One queue."""

    queue_id: UUID
    queue_name: str
    running_executions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFiguresView:
    """What executions of a job type used: milliseconds of processor time, and the most memory of a child process."""

    job_type: str
    measured_executions: int
    avg_cpu_time: float
    max_cpu_time: float
    peak_memory_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeMetricsView(FiguresView):
    """One job type. `usage` is null where nothing was measured."""

    job_type: str
    usage: TaskFiguresView | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerMetricsView(FiguresView):
    """One worker. `cpu_usage` is per cent of one processor, `memory_usage` of the machine's memory."""

    worker_id: UUID
    worker_name: str
    jobs_processed: int
    avg_processing_time: float | None
    running_executions: int
    cpu_usage: float | None
    memory_usage: float | None
    peak_memory_bytes: int | None
    tasks: list[TaskFiguresView]


@dataclass(frozen=True, slots=True)
class ThroughputView:
    """What ended in one step of a period."""

    starts_at: datetime
    succeeded: int
    failed: int
    cancelled: int
    failure_rate: float | None
    avg_duration: float | None
    p95_duration: float | None
    p95_wait: float | None


@dataclass(frozen=True, slots=True)
class TrendView:
    """What ended in each step of the last hour in a queue, the oldest step first."""

    queue_id: UUID
    starts_at: datetime
    step_seconds: float
    succeeded: list[int]
    failed: list[int]


@dataclass(frozen=True, slots=True)
class DepthView:
    """What a queue held at one moment."""

    starts_at: datetime
    ready: int
    held: int
    scheduled: int
    processing: int
    latency_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueDepthView(DepthView):
    """What one of several queues holds; a count of 100,000 is at least that. `starts_at` is now."""

    queue_id: UUID
    queue_name: str


def shown(kind: type[View], value: Any) -> View:
    """The fields of a view, taken from a value that has them."""
    return kind(**{field.name: getattr(value, field.name) for field in fields(kind)})  # type: ignore[arg-type]
