"""What is told to monitoring systems, read as it stands now, of several projects at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from taskforge.domain.error_group import ErrorStatus
    from taskforge.domain.histogram import Histogram
    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.domain.queue import QueueState
    from taskforge.domain.worker import WorkerStatus


class ExposedQueue(NamedTuple):
    """A queue, and what it holds. Counts end at a bound; ``latency_us`` is how long its oldest ready job waits."""

    id: QueueId
    organization: str
    project: str
    name: str
    state: QueueState
    dead_letters: int
    ready: int
    held: int
    scheduled: int
    processing: int
    latency_us: int


class ExposedAttempts(NamedTuple):
    """Ended attempts since the beginning, of a queue and job type (empty: of all types)."""

    queue_id: UUID
    job_type: str
    succeeded: int
    failed: int
    cancelled: int
    duration_us: int
    wait_us: int
    durations: Histogram
    waits: Histogram

    @property
    def total(self) -> int:
        """All of them."""
        return self.succeeded + self.failed + self.cancelled


class ExposedWorkers(NamedTuple):
    """The workers of a project that have one status."""

    organization: str
    project: str
    status: WorkerStatus
    workers: int
    slots: int


class ExposedErrors(NamedTuple):
    """The error groups of a project that have one status, and their failures."""

    organization: str
    project: str
    status: ErrorStatus
    groups: int


class ExpositionStore(Protocol):
    """``project_ids`` None: all projects of the database."""

    async def queues(
        self, project_ids: Sequence[ProjectId] | None, bound: int, most: int
    ) -> Sequence[ExposedQueue]:
        """Up to ``most`` queues, each with counts up to ``bound``."""
        ...

    async def attempts(
        self, project_ids: Sequence[ProjectId] | None, most: int, *, by_type: bool
    ) -> Sequence[ExposedAttempts]:
        """By queue, or by queue and job type; the ``most`` with most attempts."""
        ...

    async def workers(
        self, project_ids: Sequence[ProjectId] | None, lease: timedelta
    ) -> Sequence[ExposedWorkers]:
        """Those that have not left."""
        ...

    async def errors(self, project_ids: Sequence[ProjectId] | None) -> Sequence[ExposedErrors]:
        """How many there are."""
        ...

    async def now(self) -> datetime:
        """By the database's clock."""
        ...
