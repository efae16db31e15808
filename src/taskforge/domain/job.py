"""A job: one unit of work in a queue."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.ids import ExecutionId, JobId, ProjectId, QueueId, WorkerId

MAX_LOSSES = 3


class JobStatus(StrEnum):
    """Where a job is in its life; `docs/lifecycle.md` draws it."""

    PENDING = "pending"
    SCHEDULED = "scheduled"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_finished(self) -> bool:
        """Whether nothing but a person can change it any more."""
        return self in FINISHED


FINISHED = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED})


class Hold(StrEnum):
    """Why a pending job may not be claimed. None means it may."""

    NO_WORKER = "no_worker"
    PAUSED = "paused"
    SUSPECT = "suspect"
    KEY = "key"


class NewJob(NamedTuple):
    """A job that is to be accepted. ``payload``, ``tags`` and ``retry_policy`` are JSON texts.

    ``None`` for max_attempts, retry_policy and timeout_ms leaves the matter to the queue.
    """

    id: UUID
    queue_id: UUID
    job_type: str
    payload: str
    priority: int = 0
    max_attempts: int | None = None
    retry_policy: str | None = None
    timeout_ms: int | None = None
    scheduled_for: datetime | None = None
    delay_us: int | None = None
    expires_at: datetime | None = None
    deadline: datetime | None = None
    tags: str | None = None


class Submitted(NamedTuple):
    """The job that stands for a request: a new one, or (not ``created``) the one that has its key."""

    id: UUID
    created: bool


class ClaimedJob(NamedTuple):
    """What the owner of an execution has to know. Field order is the order of the claim's columns."""

    id: JobId
    queue_id: QueueId
    job_type: str
    payload: str
    priority: int
    rank: int
    attempt: int
    max_attempts: int | None
    manual_retries: int
    retry_policy: str | None
    timeout_ms: int | None
    losses: int
    claim_seq: int
    execution_id: ExecutionId
    deadline: datetime | None
    state: str | None
    claimed_at: datetime
    concurrency_key: str | None = None
    slots: int = 1


# Nobody changes one; frozen, a page of them takes the server a sixth longer.
@dataclass(slots=True, unsafe_hash=True)
class Job:
    """A job as it is stored. JSON values are decoded.

    ``failure`` says why a job failed that no attempt failed: ``queue_timeout``, ``deadline`` or ``queue_full``.
    """

    id: JobId
    project_id: ProjectId
    queue_id: QueueId
    queue_name: str
    job_type: str
    payload: Any
    status: JobStatus
    hold: Hold | None
    priority: int
    max_attempts: int
    attempt_count: int
    losses: int
    claim_seq: int
    execution_id: ExecutionId | None
    worker_id: WorkerId | None
    claimed_at: datetime | None
    started_at: datetime | None
    heartbeat_at: datetime | None
    lease_until: datetime | None
    attempt_timeout_at: datetime | None
    cancel_requested_at: datetime | None
    scheduled_for: datetime | None
    expires_at: datetime | None
    timeout_at: datetime | None
    failure: str | None
    tags: Sequence[str]
    key: str | None
    concurrency_key: str | None
    concurrency_limit: int | None
    fairness_key: str | None
    fairness_weight: int
    slots: int
    rate_tokens: int
    requires: Mapping[str, Any]
    prefers: Mapping[str, Any]
    state: Any
    progress: Any
    dead_letter_queue_id: QueueId | None
    dead_lettered_at: datetime | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
