"""What reports of ended attempts mean for their jobs, as it is stored."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from taskforge.domain.keys import ConcurrencyKey
from taskforge.domain.lifecycle import decide
from taskforge.ports.jobs import Settlement

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.outcome import Report
    from taskforge.services.directory import QueueDirectory

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class _Terms(NamedTuple):
    """What holds for jobs of one queue that were claimed at one moment. ``aging_us`` None: nobody knows the queue."""

    queue_id: UUID
    claimed_at: datetime
    claimed_us: int
    aging_us: int | None
    is_watched: bool

    def hold_for(self, job: ClaimedJob) -> bool:
        is_of_queue = job.queue_id is self.queue_id or job.queue_id == self.queue_id
        return is_of_queue and job.claimed_at == self.claimed_at


class Endings:
    """Of one project. Jobs of one claim share their queue and their time as a rule: these are looked at once."""

    def __init__(self, directory: QueueDirectory) -> None:
        self._directory = directory

    def settlements(self, held: Iterable[tuple[Report, ClaimedJob]]) -> list[Settlement]:
        """What is to be stored of each attempt."""
        settlements = []
        terms: _Terms | None = None
        policy_of = self._directory.policy
        for report, job in held:
            if terms is None or not terms.hold_for(job):
                terms = self._terms(job)
            transition = decide(
                report.outcome,
                policy_of(job),
                attempt=job.attempt,
                losses=job.losses,
                random=random.random,
            )
            settlements.append(
                Settlement(
                    job.id,
                    job.claim_seq,
                    job.execution_id,
                    transition,
                    report.wait_us,
                    report.duration_us,
                    report.lines,
                    report.state,
                    False,
                    self._concurrency_key(job),
                    report.wait_us + _waited(job, terms),
                    job.job_type,
                    terms.is_watched,
                )
            )
        return settlements

    def waited(self, job: ClaimedJob) -> int:
        """Microseconds from when a job was due until it was claimed. A retry or a delay made it due anew."""
        return _waited(job, self._terms(job))

    def _terms(self, job: ClaimedJob) -> _Terms:
        queue = self._directory.by_id(job.queue_id)
        return _Terms(
            job.queue_id,
            job.claimed_at,
            (job.claimed_at - EPOCH) // MICROSECOND,
            None if queue is None else queue.settings.aging_microseconds,
            job.queue_id in self._directory.watched,
        )

    def _concurrency_key(self, job: ClaimedJob) -> ConcurrencyKey | None:
        if job.concurrency_key is None:
            return None
        return ConcurrencyKey(self._directory.project_id, job.concurrency_key)


def _waited(job: ClaimedJob, terms: _Terms) -> int:
    due = 0 if terms.aging_us is None else job.rank + job.priority * terms.aging_us
    # an id begins with the milliseconds of its birth: however ranks were moved, nothing waits before that
    return max(0, terms.claimed_us - max(due, (job.id.int >> 80) * 1000))
