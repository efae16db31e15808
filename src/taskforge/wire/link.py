"""The messages of a remote worker and its server. JSON; times are RFC 3339 in UTC, durations milliseconds.

Every write carries the fence of its execution: job id, claim_seq and execution id. Unknown fields are refused.
"""

from datetime import datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta, Raw

from taskforge.domain.bounds import (
    MAX_ATTEMPTS,
    MAX_DELAY_SECONDS,
    MAX_SLOTS,
    MAX_TAGS,
    MAX_TOKENS,
    MAX_WEIGHT,
)
from taskforge.domain.execution import MAX_LOG_MESSAGE
from taskforge.domain.keys import MAX_PLACES, MOST_NOTIFIED
from taskforge.domain.log_level import LogLevel
from taskforge.domain.worker import MAX_CONCURRENCY, WorkerType

MAX_REPORTS = 1000
MAX_LINES = 5000
MAX_WAIT_MS = 60_000
NULL = Raw(b"null")

Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=2**62)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=10**9)]
Milliseconds: TypeAlias = Annotated[float, Meta(ge=0, le=3_155_760_000_000)]
"""At most a hundred years."""
Seconds: TypeAlias = Annotated[float, Meta(ge=0, le=MAX_DELAY_SECONDS)]


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """What all requests are: exact."""


class Answer(msgspec.Struct):
    """What all answers are: a newer server may say more than this reader knows."""


class Process(Message, kw_only=True):
    """The process that a worker is, so that a restarted one of its machine can prove that it is gone."""

    host: Annotated[str, Meta(max_length=255)] = ""
    machine: Annotated[str, Meta(max_length=255)] = ""
    pid: Annotated[int, Meta(ge=0, le=2**31)] = 0
    started: Annotated[str, Meta(max_length=100)] = ""


class TaskOptions(Message, kw_only=True):
    """What holds for a task's jobs where whoever makes them says nothing else. Times are seconds."""

    priority: Annotated[int, Meta(ge=0, le=9)] | None = None
    max_attempts: Annotated[int, Meta(ge=1, le=MAX_ATTEMPTS)] | None = None
    timeout: Annotated[float, Meta(ge=0.001, le=MAX_DELAY_SECONDS)] | None = None
    expires: Seconds | None = None
    tags: Annotated[list[Name], Meta(max_length=MAX_TAGS)] | None = None
    key_period: Seconds | None = None
    concurrency_limit: Annotated[int, Meta(ge=1, le=MAX_PLACES)] | None = None
    fairness_weight: Annotated[int, Meta(ge=1, le=MAX_WEIGHT)] | None = None
    slots: Annotated[int, Meta(ge=1, le=MAX_SLOTS)] | None = None
    rate_tokens: Annotated[int, Meta(ge=1, le=MAX_TOKENS)] | None = None
    requires: dict[str, Any] | None = None
    prefers: dict[str, Any] | None = None
    notify: Annotated[list[Name], Meta(max_length=MOST_NOTIFIED)] | Name | None = None
    retry_base: Seconds | None = None
    retry_multiplier: Annotated[float, Meta(ge=1, le=1000)] | None = None
    retry_cap: Seconds | None = None
    retry_jitter: bool | None = None


class Task(Message, kw_only=True):
    """A task that the worker runs: its parameters' JSON schema and its docstring go into the catalogue."""

    name: Name
    queue: Name = "default"
    schema: dict[str, Any] | None = None
    description: Annotated[str, Meta(max_length=10_000)] | None = None
    options: TaskOptions | None = None


class RegisterRequest(Message, kw_only=True):
    """``replaces``: a process of that name which the caller knows to be dead."""

    name: Name
    worker_type: WorkerType = WorkerType.GENERAL
    capabilities: dict[str, Any] = msgspec.field(default_factory=dict)
    max_concurrent_jobs: Annotated[int, Meta(ge=1, le=MAX_CONCURRENCY)] = 1
    queues: Annotated[list[Name], Meta(min_length=1, max_length=1000)] = msgspec.field(
        default_factory=lambda: ["default"]
    )
    tasks: Annotated[list[Task], Meta(min_length=1, max_length=10_000)]
    process: Process = msgspec.field(default_factory=Process)
    version: Annotated[str, Meta(max_length=100)] = ""
    replaces: Process | None = None


class RegisterAnswer(Answer, kw_only=True):
    """``token`` is the credential of this incarnation, and of no other; it is told once."""

    worker_id: UUID
    token: str
    lease_ms: float
    heartbeat_interval_ms: float
    poll_interval_ms: float
    poll_without_hints_ms: float


class Fence(Message, kw_only=True):
    """The proof of a lease."""

    job_id: UUID
    claim_seq: Count
    execution_id: UUID


class ClaimRequest(Message, kw_only=True):
    """``free``: for how many slots. ``wait_ms``: how long to wait for a job. ``suspects``: how many of them (0 or 1) may have
    lost a worker.

    ``in_hand`` are all executions that this worker knows of; it is given after a claim whose answer was lost,
    and others that were handed to it go back. ``traced``: it wants to know which spans its jobs belong to.
    """

    free: Annotated[int, Meta(ge=1, le=MAX_CONCURRENCY)] = 1
    suspects: Annotated[int, Meta(ge=0, le=1)] = 1
    wait_ms: Annotated[int, Meta(ge=0, le=MAX_WAIT_MS)] = 0
    in_hand: Annotated[list[Fence], Meta(max_length=10 * MAX_CONCURRENCY)] | None = None
    traced: bool = False


class TraceBody(Answer, kw_only=True):
    """Spans (W3C traceparent, and tracestate behind a space): what made the job, and its attempt before this one."""

    creation: str | None
    previous: str | None
    waited_ms: float


class AttemptBody(Answer, kw_only=True):
    """One claimed job. It takes ``slots`` of the worker. ``payload`` stands last, so that a shell can cut it off."""

    job_id: UUID
    claim_seq: int
    execution_id: UUID
    queue_id: UUID
    priority: int
    attempt: int
    max_attempts: int
    losses: int
    timeout_ms: float
    heartbeat_timeout_ms: float | None
    claimed_at: datetime
    timeout_at: datetime | None
    queue_name: str
    job_type: str
    concurrency_key: str | None
    slots: int = 1
    trace: TraceBody | None = None
    state: Raw
    payload: Raw


class ClaimAnswer(Answer, kw_only=True):
    """``next_due_in_ms``: until a scheduled job of the worker's queues is due. ``wanted_slots``: so many have to be free
    for the next job; 0 when it does not lack slots. ``attempts`` stand last, for the same reason as their payloads.
    """

    now: datetime
    next_due_in_ms: float | None
    wanted_slots: int = 0
    attempts: list[AttemptBody]


class Line(Message, kw_only=True):
    """A line of an execution's log; ``seq`` orders the lines of one execution, and is sent once."""

    seq: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    level: LogLevel = LogLevel.INFO
    message: Annotated[str, Meta(min_length=1, max_length=MAX_LOG_MESSAGE)]
    metadata: Raw | msgspec.UnsetType = msgspec.UNSET
    logged_at: Annotated[datetime, Meta(tz=True)] | None = None


class FencedLine(Line, kw_only=True):
    """A line with its fence."""

    job_id: UUID
    claim_seq: Count
    execution_id: UUID


class LogRequest(Message, kw_only=True):
    """Lines of running executions."""

    lines: Annotated[list[FencedLine], Meta(max_length=MAX_LINES)]


class ErrorBody(Message, kw_only=True):
    """What went wrong in a handler; ``traceback`` may be any text for people."""

    type: Annotated[str, Meta(max_length=200)] = "Error"
    message: Annotated[str, Meta(max_length=MAX_LOG_MESSAGE)] = ""
    traceback: Annotated[str, Meta(max_length=65_536)] | None = None


class SucceededBody(Message, tag_field="status", tag="succeeded", kw_only=True):
    """The handler returned ``output``."""

    output: Raw | msgspec.UnsetType = msgspec.UNSET


class FailedBody(Message, tag_field="status", tag="failed", kw_only=True):
    """``retry_after_ms`` replaces the backoff; ``final`` allows no retry."""

    error: ErrorBody = msgspec.field(default_factory=ErrorBody)
    retry_after_ms: Milliseconds | None = None
    final: bool = False
    timed_out: bool = False


class SnoozedBody(Message, tag_field="status", tag="snoozed", kw_only=True):
    """To be run again after this time; no attempt is spent."""

    delay_ms: Milliseconds


class CancelledBody(Message, tag_field="status", tag="cancelled", kw_only=True):
    """The handler stopped on request, or cancels its job."""

    reason: Annotated[str, Meta(max_length=MAX_LOG_MESSAGE)] = ""


class ReleasedBody(Message, tag_field="status", tag="released", kw_only=True):
    """Handed back unfinished; no attempt is spent."""


OutcomeBody: TypeAlias = SucceededBody | FailedBody | SnoozedBody | CancelledBody | ReleasedBody


class ReportBody(Fence, kw_only=True):
    """How an attempt ended. ``state`` is its checkpoint, left out where it did not change;
    ``trace`` the span that the next attempt is linked to."""

    outcome: OutcomeBody
    wait_ms: Milliseconds = 0.0
    duration_ms: Milliseconds = 0.0
    lines: Annotated[list[Line], Meta(max_length=10 * MAX_LINES)] = msgspec.field(default_factory=list)
    state: Raw | msgspec.UnsetType = msgspec.UNSET
    trace: Annotated[str, Meta(max_length=600)] | None = None


class SettleRequest(Message, kw_only=True):
    """Ended attempts, in one batch."""

    reports: Annotated[list[ReportBody], Meta(max_length=MAX_REPORTS)]


class LostAnswer(Answer, kw_only=True):
    """Execution ids that were this worker's no longer: nothing changed there."""

    lost: list[UUID]


class BeatBody(Fence, kw_only=True):
    """A sign of life of one execution. ``signed``: its handler gave it. Texts left out have not changed."""

    started: bool = True
    signed: bool = False
    progress: Raw | msgspec.UnsetType = msgspec.UNSET
    state: Raw | msgspec.UnsetType = msgspec.UNSET


class IncidentsBody(Message, kw_only=True):
    """What went wrong in this incarnation since its start."""

    leases_lost: Count = 0
    stale_writes: Count = 0
    loop_blocks: Count = 0
    longest_loop_block_ms: Count = 0
    loop_stack: Annotated[str, Meta(max_length=65_536)] | None = None


class TaskUsageBody(Message, kw_only=True):
    """What the measured executions of a job type of a queue have used that ended since the last sample.

    Microseconds of processor time, together and at most, and the most bytes that one of them occupied.
    """

    queue_id: UUID
    job_type: Name
    executions: Count
    cpu_us: Count
    most_cpu_us: Count
    peak_memory_bytes: Count | None = None


class UsageBody(Message, kw_only=True):
    """What the worker and the processes that it started have used. 100 per cent are one processor, or all memory."""

    cpu_percent: Share
    memory_bytes: Count
    memory_percent: Share
    tasks: Annotated[list[TaskUsageBody], Meta(max_length=10 * MAX_CONCURRENCY)] = msgspec.field(
        default_factory=list
    )


class HeartbeatRequest(Message, kw_only=True):
    """A sign of life of the worker and of what it has in hand."""

    executions: Annotated[list[BeatBody], Meta(max_length=10 * MAX_CONCURRENCY)] = msgspec.field(
        default_factory=list
    )
    incidents: IncidentsBody | None = None
    usage: UsageBody | None = None


class HeartbeatAnswer(Answer, kw_only=True):
    """The commands: executions to cancel, executions to give up, whether to drain, and how many jobs to run at once."""

    cancel: list[UUID]
    lost: list[UUID]
    drain: bool
    max_concurrent_jobs: int | None = None


class LeaveRequest(Message, kw_only=True):
    """Good-bye. ``in_hand`` as with a claim: everything else that was handed out goes back."""

    in_hand: Annotated[list[Fence], Meta(max_length=10 * MAX_CONCURRENCY)] | None = None


class Lease(Message, kw_only=True):
    """The fence of the execution that the path names."""

    job_id: UUID
    claim_seq: Count


class Complete(Lease, kw_only=True):
    """The handler of one execution returned."""

    output: Raw | msgspec.UnsetType = msgspec.UNSET


class Fail(Lease, kw_only=True):
    """The handler of one execution failed; ``retry_after_ms`` replaces the backoff, ``final`` allows no retry."""

    error: ErrorBody = msgspec.field(default_factory=ErrorBody)
    retry_after_ms: Milliseconds | None = None
    final: bool = False


class Snooze(Lease, kw_only=True):
    """One execution is to be run again after this time."""

    delay_ms: Milliseconds


class Cancel(Lease, kw_only=True):
    """The handler of one execution stopped on request, or cancels its job."""

    reason: Annotated[str, Meta(max_length=MAX_LOG_MESSAGE)] = ""


class Progress(Lease, kw_only=True):
    """How far the handler of one execution is; a sign of life too."""

    done: Annotated[float, Meta(ge=0)]
    total: Annotated[float, Meta(ge=0)] | None = None
    message: Annotated[str, Meta(max_length=1000)] = ""


class LogLine(Lease, kw_only=True):
    """A line of one execution's log; ``seq`` orders them, and one that was sent before changes nothing."""

    seq: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    level: LogLevel = LogLevel.INFO
    message: Annotated[str, Meta(min_length=1, max_length=MAX_LOG_MESSAGE)]
    metadata: Raw | msgspec.UnsetType = msgspec.UNSET


class ExecutionCommands(Answer, kw_only=True):
    """Whether the execution is to be cancelled, and whether its worker is to leave."""

    cancel: bool
    drain: bool
