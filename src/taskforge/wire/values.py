"""Messages of the link to the values that the inside works with, and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec import UNSET, Raw, structs

from taskforge.domain.bounds import check_job_type, check_seconds
from taskforge.domain.errors import InvalidPayload
from taskforge.domain.execution import LogLine
from taskforge.domain.ids import ExecutionId, JobId, QueueId
from taskforge.domain.job import ClaimedJob
from taskforge.domain.job_options import NO_OPTIONS, JobOptions, declared
from taskforge.domain.log_level import LogLevel
from taskforge.domain.names import check_name
from taskforge.domain.outcome import (
    Cancelled,
    ErrorReport,
    Failed,
    Lost,
    Outcome,
    Released,
    Report,
    Snoozed,
    Succeeded,
)
from taskforge.domain.worker import (
    Incidents,
    ProcessIdentity,
    Registration,
    TaskDescription,
)
from taskforge.ports.jobs import Beat, Fence
from taskforge.ports.link import Attempt, JobTrace
from taskforge.sdk.codec import MAX_METADATA_BYTES, decode, encode
from taskforge.sdk.tracing import is_trace
from taskforge.wire import link as wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from msgspec import UnsetType

    from taskforge.ports.jobs import FencedLine


def text_of(raw: Raw | UnsetType, where: str, limit: int | None = None) -> str | None:
    """The JSON text as we store it; None for null and for what was left out. Raises InvalidPayload."""
    data = b"null" if raw is UNSET else bytes(raw)
    if data == b"null":
        return None
    value = decode(data)
    return encode(value, where=where) if limit is None else encode(value, where=where, limit=limit)


def raw_or_unset(text: str | None) -> Raw | UnsetType:
    """A stored JSON text; what there is none of is left out."""
    return UNSET if text is None else Raw(text.encode())


def raw_of(text: str | None) -> Raw:
    """A stored JSON text, as it stands."""
    return wire.NULL if text is None else Raw(text.encode())


def process_body(process: ProcessIdentity) -> wire.Process:
    """A process, to be told."""
    return wire.Process(host=process.host, machine=process.machine, pid=process.pid, started=process.started)


def process_of(body: wire.Process) -> ProcessIdentity:
    """A process that was told."""
    return ProcessIdentity(_clean(body.host), _clean(body.machine), body.pid, _clean(body.started))


def register_request(registration: Registration, replaces: ProcessIdentity | None) -> wire.RegisterRequest:
    """A registration, to be sent."""
    return wire.RegisterRequest(
        name=registration.name,
        worker_type=registration.type,
        capabilities=dict(registration.capabilities),
        max_concurrent_jobs=registration.max_concurrent_jobs,
        queues=list(registration.queues),
        tasks=[
            wire.Task(
                name=task.name,
                queue=task.queue,
                schema=None if task.schema is None else dict(task.schema),
                description=None if task.description is None else task.description[:10_000],
                options=wire.TaskOptions(**said) if (said := declared(task.options)) else None,
            )
            for task in registration.tasks
        ],
        process=process_body(registration.process),
        version=registration.version,
        replaces=None if replaces is None else process_body(replaces),
    )


def registration_of(request: wire.RegisterRequest) -> Registration:
    """A registration that was received. Raises InvalidInput."""
    encode(request.capabilities, where="capabilities", limit=MAX_METADATA_BYTES)
    for task in request.tasks:
        encode(task.schema, where="schema")
    return Registration(
        name=check_name(request.name, "worker name"),
        type=request.worker_type,
        capabilities=request.capabilities,
        max_concurrent_jobs=request.max_concurrent_jobs,
        queues=request.queues,
        tasks=[
            TaskDescription(
                check_job_type(task.name),
                task.queue,
                task.schema,
                _clean_or_none(task.description),
                _options_of(task.options),
            )
            for task in request.tasks
        ],
        process=process_of(request.process),
        version=_clean(request.version),
    )


def _options_of(body: wire.TaskOptions | None) -> JobOptions:
    return NO_OPTIONS if body is None else JobOptions(**structs.asdict(body))


def attempt_body(attempt: Attempt) -> wire.AttemptBody:
    """A claimed job, to be sent."""
    job = attempt.job
    beat = attempt.heartbeat_timeout
    return wire.AttemptBody(
        job_id=job.id,
        claim_seq=job.claim_seq,
        execution_id=job.execution_id,
        queue_id=job.queue_id,
        priority=job.priority,
        attempt=job.attempt,
        max_attempts=attempt.max_attempts,
        losses=job.losses,
        timeout_ms=attempt.timeout * 1000,
        heartbeat_timeout_ms=None if beat is None else beat * 1000,
        claimed_at=job.claimed_at,
        timeout_at=job.deadline,
        queue_name=attempt.queue_name,
        job_type=job.job_type,
        concurrency_key=job.concurrency_key,
        slots=job.slots,
        trace=_trace_body(attempt.trace),
        state=raw_of(job.state),
        payload=raw_of(job.payload),
    )


def _trace_body(trace: JobTrace | None) -> wire.TraceBody | None:
    if trace is None:
        return None
    return wire.TraceBody(creation=trace.creation, previous=trace.previous, waited_ms=trace.waited_us / 1000)


def attempt_of(body: wire.AttemptBody) -> Attempt:
    """A claimed job that was received: what is decided on the server is left out of it."""
    job = ClaimedJob(
        id=JobId(body.job_id),
        queue_id=QueueId(body.queue_id),
        job_type=body.job_type,
        payload=bytes(body.payload).decode(),
        priority=body.priority,
        rank=0,
        attempt=body.attempt,
        max_attempts=body.max_attempts,
        manual_retries=0,
        retry_policy=None,
        timeout_ms=None,
        losses=body.losses,
        claim_seq=body.claim_seq,
        execution_id=ExecutionId(body.execution_id),
        deadline=body.timeout_at,
        state=None if bytes(body.state) == b"null" else bytes(body.state).decode(),
        claimed_at=body.claimed_at,
        concurrency_key=body.concurrency_key,
        slots=body.slots,
    )
    beat, trace = body.heartbeat_timeout_ms, body.trace
    return Attempt(
        job,
        body.timeout_ms / 1000,
        body.max_attempts,
        body.queue_name,
        None if beat is None else beat / 1000,
        None if trace is None else JobTrace(trace.creation, trace.previous, round(trace.waited_ms * 1000)),
    )


def report_body(report: Report, job: ClaimedJob) -> wire.ReportBody:
    """How an attempt ended, to be sent."""
    return wire.ReportBody(
        job_id=job.id,
        claim_seq=job.claim_seq,
        execution_id=job.execution_id,
        outcome=_outcome_body(report.outcome),
        wait_ms=report.wait_us / 1000,
        duration_ms=report.duration_us / 1000,
        lines=[_line_body(line) for line in report.lines],
        state=raw_or_unset(report.state),
        trace=report.trace,
    )


def report_of(body: wire.ReportBody, now: datetime) -> Report:
    """How an attempt ended, as it was received. Raises InvalidPayload."""
    return Report(
        body.execution_id,
        outcome_of(body.outcome),
        round(body.wait_ms * 1000),
        round(body.duration_ms * 1000),
        tuple(line_of(line, now) for line in body.lines),
        text_of(body.state, "state"),
        body.trace if is_trace(body.trace) else None,
    )


def outcome_of(body: wire.OutcomeBody) -> Outcome:
    """The outcome that was received. Raises InvalidInput."""
    match body:
        case wire.SucceededBody():
            return Succeeded(text_of(body.output, "output"))
        case wire.FailedBody():
            after = None if body.retry_after_ms is None else body.retry_after_ms / 1000
            if after is not None:
                check_seconds(after, "retry_after_ms", least=0.0)
            error = body.error
            report = ErrorReport(_clean(error.type), _clean(error.message), _clean_or_none(error.traceback))
            return Failed(report, after, body.final, body.timed_out)
        case wire.SnoozedBody():
            return Snoozed(check_seconds(body.delay_ms / 1000, "delay_ms", least=0.0))
        case wire.CancelledBody():
            return Cancelled(_clean(body.reason))
        case wire.ReleasedBody():
            return Released()


def _outcome_body(outcome: Outcome) -> wire.OutcomeBody:
    match outcome:
        case Succeeded():
            return wire.SucceededBody(output=raw_or_unset(outcome.output))
        case Failed():
            error, after = outcome.error, outcome.retry_after
            return wire.FailedBody(
                error=wire.ErrorBody(type=error.type[:200], message=error.message, traceback=error.traceback),
                retry_after_ms=None if after is None else after * 1000,
                final=outcome.final,
                timed_out=outcome.timed_out,
            )
        case Snoozed():
            return wire.SnoozedBody(delay_ms=outcome.seconds * 1000)
        case Cancelled():
            return wire.CancelledBody(reason=outcome.cause)
        case Released():
            return wire.ReleasedBody()
        case Lost():
            raise ValueError("no worker reports its own loss")


def _line_body(line: LogLine) -> wire.Line:
    return wire.Line(
        seq=line.seq,
        level=LogLevel(line.level),
        message=line.message,
        metadata=raw_or_unset(line.metadata),
        logged_at=line.logged_at,
    )


def line_of(body: wire.Line, now: datetime) -> LogLine:
    """A line that was received. Raises InvalidPayload."""
    metadata = text_of(body.metadata, "metadata", MAX_METADATA_BYTES)
    if metadata is not None and not metadata.startswith("{"):
        raise InvalidPayload("metadata must be a JSON object", field="metadata")
    logged_at = now if body.logged_at is None else body.logged_at.astimezone(UTC)
    return LogLine(body.seq, body.level.value, _clean(body.message), metadata, logged_at)


def log_request(lines: Sequence[FencedLine]) -> wire.LogRequest:
    """Lines, to be sent."""
    return wire.LogRequest(
        lines=[
            wire.FencedLine(
                job_id=job_id,
                claim_seq=claim_seq,
                execution_id=execution_id,
                seq=line.seq,
                level=LogLevel(line.level),
                message=line.message,
                metadata=raw_or_unset(line.metadata),
                logged_at=line.logged_at,
            )
            for job_id, claim_seq, execution_id, line in lines
        ]
    )


def progress_text(body: wire.Progress) -> str:
    """Progress as it is kept. Raises InvalidPayload."""
    return encode({"done": body.done, "total": body.total, "message": body.message}, where="progress")


def beat_body(beat: Beat) -> wire.BeatBody:
    """A sign of life, to be sent."""
    return wire.BeatBody(
        job_id=beat.job_id,
        claim_seq=beat.claim_seq,
        execution_id=beat.execution_id,
        started=beat.started,
        signed=beat.signed,
        progress=raw_or_unset(beat.progress),
        state=raw_or_unset(beat.state),
    )


def beat_of(body: wire.BeatBody) -> Beat:
    """A sign of life that was received. Raises InvalidPayload."""
    return Beat(
        body.job_id,
        body.claim_seq,
        body.execution_id,
        body.started,
        body.signed or body.progress is not UNSET,
        text_of(body.progress, "progress"),
        text_of(body.state, "state"),
    )


def incidents_of(body: wire.IncidentsBody | None) -> Incidents | None:
    """What went wrong, as it was received."""
    if body is None:
        return None
    return Incidents(
        body.leases_lost,
        body.stale_writes,
        body.loop_blocks,
        body.longest_loop_block_ms,
        _clean_or_none(body.loop_stack),
    )


def incidents_body(incidents: Incidents | None) -> wire.IncidentsBody | None:
    """What went wrong, to be sent."""
    if incidents is None:
        return None
    return wire.IncidentsBody(
        leases_lost=incidents.leases_lost,
        stale_writes=incidents.stale_writes,
        loop_blocks=incidents.loop_blocks,
        longest_loop_block_ms=incidents.longest_loop_block_ms,
        loop_stack=incidents.loop_stack,
    )


def fence_of(body: wire.Fence) -> Fence:
    """The fence of a message."""
    return Fence(body.job_id, body.claim_seq, body.execution_id)


def fence_body(job: ClaimedJob) -> wire.Fence:
    """The fence of a claimed job, to be sent."""
    return wire.Fence(job_id=job.id, claim_seq=job.claim_seq, execution_id=job.execution_id)


def fenced_line_of(body: wire.FencedLine, now: datetime) -> FencedLine:
    """A line with its fence, as it was received. Raises InvalidPayload."""
    return body.job_id, body.claim_seq, body.execution_id, line_of(body, now)


def _clean(text: str) -> str:
    """A text as a database can store it."""
    return text.replace("\x00", "\N{SYMBOL FOR NULL}")


def _clean_or_none(text: str | None) -> str | None:
    return None if text is None else _clean(text)
