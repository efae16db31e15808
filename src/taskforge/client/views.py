"""What a server tells of jobs, queues and workers. A newer server may say more; that is left out."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from taskforge.domain.execution import ExecutionStatus, Reason
from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.log_level import LogLevel
from taskforge.domain.operation import OperationAction, OperationStatus
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
    claim_seq: int = 0
    tags: list[str] = []
    key: str | None = None
    concurrency_key: str | None = None
    concurrency_limit: int | None = None
    requires: dict[str, Any] = {}
    prefers: dict[str, Any] = {}
    fairness_key: str | None = None
    fairness_weight: int = 1
    slots: int = 1
    rate_tokens: int = 1
    state: Any = None
    progress: Any = None
    execution_id: UUID | None = None
    worker_id: UUID | None = None
    claimed_at: datetime | None = None
    started_at: datetime | None = None
    heartbeat_at: datetime | None = None
    lease_until: datetime | None = None
    attempt_timeout_at: datetime | None = None
    cancel_requested_at: datetime | None = None
    scheduled_for: datetime | None = None
    expires_at: datetime | None = None
    timeout_at: datetime | None = None
    dead_letter_queue_id: UUID | None = None
    dead_lettered_at: datetime | None = None
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
    queue_id: UUID
    job_type: str
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
    heartbeat_at: datetime | None = None
    timeout_at: datetime | None = None
    duration_ms: float | None = None
    created_at: datetime


class ExecutionStats(msgspec.Struct, frozen=True, kw_only=True):
    """The attempts at a job. Durations are milliseconds over the succeeded ones."""

    job_id: UUID
    total_executions: int
    succeeded_count: int
    failed_count: int
    avg_duration_ms: float | None = None
    min_duration_ms: float | None = None
    max_duration_ms: float | None = None


class Obstacle(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that keeps a job from running."""

    code: str
    message: str
    details: dict[str, Any] = {}


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job has not run: what counts most, and all of it."""

    job_id: UUID
    status: JobStatus
    code: str
    message: str
    obstacles: list[Obstacle]


class JobPage(msgspec.Struct, frozen=True):
    """Jobs, and where a list goes on."""

    jobs: list[Job]
    next_cursor: str | None = None


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
    paused_at: datetime | None = None
    paused_by: str | None = None
    pause_reason: str | None = None
    created_at: datetime
    updated_at: datetime


class QueueStats(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs of a queue by status; of those in `at_least` there may be more."""

    queue_id: UUID
    pending_count: int
    scheduled_count: int
    processing_count: int
    succeeded_count: int
    failed_count: int
    cancelled_count: int
    dead_letter_count: int = 0
    at_least: list[JobStatus] = []


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """How many jobs an operation would meet."""

    counted: int
    counted_or_more: bool = False


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """The same done to many jobs, or a backfill, in the background."""

    id: UUID
    project_id: UUID
    action: OperationAction
    status: OperationStatus
    per_second: int | None = None
    counted: int
    counted_or_more: bool = False
    done: int
    skipped: int
    failure: str | None = None
    created_at: datetime
    completed_at: datetime | None = None


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task that workers or programs have named."""

    name: str
    queue: str
    description: str | None = None
    schema: dict[str, Any] | None = None
    options: dict[str, Any] = {}


class TaskUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What executions of a task used: milliseconds of processor time, bytes of a child process at most."""

    job_type: str
    measured_executions: int
    avg_cpu_time: float
    max_cpu_time: float
    peak_memory_bytes: int | None = None


class TaskMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a task over some hours."""

    job_type: str
    usage: TaskUsage | None = None


class Incidents(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong in one incarnation of a worker."""

    leases_lost: int = 0
    stale_writes: int = 0
    loop_blocks: int = 0
    longest_loop_block_ms: int = 0


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """A worker: one incarnation of a process."""

    id: UUID
    project_id: UUID
    name: str
    worker_type: WorkerType
    status: WorkerStatus
    max_concurrent_jobs: int
    active_jobs: int
    queues: list[str] = []
    job_types: list[str] = []
    host: str = ""
    pid: int = 0
    version: str = ""
    capabilities: dict[str, Any] = {}
    incidents: Incidents = Incidents()
    drain_requested_at: datetime | None = None
    stopped_at: datetime | None = None
    last_heartbeat: datetime
    created_at: datetime
    updated_at: datetime


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
