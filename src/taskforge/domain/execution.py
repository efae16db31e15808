"""An execution: one attempt at a job by one worker, and the log it writes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

    from taskforge.domain.ids import ExecutionId, JobId, QueueId, WorkerId
    from taskforge.domain.job import Job
    from taskforge.domain.log_level import LogLevel

MAX_LOG_MESSAGE = 10_000
CUT_MARK = " … [cut]"


class ExecutionStatus(StrEnum):
    """Where an attempt is. The first three are seen on the job's row, the others are stored for good."""

    QUEUED = "queued"
    STARTED = "started"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RETRY_SCHEDULED = "retry_scheduled"
    DEAD_LETTER = "dead_letter"


LIVE = frozenset({ExecutionStatus.QUEUED, ExecutionStatus.STARTED, ExecutionStatus.RUNNING})
FAILURES = frozenset({ExecutionStatus.FAILED, ExecutionStatus.RETRY_SCHEDULED, ExecutionStatus.DEAD_LETTER})


class Reason(StrEnum):
    """Why an attempt did not simply succeed."""

    ERROR = "error"
    TIMEOUT = "timeout"
    WORKER_LOST = "worker_lost"
    SNOOZED = "snoozed"
    RELEASED = "released"
    CANCELLED = "cancelled"


class LogLine(NamedTuple):
    """One line of an execution's log. ``seq`` orders the lines of one execution; metadata is JSON text."""

    seq: int
    level: str
    message: str
    metadata: str | None
    logged_at: datetime


@dataclass(frozen=True, slots=True)
class StoredLogLine:
    """A log line as it is read back."""

    execution_id: ExecutionId
    seq: int
    level: LogLevel
    message: str
    metadata: Any
    logged_at: datetime


@dataclass(frozen=True, slots=True)
class Execution:
    """One attempt, stored or live. ``duration_ms`` is None while it runs."""

    id: ExecutionId
    job_id: JobId
    queue_id: QueueId
    job_type: str
    worker_id: WorkerId | None
    status: ExecutionStatus
    reason: Reason | None
    attempt_number: int
    output: Any
    error_type: str | None
    error_message: str | None
    traceback: str | None
    claimed_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat_at: datetime | None
    timeout_at: datetime | None
    duration_ms: float | None


def live_execution(job: Job) -> Execution | None:
    """The attempt that the job's row describes while it is being processed.

    queued = claimed; started = a beat said the handler began; running = the handler itself gave a sign
    (a heartbeat or progress).
    """
    if job.execution_id is None or job.lease_until is None or job.claimed_at is None:
        return None
    if job.heartbeat_at is not None:
        status = ExecutionStatus.RUNNING
    elif job.started_at is not None:
        status = ExecutionStatus.STARTED
    else:
        status = ExecutionStatus.QUEUED
    return Execution(
        id=job.execution_id,
        job_id=job.id,
        queue_id=job.queue_id,
        job_type=job.job_type,
        worker_id=job.worker_id,
        status=status,
        reason=None,
        attempt_number=job.attempt_count,
        output=None,
        error_type=None,
        error_message=None,
        traceback=None,
        claimed_at=job.claimed_at,
        started_at=job.started_at,
        finished_at=None,
        heartbeat_at=job.heartbeat_at,
        timeout_at=job.attempt_timeout_at,
        duration_ms=None,
    )


def clean_message(message: str) -> str | None:
    """A log message as it may be stored: cut and marked when too long, None when empty."""
    if not message or message.isspace():
        return None
    head = message[: MAX_LOG_MESSAGE + 1]  # of a message of 100 MB the rest is not looked at
    text = head.replace("\x00", "\N{SYMBOL FOR NULL}").encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= MAX_LOG_MESSAGE else text[: MAX_LOG_MESSAGE - len(CUT_MARK)] + CUT_MARK
