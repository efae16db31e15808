"""What a server tells of jobs, queues and workers. A newer server may say more; that is left out."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from taskforge.domain.execution import ExecutionStatus, LogLevel, Reason
from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.queue import QueueState
from taskforge.domain.worker import WorkerStatus, WorkerType


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job. `payload`, `state` and `progress` are None for keys that may not read payloads."""

    id: UUID
    project_id: UUID
    queue_id: UUID
    queue_name: str
    job_type: str
    payload: Any = None
    status: JobStatus
    hold: Hold | None = None
    failure: str | None = None
    priority: int
    max_attempts: int
    attempt_count: int
    losses: int = 0
    tags: list[str] = []
    key: str | None = None
    state: Any = None
    progress: Any = None
    execution_id: UUID | None = None
    worker_id: UUID | None = None
    scheduled_for: datetime | None = None
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None


class Submitted(msgspec.Struct, frozen=True):
    """A job of a bulk creation; not `created` when a job with its key was there already."""

    id: UUID
    created: bool


class JobResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a job ended, or that it has not."""

    job_id: UUID
    status: JobStatus
    output: Any = None
    error_type: str | None = None
    error_message: str | None = None
    traceback: str | None = None


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt at a job."""

    id: UUID
    job_id: UUID
    worker_id: UUID | None = None
    status: ExecutionStatus
    reason: Reason | None = None
    attempt_number: int
    output: Any = None
    error_type: str | None = None
    error_message: str | None = None
    traceback: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    duration_ms: float | None = None


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an execution's log."""

    execution_id: UUID
    seq: int
    level: LogLevel
    message: str
    metadata: Any = None
    logged_at: datetime


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue."""

    id: UUID
    project_id: UUID
    name: str
    description: str | None = None
    priority: int
    settings: dict[str, Any] = {}
    state: QueueState
    is_active: bool
    created_at: datetime
    updated_at: datetime


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """A worker: one incarnation of a process."""

    id: UUID
    name: str
    worker_type: WorkerType
    status: WorkerStatus
    max_concurrent_jobs: int
    active_jobs: int
    queues: list[str] = []
    job_types: list[str] = []
    host: str = ""
    pid: int = 0
    last_heartbeat: datetime
    created_at: datetime


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something of this kind (job, queue, worker) may have changed; `reset`: look at everything again."""

    id: str
    kind: str
    topic: str = ""
    project_id: UUID | None = None
    queue_id: UUID | None = None


class ListMeta(msgspec.Struct, frozen=True):
    """Where a list goes on."""

    has_more: bool = False
    next_cursor: str | None = None
