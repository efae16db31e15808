"""How long finished jobs are kept: per status, and per queue where a queue says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from taskforge.domain.job import JobStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from taskforge.domain.queue import QueueSettings

PRUNED = (JobStatus.SUCCEEDED, JobStatus.CANCELLED, JobStatus.FAILED)
"""The statuses of jobs that are ever pruned; dead letters are failed jobs."""
SUCCEEDED_DAYS, CANCELLED_DAYS, FAILED_DAYS = 7.0, 30.0, 90.0


@dataclass(frozen=True, slots=True)
class Retention:
    """The ages in days, counted from the end of a job, at which it is pruned."""

    succeeded_days: float = SUCCEEDED_DAYS
    cancelled_days: float = CANCELLED_DAYS
    failed_days: float = FAILED_DAYS

    def age(self, status: JobStatus, settings: QueueSettings | None = None) -> timedelta:
        """How long a job that ended so is kept in a queue with these settings."""
        name = f"{status.value}_days"
        default: float = getattr(self, name)
        own: float | None = None if settings is None else getattr(settings, f"keep_{name}")
        return timedelta(days=default if own is None else own)

    def least_ages(self, queues: Iterable[QueueSettings]) -> Mapping[JobStatus, timedelta]:
        """By status, the shortest age of any of these queues; without queues, the default."""
        every = list(queues)
        return {
            status: min((self.age(status, settings) for settings in every), default=self.age(status))
            for status in PRUNED
        }


def end_of_day(day: date) -> datetime:
    """The first moment of the day after, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
