"""Read models: what people ask about many rows at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskforge.domain.ids import JobId, QueueId
    from taskforge.domain.job import JobStatus
    from taskforge.domain.queue import QueueState


COUNT_BOUND = 10_000
"""Jobs of one queue and status are counted so far; the succeeded ones, of which no end is in sight, are a total."""


class StatusCounts(dict["JobStatus", int]):
    """Jobs by status; every status is present. Of those in ``bounded`` there are at least so many."""

    def __init__(self, counts: Mapping[JobStatus, int], bounded: frozenset[JobStatus] = frozenset()) -> None:
        super().__init__(counts)
        self.bounded = bounded

    def shown(self, status: JobStatus) -> str:
        """The count as people read it: with a plus where there may be more."""
        return f"{self[status]}+" if status in self.bounded else str(self[status])


@dataclass(frozen=True, slots=True)
class QueueStats:
    """Jobs of a queue by status; every status is present."""

    queue_id: QueueId
    counts: StatusCounts
    state: QueueState

    @property
    def total(self) -> int:
        """All jobs of the queue."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class ExecutionStats:
    """Attempts of one job. Durations are milliseconds over its succeeded attempts, None without any."""

    job_id: JobId
    total_executions: int
    succeeded_count: int
    failed_count: int
    avg_duration_ms: float | None
    min_duration_ms: float | None
    max_duration_ms: float | None
