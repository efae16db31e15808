"""What attempts add up to, and what queues and workers were sampled at: how it is kept, and how it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId, WorkerId
    from taskforge.domain.metrics import Period, TaskUsagePoint, UsagePoint


class Level(NamedTuple):
    """A part of a period that is read in whole spans of one length: a minute, an hour or a day (UTC)."""

    span: timedelta
    start: datetime
    end: datetime


class Part(NamedTuple):
    """Attempts of one subject (a queue or a worker) that ended in the span which begins at ``starts_at``.

    They are of one type; of all types where ``job_type`` is empty.

    Sums are None, and times are the microseconds themselves, where ``is_raw``; else times are packed histograms.
    """

    subject_id: UUID
    job_type: str
    starts_at: datetime
    succeeded: int
    failed: int
    cancelled: int
    duration_us: int
    wait_us: int
    durations: list[int]
    waits: list[int]
    is_raw: bool


class Sample(NamedTuple):
    """Attempts that were settled together, with their times in microseconds."""

    subject_id: UUID
    job_type: str
    settled_at: datetime
    succeeded: int
    failed: int
    cancelled: int
    durations: list[int]
    waits: list[int]


class Depth(NamedTuple):
    """What a queue holds now; counts end at the bound. ``latency_us``: how long its oldest ready job has waited."""

    queue_id: QueueId
    project_id: ProjectId
    now: datetime
    ready: int
    held: int
    scheduled: int
    processing: int
    latency_us: int


class StoredWorker(NamedTuple):
    """One incarnation that lived in a period."""

    id: WorkerId
    name: str
    queues: Sequence[str]
    running: int


class RecordKeeper(Protocol):
    """For the loop that every process runs; serves all projects."""

    async def fold(self, limit: int) -> int:
        """Fold up to ``limit`` deltas in one transaction; answer how many: none while another process folds."""
        ...

    async def has_unfolded(self) -> bool:
        """Whether `fold` would find something: a look that locks and changes nothing."""
        ...

    async def sample_queues(self, bound: int) -> int:
        """Write down what every queue holds, once in a minute whoever comes first; answer how many queues."""
        ...

    async def forget(self, limit: int) -> None:
        """Delete up to ``limit`` rows of each kind that have reached their age."""
        ...


class MetricsStore(Protocol):
    """Reads. ``subjects`` are ids of queues or of workers, not both."""

    async def now(self) -> datetime:
        """The database's clock."""
        ...

    async def parts(
        self, project_id: ProjectId, subjects: Sequence[UUID], levels: Sequence[Level], *, by_type: bool
    ) -> Sequence[Part]:
        """All that ended in levels which follow each other; ``by_type`` for queues only.

        What was not folded yet comes beside, by type in any case.
        """
        ...

    async def samples(
        self, project_id: ProjectId, subjects: Sequence[UUID], period: Period
    ) -> Sequence[Sample] | None:
        """All that ended in a period, to the microsecond; None where they were too many to be kept."""
        ...

    async def depths(self, project_id: ProjectId, queue_id: QueueId | None, bound: int) -> Sequence[Depth]:
        """What one queue holds, or each of a project."""
        ...

    async def running(
        self, project_id: ProjectId, queue_id: QueueId | None, bound: int
    ) -> Mapping[UUID, int]:
        """How many jobs of one queue run now, or of each of a project; much less work than `depths`."""
        ...

    async def depth_samples(
        self, project_id: ProjectId, queue_id: QueueId, period: Period
    ) -> Sequence[tuple[datetime, int, int, int, int, int]]:
        """Minutes: ready, held, scheduled, processing, latency in microseconds."""
        ...

    async def usage_samples(
        self, project_id: ProjectId, worker_ids: Sequence[WorkerId], period: Period
    ) -> Sequence[UsagePoint]:
        """What these workers used, oldest first."""
        ...

    async def task_usage_samples(
        self, project_id: ProjectId, subjects: Sequence[UUID], period: Period, job_type: str | None = None
    ) -> Sequence[TaskUsagePoint]:
        """What executions of these subjects used, of one job type or of each, oldest first."""
        ...

    async def workers(
        self, project_id: ProjectId, period: Period, *, name: str | None = None, worker_id: UUID | None = None
    ) -> Sequence[StoredWorker]:
        """Incarnations that lived in a period, newest first."""
        ...
