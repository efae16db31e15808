"""Jobs in bodies: the job seed's fields, and ours beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from taskforge.api.values import Body, Id, Moment
from taskforge.domain.access import Permission, Principal
from taskforge.domain.explanation import Explanation, WhyCode
from taskforge.domain.job import Hold, Job, JobStatus
from taskforge.domain.redaction import REDACTED, Redaction, redact
from taskforge.domain.stats import QueueStats, StatusCounts
from taskforge.ports.history import ErrorGroup


@dataclass(slots=True)  # nobody changes one; frozen ones are dear to make, and a page has many
class JobView:
    """A job. `payload`, `state` and `progress` are null for callers that may not read payloads; of
    members that are redacted for the caller they say `[redacted]`.

    `timeout_at` is when it must have ended; `processed_at` when its present or last attempt began; `hold` says why a
    waiting job is not handed out.
    """

    id: UUID
    project_id: UUID
    queue_id: UUID
    queue_name: str
    job_type: str
    payload: Any
    status: JobStatus
    hold: Hold | None
    failure: str | None
    priority: int
    max_attempts: int
    attempt_count: int
    losses: int
    tags: list[str]
    key: str | None
    concurrency_key: str | None
    concurrency_limit: int | None
    requires: dict[str, Any]
    prefers: dict[str, Any]
    fairness_key: str | None
    fairness_weight: int
    slots: int
    rate_tokens: int
    state: Any
    progress: Any
    claim_seq: int
    execution_id: UUID | None
    worker_id: UUID | None
    claimed_at: datetime | None
    started_at: datetime | None
    heartbeat_at: datetime | None
    lease_until: datetime | None
    attempt_timeout_at: datetime | None
    scheduled_for: datetime | None
    expires_at: datetime | None
    timeout_at: datetime | None
    processed_at: datetime | None
    cancel_requested_at: datetime | None
    dead_letter_queue_id: UUID | None
    dead_lettered_at: datetime | None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class SubmittedView:
    """A job of a bulk creation; not `created` when a job with its key was there already."""

    id: UUID
    created: bool


@dataclass(frozen=True, slots=True)
class JobStatsView:
    """Jobs of a queue by status."""

    queue_id: UUID
    total_count: int
    pending_count: int
    scheduled_count: int
    processing_count: int
    succeeded_count: int
    failed_count: int
    cancelled_count: int


@dataclass(frozen=True, slots=True)
class JobCountsView:
    """Jobs by status. Of the statuses in `bounded` there are at least so many."""

    counts: dict[str, int]
    bounded: list[JobStatus]


@dataclass(frozen=True, slots=True)
class ErrorGroupView:
    """Failed jobs of one queue, job type and error. `example`, a message of one of them, is null for callers that may
    not read payloads; `error_type` says why where no attempt failed, or is empty."""

    queue_id: UUID
    job_type: str
    error_type: str
    count: int
    first_at: datetime
    last_at: datetime
    example: str | None


@dataclass(frozen=True, slots=True)
class ObstacleView:
    """One thing that keeps a job from running."""

    code: WhyCode
    message: str
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WhyView:
    """Why a job has not run: what counts most, and all of it."""

    job_id: UUID
    status: JobStatus
    code: WhyCode
    message: str
    obstacles: list[ObstacleView]


@dataclass(frozen=True, slots=True)
class ResultView:
    """How a job ended, or that it has not. `output` is null for callers that may not read payloads."""

    job_id: UUID
    status: JobStatus
    output: Any
    error_type: str | None
    error_message: str | None
    traceback: str | None


class Reschedule(Body):
    """Another due time for a job that waits."""

    scheduled_for: Moment = Field(examples=["2026-02-01T09:00:00+07:00"])


class Move(Body):
    """Another queue, by one of its names."""

    queue_id: Id | None = None
    queue_name: str | None = Field(None, min_length=1, max_length=100)


class Retry(Body):
    """A retry with something changed; `payload` replaces what the job had. A member that is not shown to the caller
    keeps its value where it is sent back as `[redacted]`."""

    queue_id: Id | None = None
    queue_name: str | None = Field(None, min_length=1, max_length=100)
    payload: Any = None


def view_of(job: Job, principal: Principal) -> JobView:
    """A job as this caller may see it."""
    payload = state = progress = None
    if principal.may(Permission.PAYLOAD_READ):
        payload, state, progress = job.payload, job.state, job.progress
        if principal.redacted:
            progress = Redaction.of(principal.redacted, payload, state).value(progress)
            payload, state = redact(payload, principal.redacted), redact(state, principal.redacted)
    return JobView(
        id=job.id,
        project_id=job.project_id,
        queue_id=job.queue_id,
        queue_name=job.queue_name,
        job_type=job.job_type,
        payload=payload,
        status=job.status,
        hold=job.hold,
        failure=job.failure,
        priority=job.priority,
        max_attempts=job.max_attempts,
        attempt_count=job.attempt_count,
        losses=job.losses,
        tags=list(job.tags),
        key=job.key,
        concurrency_key=job.concurrency_key,
        concurrency_limit=job.concurrency_limit,
        requires=dict(job.requires),
        prefers=dict(job.prefers),
        fairness_key=job.fairness_key,
        fairness_weight=job.fairness_weight,
        slots=job.slots,
        rate_tokens=job.rate_tokens,
        state=state,
        progress=progress,
        claim_seq=job.claim_seq,
        execution_id=job.execution_id,
        worker_id=job.worker_id,
        claimed_at=job.claimed_at,
        started_at=job.started_at,
        heartbeat_at=job.heartbeat_at,
        lease_until=job.lease_until,
        attempt_timeout_at=job.attempt_timeout_at,
        scheduled_for=job.scheduled_for,
        expires_at=job.expires_at,
        timeout_at=job.timeout_at,
        processed_at=job.started_at or job.claimed_at,
        cancel_requested_at=job.cancel_requested_at,
        dead_letter_queue_id=job.dead_letter_queue_id,
        dead_lettered_at=job.dead_lettered_at,
        created_at=job.created_at,
        updated_at=job.updated_at,
        completed_at=job.completed_at,
    )


def stats_view_of(stats: QueueStats) -> JobStatsView:
    """Counts as they are shown."""
    counts = {f"{status.value}_count": count for status, count in stats.counts.items()}
    return JobStatsView(queue_id=stats.queue_id, total_count=stats.total, **counts)


def counts_view_of(found: Sequence[StatusCounts]) -> JobCountsView:
    """Counts of several projects or queues, as they are shown."""
    return JobCountsView(
        {status.value: sum(counts[status] for counts in found) for status in JobStatus},
        [status for status in JobStatus if any(status in counts.bounded for counts in found)],
    )


def group_view_of(group: ErrorGroup, principal: Principal) -> ErrorGroupView:
    """Failed jobs of one error, as this caller may see them. Who may not see all of a payload sees no message: whose
    payload it repeats is not known here."""
    example = REDACTED if group.example is not None and principal.redacted else group.example
    return ErrorGroupView(
        group.queue_id,
        group.job_type,
        group.error_type,
        group.jobs,
        group.first_at,
        group.last_at,
        example if principal.may(Permission.PAYLOAD_READ) else None,
    )


def why_view_of(explanation: Explanation) -> WhyView:
    """An explanation as it is shown."""
    return WhyView(
        job_id=explanation.job_id,
        status=explanation.status,
        code=explanation.code,
        message=explanation.message,
        obstacles=[
            ObstacleView(obstacle.code, obstacle.message, obstacle.details)
            for obstacle in explanation.obstacles
        ],
    )
