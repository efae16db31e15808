"""Executions and their log lines in bodies."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from taskforge.domain.access import Permission, Principal
from taskforge.domain.execution import Execution, ExecutionStatus, Reason, StoredLogLine
from taskforge.domain.log_level import LogLevel
from taskforge.domain.redaction import Redaction
from taskforge.domain.stats import ExecutionStats


@dataclass(frozen=True, slots=True)
class ExecutionView:
    """One attempt at a job. `output` and `error_message` are null for callers that may not read payloads,
    `traceback` for those that may not read errors. `duration_ms` is null while it runs."""

    id: UUID
    job_id: UUID
    queue_id: UUID
    job_type: str
    worker_id: UUID | None
    status: ExecutionStatus
    reason: Reason | None
    attempt_number: int
    output: Any
    error_type: str | None
    error_message: str | None
    traceback: str | None
    started_at: datetime | None
    finished_at: datetime | None
    heartbeat_at: datetime | None
    timeout_at: datetime | None
    duration_ms: float | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ExecutionStatsView:
    """The attempts at a job. Durations are over the succeeded ones."""

    job_id: UUID
    total_executions: int
    succeeded_count: int
    failed_count: int
    avg_duration_ms: float | None
    min_duration_ms: float | None
    max_duration_ms: float | None


@dataclass(frozen=True, slots=True)
class LogLineView:
    """One line of an execution's log; `id` orders the lines of a job, and is where a list or a tail goes on."""

    id: str
    execution_id: UUID
    seq: int
    level: LogLevel
    message: str
    metadata: Any
    logged_at: datetime


def view_of(execution: Execution, principal: Principal, hidden: Redaction) -> ExecutionView:
    """An attempt as this caller may see it; ``hidden`` is what of its job is not shown to them."""
    may_see = principal.may(Permission.PAYLOAD_READ)
    return ExecutionView(
        id=execution.id,
        job_id=execution.job_id,
        queue_id=execution.queue_id,
        job_type=execution.job_type,
        worker_id=execution.worker_id,
        status=execution.status,
        reason=execution.reason,
        attempt_number=execution.attempt_number,
        output=hidden.value(execution.output) if may_see else None,
        error_type=execution.error_type,
        error_message=hidden.text(execution.error_message) if may_see else None,
        traceback=hidden.text(execution.traceback) if principal.may(Permission.ERROR_READ) else None,
        started_at=execution.started_at,
        finished_at=execution.finished_at,
        heartbeat_at=execution.heartbeat_at,
        timeout_at=execution.timeout_at,
        duration_ms=execution.duration_ms,
        created_at=execution.claimed_at,
        updated_at=execution.finished_at or execution.heartbeat_at or execution.claimed_at,
    )


def stats_view_of(stats: ExecutionStats) -> ExecutionStatsView:
    """Counts and durations as they are shown."""
    return ExecutionStatsView(
        stats.job_id,
        stats.total_executions,
        stats.succeeded_count,
        stats.failed_count,
        stats.avg_duration_ms,
        stats.min_duration_ms,
        stats.max_duration_ms,
    )


def lines_view_of(lines: Iterable[StoredLogLine], hidden: Redaction) -> list[LogLineView]:
    """Log lines, without what of their job is hidden from the caller. There may be very many."""
    found: list[LogLineView] = []
    execution_id, prefix = None, ""
    for line in lines:
        if line.execution_id is not execution_id:
            execution_id, prefix = line.execution_id, f"{line.execution_id}."
        found.append(
            LogLineView(
                prefix + str(line.seq),
                line.execution_id,
                line.seq,
                line.level,
                hidden.text(line.message) or "",
                hidden.value(line.metadata),
                line.logged_at,
            )
        )
    return found
