"""The reading side of the store: jobs, executions, logs and counts for people and programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.execution import Execution, StoredLogLine
    from taskforge.domain.explanation import Ahead, QueueUse
    from taskforge.domain.ids import ExecutionId, JobId, ProjectId, QueueId
    from taskforge.domain.job import Job, JobStatus
    from taskforge.domain.stats import ExecutionStats, StatusCounts


class PayloadCondition(NamedTuple):
    """A member of the payload, by the names on the way to it, and what it must be (JSON text)."""

    path: tuple[str, ...]
    value: str


class Walk(NamedTuple):
    """Jobs found, newest first; ``place`` is the id to go on from, None at the end of all jobs."""

    ids: Sequence[JobId]
    place: UUID | None


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list shows; None does not filter. Newest first, ``before`` is the id to go on from.

    ``ids``: only these, of which there are few. ``fingerprint``: those whose last attempt failed so.
    """

    queue_ids: Sequence[QueueId] | None = None
    statuses: Sequence[JobStatus] | None = None
    job_type: str | None = None
    tag: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    scheduled_from: datetime | None = None
    scheduled_to: datetime | None = None
    dead_letter_queue_id: QueueId | None = None
    payload: PayloadCondition | None = None
    error_text: str | None = None
    fingerprint: UUID | None = None
    ids: Sequence[UUID] | None = None
    before: UUID | None = None
    limit: int = 50


class Ending(NamedTuple):
    """How an awaited job stands; output is JSON text, the rest is the last attempt's error."""

    job_id: UUID
    status: JobStatus
    output: str | None
    error_type: str | None
    error_message: str | None
    traceback: str | None


class WorkerCounts(NamedTuple):
    """Ended attempts of a worker."""

    total: int
    succeeded: int
    failed: int


class ErrorGroup(NamedTuple):
    """Failed jobs of one queue, job type and error; ``example`` is a message of one of them."""

    queue_id: QueueId
    job_type: str
    error_type: str
    jobs: int
    first_at: datetime
    last_at: datetime
    example: str | None


class GroupedLetters(NamedTuple):
    """Dead letters in groups; ``place`` is the id to go on from, None where these were all."""

    groups: Sequence[ErrorGroup]
    place: UUID | None


class HistoryStore(Protocol):
    """Read-only; every question names the project."""

    async def job(self, project_id: ProjectId, job_id: UUID) -> Job | None:
        """One job, whole."""
        ...

    async def jobs(self, project_id: ProjectId, chosen: JobFilter) -> Sequence[Job]:
        """A page of jobs, newest first."""
        ...

    async def job_ids(self, project_id: ProjectId, chosen: JobFilter) -> Sequence[JobId]:
        """The ids of such a page."""
        ...

    async def walk(self, project_id: ProjectId, chosen: JobFilter, most: int) -> Walk:
        """Such ids among about ``most`` jobs that are looked at: fewer than asked for does not mean the end."""
        ...

    async def jobs_by_ids(self, project_id: ProjectId, job_ids: Sequence[UUID]) -> Sequence[Job]:
        """These jobs, newest first; those that are gone are left out."""
        ...

    async def job_ids_by_suffix(self, project_id: ProjectId, suffix: str, recent: int) -> Sequence[JobId]:
        """Ids among the ``recent`` newest jobs that end with this text."""
        ...

    async def endings(self, project_id: ProjectId, job_ids: Sequence[UUID]) -> Sequence[Ending]:
        """How these jobs stand, finished or not, in one round trip."""
        ...

    async def counts(
        self, project_id: ProjectId, *, queue_id: QueueId | None = None, tag: str | None = None
    ) -> StatusCounts:
        """Jobs by status; every status is present, and counted up to a bound."""
        ...

    async def ahead(self, project_id: ProjectId, job_id: UUID, bound: int) -> Ahead:
        """How many jobs could be claimed before this one, counted up to ``bound``; none unless it is pending."""
        ...

    async def queue_use(self, project_id: ProjectId, queue_id: QueueId) -> QueueUse:
        """How far the limits of a queue are used."""
        ...

    async def places_of_key(self, project_id: ProjectId, key: str) -> Sequence[JobId]:
        """Jobs that hold a place of a concurrency key, at most ten."""
        ...

    async def dead_letter_count(self, project_id: ProjectId, queue_id: QueueId) -> int:
        """How many dead letters a queue lists."""
        ...

    async def executions(self, project_id: ProjectId, job_id: UUID) -> Sequence[Execution]:
        """The ended attempts of a job, newest first."""
        ...

    async def execution(self, project_id: ProjectId, execution_id: UUID) -> Execution | None:
        """One attempt, ended or live."""
        ...

    async def jobs_of_worker(self, project_id: ProjectId, worker_id: UUID) -> Sequence[JobId]:
        """What a worker runs now, newest first."""
        ...

    async def timed_out(self, project_id: ProjectId, since: datetime, limit: int) -> Sequence[Execution]:
        """Attempts that began since then and ended by their timeout, newest first."""
        ...

    async def worker_executions(
        self, project_id: ProjectId, worker_id: UUID, since: datetime, bound: int
    ) -> WorkerCounts:
        """What became of the newest ``bound`` attempts of a worker."""
        ...

    async def dead_letter_groups(
        self, project_id: ProjectId, bound: int, before: UUID | None = None
    ) -> GroupedLetters:
        """The newest ``bound`` dead letters ``before`` one, by queue, job type and error, the most frequent first."""
        ...

    async def failure_groups(
        self, project_id: ProjectId, queue_ids: Sequence[QueueId] | None, bound: int
    ) -> Sequence[ErrorGroup]:
        """The newest ``bound`` failed jobs, of certain queues or all, by queue, job type and error, the latest first."""
        ...

    async def logs(
        self,
        project_id: ProjectId,
        *,
        job_id: UUID,
        execution_id: ExecutionId | None = None,
        after: tuple[UUID, int] | None = None,
        levels: Sequence[str] | None = None,
        limit: int = 1000,
    ) -> Sequence[StoredLogLine]:
        """Log lines of a job's attempts, oldest first, going on after (execution id, seq)."""
        ...

    async def execution_stats(self, project_id: ProjectId, job_id: UUID) -> ExecutionStats:
        """Counts and durations over the attempts of one job."""
        ...
