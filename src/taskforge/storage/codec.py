"""Rows to values of the domain; JSON and time rules are here and nowhere else."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from taskforge.domain.assignment import Assignment
from taskforge.domain.attempt_policy import attempt_budget, attempt_timeout
from taskforge.domain.balancing import Plan
from taskforge.domain.errors import TaskforgeError
from taskforge.domain.execution import Execution, ExecutionStatus, Reason, StoredLogLine
from taskforge.domain.ids import ExecutionId
from taskforge.domain.job import Hold, Job, JobStatus
from taskforge.domain.job_options import NO_OPTIONS, JobOptions
from taskforge.domain.log_level import LogLevel
from taskforge.domain.pause import Pause, PauseKind
from taskforge.domain.queue import Queue, QueueSettings, QueueState
from taskforge.domain.requirements import Requirements, parse_requirements
from taskforge.domain.retry import RetryPolicy
from taskforge.domain.worker import Incidents, ProcessIdentity, TaskDescription, Worker, WorkerType

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from taskforge.storage.engine import Engine

_decode = msgspec.json.decode
_encode = msgspec.json.encode
NO_NEEDS = Requirements()
STATUSES = {status.value: status for status in JobStatus}


def to_json(value: Any) -> str:
    """Plain values as JSON text."""
    return _encode(value).decode()


def from_json(text: str | bytes | None) -> Any:
    """A stored JSON text, decoded; None stays None. A text that is no JSON is shown as it stands."""
    if text is None:
        return None
    try:
        return _decode(text)
    except msgspec.DecodeError:
        return text


def settings_of(text: str | None) -> QueueSettings:
    """A queue's settings. Corrupt ones (written by hand) are as good as not set; `doctor` reports them."""
    return _salvaged(text)[0]


def faults_of_settings(text: str | None) -> Sequence[str]:
    """What is wrong with stored settings."""
    return _salvaged(text)[1]


@lru_cache(maxsize=1000)
def _salvaged(text: str | None) -> tuple[QueueSettings, Sequence[str]]:
    """Kept by their text: a page of jobs has few queues."""
    try:
        values = _decode(text or "{}")
    except msgspec.DecodeError as error:
        return QueueSettings(), [f"settings are not JSON: {error}"]
    return QueueSettings.salvage(values)


def retry_policy_of(text: str | None) -> RetryPolicy | None:
    """The backoff that call or task gave a job."""
    if text is None:
        return None
    try:
        return RetryPolicy(**_decode(text))
    except (msgspec.DecodeError, TaskforgeError, TypeError):
        return None


def tags_of(text: str | None) -> tuple[str, ...]:
    """A job's tags; none where somebody wrote something else."""
    value = from_json(text)
    return tuple(tag for tag in value if isinstance(tag, str)) if isinstance(value, list) else ()


def queue_of(row: Any, engine: Engine) -> Queue:
    """A row of queues."""
    return Queue(
        id=engine.identity(row["id"]),
        project_id=engine.identity(row["project_id"]),
        name=row["name"],
        description=row["description"],
        priority=row["priority"],
        state=QueueState(row["state"]),
        settings=settings_of(row["settings"]),
        has_rule=bool(row["is_ruled"]),
        created_at=engine.moment(row["created_at"]),
        updated_at=engine.moment(row["updated_at"]),
        paused_at=engine.moment(row["paused_at"]),
        paused_by=row["paused_by"],
        pause_reason=row["pause_reason"],
        plan=None if row["plan"] is None else Plan.parse(from_json(row["plan"])),
    )


def assignment_of(row: Any, engine: Engine) -> Assignment:
    """A row of assignments with its queue's name."""
    return Assignment(
        id=engine.identity(row["id"]),
        project_id=engine.identity(row["project_id"]),
        queue_id=engine.identity(row["queue_id"]),
        queue_name=row["queue_name"],
        worker_name=row["worker_name"],
        weight=row["weight"],
        is_active=bool(row["is_active"]),
        created_at=engine.moment(row["created_at"]),
        updated_at=engine.moment(row["updated_at"]),
    )


def pause_of(row: Any, engine: Engine) -> Pause:
    """A row of pauses."""
    return Pause(
        id=engine.identity(row["id"]),
        project_id=engine.identity(row["project_id"]),
        kind=PauseKind(row["kind"]),
        value=row["value"],
        reason=row["reason"],
        by=row["paused_by"],
        created_at=engine.moment(row["created_at"]),
        applied_at=engine.moment(row["applied_at"]),
        removed_at=engine.moment(row["removed_at"]),
    )


def job_of(row: Any, engine: Engine) -> Job:
    """A row of jobs with its queue's name and settings."""
    moment, identity = engine.moment, engine.identity
    settings = settings_of(row["queue_settings"])
    claimed_at = moment(row["claimed_at"])
    status = STATUSES[row["status"]]
    timeout_at = None
    if status is JobStatus.PROCESSING:
        timeout_at = claimed_at + timedelta(seconds=attempt_timeout(settings, row["timeout_ms"]))
    needs = NO_NEEDS if row["needs"] is None else parse_requirements(row["needs"])
    return Job(
        id=identity(row["id"]),
        project_id=identity(row["project_id"]),
        queue_id=identity(row["queue_id"]),
        queue_name=row["queue_name"] or "",
        job_type=row["job_type"],
        payload=from_json(row["payload"]),
        status=status,
        hold=None if row["hold"] is None else Hold(row["hold"]),
        priority=row["priority"],
        max_attempts=attempt_budget(settings, row["max_attempts"]) * (1 + row["manual_retries"]),
        attempt_count=row["attempt_count"],
        losses=row["losses"],
        claim_seq=row["claim_seq"],
        execution_id=identity(row["execution_id"]),
        worker_id=identity(row["worker_id"]),
        claimed_at=claimed_at,
        started_at=moment(row["started_at"]),
        heartbeat_at=moment(row["heartbeat_at"]),
        lease_until=moment(row["lease_until"]),
        attempt_timeout_at=timeout_at,
        cancel_requested_at=moment(row["cancel_requested_at"]),
        scheduled_for=moment(row["scheduled_for"]),
        expires_at=moment(row["expires_at"]),
        timeout_at=moment(row["deadline"]),
        failure=row["failure"],
        tags=tags_of(row["tags"]),
        key=row["key"],
        concurrency_key=row["concurrency_key"],
        concurrency_limit=row["concurrency_limit"],
        fairness_key=row["fairness_key"] or None,
        fairness_weight=row["fairness_weight"] or 1,
        slots=row["slots"] or 1,
        rate_tokens=row["rate_tokens"] or 1,
        requires=needs.requires,
        prefers=needs.prefers,
        state=from_json(row["state"]),
        progress=from_json(row["progress"]),
        dead_letter_queue_id=identity(row["dead_letter_queue_id"]),
        dead_lettered_at=moment(row["dead_lettered_at"]),
        created_at=moment(row["created_at"]),
        updated_at=moment(row["updated_at"]),
        completed_at=moment(row["completed_at"]),
    )


def execution_of(row: Any, engine: Engine) -> Execution:
    """A row of executions: an ended attempt."""
    moment, identity = engine.moment, engine.identity
    return Execution(
        id=identity(row["id"]),
        job_id=identity(row["job_id"]),
        queue_id=identity(row["queue_id"]),
        job_type=row["job_type"],
        worker_id=identity(row["worker_id"]),
        status=ExecutionStatus(row["status"]),
        reason=None if row["reason"] is None else Reason(row["reason"]),
        attempt_number=row["attempt_number"],
        output=from_json(row["output"]),
        error_type=row["error_type"],
        error_message=row["error_message"],
        traceback=row["traceback"],
        claimed_at=moment(row["claimed_at"]),
        started_at=moment(row["started_at"]),
        finished_at=moment(row["finished_at"]),
        heartbeat_at=moment(row["heartbeat_at"]),
        timeout_at=None,
        duration_ms=None if row["duration_us"] is None else row["duration_us"] / 1000,
    )


def lines_of(rows: Iterable[Any], engine: Engine) -> list[StoredLogLine]:
    """Rows of log_lines. There are many of one execution after each other: its id is made once for them."""
    found: list[StoredLogLine] = []
    stored: Any = None
    execution_id: Any = None
    moment = engine.moment
    for row in rows:
        if row["execution_id"] != stored:
            stored = row["execution_id"]
            execution_id = ExecutionId(engine.identity(stored))
        found.append(
            StoredLogLine(
                execution_id,
                row["seq"],
                LogLevel(row["level"]),
                row["message"],
                from_json(row["metadata"]),
                moment(row["logged_at"]),
            )
        )
    return found


def process_of(row: Any) -> ProcessIdentity:
    """The process that a row of workers describes."""
    return ProcessIdentity(row["host"], row["machine"], row["pid"], row["process_started"])


def incidents_of(text: str | None) -> Incidents:
    """What went wrong in a worker; what another version told in another form is left out."""
    try:
        return Incidents(**_decode(text or "{}"))
    except (msgspec.DecodeError, TypeError):
        return Incidents()


def worker_of(row: Any, engine: Engine) -> Worker:
    """A row of workers with the number of jobs it runs."""
    moment = engine.moment
    return Worker(
        id=engine.identity(row["id"]),
        project_id=engine.identity(row["project_id"]),
        name=row["name"],
        type=WorkerType(row["type"]),
        capabilities=from_json(row["capabilities"]),
        max_concurrent_jobs=row["max_concurrent_jobs"],
        queues=tuple(from_json(row["queues"])),
        job_types=tuple(from_json(row["job_types"])),
        process=process_of(row),
        version=row["version"],
        active_jobs=row["active_jobs"],
        incidents=incidents_of(row["incidents"]),
        drain_requested_at=moment(row["drain_requested_at"]),
        stopped_at=moment(row["stopped_at"]),
        last_heartbeat=moment(row["last_heartbeat"]),
        created_at=moment(row["created_at"]),
        updated_at=moment(row["updated_at"]),
    )


def task_of(row: Any) -> TaskDescription:
    """A row of the catalogue."""
    options = NO_OPTIONS if row["options"] is None else JobOptions(**from_json(row["options"]))
    return TaskDescription(row["name"], row["queue"], from_json(row["schema"]), row["description"], options)
