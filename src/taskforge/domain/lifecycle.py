"""THE state machine. Nothing else decides a status; storage applies what is decided here, guarded.

``TRANSITIONS`` is the whole truth about which status may follow which; `docs/lifecycle.md` is drawn
from it. ``decide`` turns the end of an attempt into one Transition.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, assert_never

from taskforge.domain.errors import IllegalTransition
from taskforge.domain.execution import ExecutionStatus, Reason
from taskforge.domain.job import MAX_LOSSES, Hold, JobStatus
from taskforge.domain.log_level import LogLevel
from taskforge.domain.outcome import Cancelled, Failed, Lost, Outcome, Released, Snoozed, Succeeded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    from taskforge.domain.attempt_policy import AttemptPolicy


class JobEvent(StrEnum):
    """What can happen to a job."""

    PROMOTE = "promote"
    CLAIM = "claim"
    SUCCEED = "succeed"
    RETRY = "retry"
    SNOOZE = "snooze"
    RELEASE = "release"
    LOSE = "lose"
    FAIL = "fail"
    CANCEL = "cancel"
    REQUEST_CANCEL = "request_cancel"
    EXPIRE = "expire"
    DROP = "drop"
    RETRY_BY_HAND = "retry_by_hand"
    RESCHEDULE = "reschedule"


ORDERS: Mapping[JobEvent, str] = {
    JobEvent.CANCEL: "be cancelled",
    JobEvent.REQUEST_CANCEL: "be cancelled",
    JobEvent.RETRY_BY_HAND: "be retried",
    JobEvent.RESCHEDULE: "be rescheduled",
}
"""What people order, in the words that refuse it."""

TRANSITIONS: Mapping[tuple[JobStatus, JobEvent], JobStatus] = {
    (JobStatus.SCHEDULED, JobEvent.PROMOTE): JobStatus.PENDING,
    (JobStatus.SCHEDULED, JobEvent.CANCEL): JobStatus.CANCELLED,
    (JobStatus.SCHEDULED, JobEvent.EXPIRE): JobStatus.FAILED,
    (JobStatus.PENDING, JobEvent.CLAIM): JobStatus.PROCESSING,
    (JobStatus.PENDING, JobEvent.CANCEL): JobStatus.CANCELLED,
    (JobStatus.PENDING, JobEvent.EXPIRE): JobStatus.FAILED,
    (JobStatus.PENDING, JobEvent.DROP): JobStatus.FAILED,
    (JobStatus.PROCESSING, JobEvent.SUCCEED): JobStatus.SUCCEEDED,
    (JobStatus.PROCESSING, JobEvent.RETRY): JobStatus.SCHEDULED,
    (JobStatus.PROCESSING, JobEvent.SNOOZE): JobStatus.SCHEDULED,
    (JobStatus.PROCESSING, JobEvent.RELEASE): JobStatus.PENDING,
    (JobStatus.PROCESSING, JobEvent.LOSE): JobStatus.PENDING,
    (JobStatus.PROCESSING, JobEvent.FAIL): JobStatus.FAILED,
    (JobStatus.PROCESSING, JobEvent.CANCEL): JobStatus.CANCELLED,
    (JobStatus.PROCESSING, JobEvent.REQUEST_CANCEL): JobStatus.PROCESSING,
    (JobStatus.FAILED, JobEvent.RETRY_BY_HAND): JobStatus.PENDING,
    (JobStatus.CANCELLED, JobEvent.RETRY_BY_HAND): JobStatus.PENDING,
    (JobStatus.PENDING, JobEvent.RESCHEDULE): JobStatus.SCHEDULED,
    (JobStatus.SCHEDULED, JobEvent.RESCHEDULE): JobStatus.SCHEDULED,
}


def next_status(status: JobStatus, event: JobEvent) -> JobStatus:
    """The status that follows. Raises IllegalTransition, naming both, when none does."""
    follower = TRANSITIONS.get((status, event))
    if follower is None:
        possible = sorted(known.value for known, what in TRANSITIONS if what is event)
        raise IllegalTransition(
            f"a job that is {status.value} cannot {ORDERS.get(event, event.value)}",
            hint=f"only one that is {' or '.join(possible)} can",
        )
    return follower


class Transition(NamedTuple):
    """One decided end of an attempt; storage applies it where status, claim_seq and execution_id still hold.

    ``delay_us`` puts the next due time that far after now; None keeps the due time. Both ``attempts``
    and ``losses`` are added to the job's counters. ``line_level`` and ``line`` go to the execution's log.
    """

    event: JobEvent
    status: JobStatus
    execution_status: ExecutionStatus
    reason: Reason | None = None
    delay_us: int | None = None
    attempts: int = 0
    losses: int = 0
    hold: Hold | None = None
    dead_letter_queue_id: UUID | None = None
    output: str | None = None
    error_type: str | None = None
    error_message: str | None = None
    traceback: str | None = None
    line_level: LogLevel | None = None
    line: str | None = None


WITHOUT_RESULT = Transition(JobEvent.SUCCEED, JobStatus.SUCCEEDED, ExecutionStatus.SUCCEEDED)
"""What most attempts come to."""


def decide(
    outcome: Outcome,
    policy: AttemptPolicy,
    *,
    attempt: int,
    losses: int,
    random: Callable[[], float],
) -> Transition:
    """What the end of the ``attempt``-th attempt (1 for the first) of a processing job means for it."""
    match outcome:
        case Succeeded(None):
            return WITHOUT_RESULT
        case Succeeded(output):
            return Transition(
                JobEvent.SUCCEED,
                JobStatus.SUCCEEDED,
                ExecutionStatus.SUCCEEDED,
                output=output,
            )
        case Failed():
            return _after_failure(outcome, policy, attempt, losses, random)
        case Snoozed(seconds):
            return _transition(
                JobEvent.SNOOZE,
                ExecutionStatus.CANCELLED,
                Reason.SNOOZED,
                delay_us=_microseconds(seconds),
                attempts=-1,
                hold=_suspicion(losses),
            )
        case Cancelled(cause):
            return _transition(
                JobEvent.CANCEL,
                ExecutionStatus.CANCELLED,
                Reason.CANCELLED,
                error_message=cause,
                line_level=LogLevel.WARN,
                line=f"cancelled: {cause}",
            )
        case Released():
            return _transition(
                JobEvent.RELEASE,
                ExecutionStatus.CANCELLED,
                Reason.RELEASED,
                attempts=-1,
                hold=_suspicion(losses),
            )
        case Lost():
            return _after_loss(outcome, policy, losses)
        case _:
            assert_never(outcome)


def _after_failure(
    outcome: Failed, policy: AttemptPolicy, attempt: int, losses: int, random: Callable[[], float]
) -> Transition:
    error = outcome.error
    reason = Reason.TIMEOUT if outcome.timed_out else Reason.ERROR
    what = f"attempt {attempt} of {policy.max_attempts} failed: {error.type}: {error.message}"
    if outcome.final or attempt >= policy.max_attempts:
        return _buried(
            policy,
            reason,
            line=what,
            error_type=error.type,
            error_message=error.message,
            traceback=error.traceback,
        )
    seconds = policy.retry.delay(attempt, random) if outcome.retry_after is None else outcome.retry_after
    return _transition(
        JobEvent.RETRY,
        ExecutionStatus.RETRY_SCHEDULED,
        reason,
        delay_us=_microseconds(seconds),
        hold=_suspicion(losses),
        error_type=error.type,
        error_message=error.message,
        traceback=error.traceback,
        line_level=LogLevel.WARN,
        line=f"{what}; attempt {attempt + 1} follows in {seconds:.1f} s",
    )


def _after_loss(outcome: Lost, policy: AttemptPolicy, losses: int) -> Transition:
    if outcome.cancel_requested:
        return _transition(
            JobEvent.CANCEL,
            ExecutionStatus.CANCELLED,
            Reason.WORKER_LOST,
            attempts=-1,
            line_level=LogLevel.WARN,
            line="cancelled: the worker was lost after the request",
        )
    added = 1 if outcome.blamed else 0
    message = f"worker lost while running this job ({losses + added} of {MAX_LOSSES} losses)"
    if losses + added >= MAX_LOSSES:
        return _buried(
            policy,
            Reason.WORKER_LOST,
            line=message,
            attempts=-1,
            losses=added,
            error_type="WorkerLost",
            error_message=message,
        )
    return _transition(
        JobEvent.LOSE,
        ExecutionStatus.FAILED,
        Reason.WORKER_LOST,
        attempts=-1,
        losses=added,
        hold=_suspicion(losses + added),
        error_type="WorkerLost",
        error_message=message,
        line_level=LogLevel.WARN,
        line=message,
    )


def _buried(
    policy: AttemptPolicy,
    reason: Reason,
    *,
    line: str,
    attempts: int = 0,
    losses: int = 0,
    error_type: str,
    error_message: str,
    traceback: str | None = None,
) -> Transition:
    dead_letter = policy.dead_letter_queue_id
    return _transition(
        JobEvent.FAIL,
        ExecutionStatus.FAILED if dead_letter is None else ExecutionStatus.DEAD_LETTER,
        reason,
        attempts=attempts,
        losses=losses,
        dead_letter_queue_id=dead_letter,
        error_type=error_type,
        error_message=error_message,
        traceback=traceback,
        line_level=LogLevel.ERROR,
        line=f"{line}; no attempt is left",
    )


def _transition(
    event: JobEvent,
    execution_status: ExecutionStatus,
    reason: Reason,
    *,
    delay_us: int | None = None,
    attempts: int = 0,
    losses: int = 0,
    hold: Hold | None = None,
    dead_letter_queue_id: UUID | None = None,
    error_type: str | None = None,
    error_message: str | None = None,
    traceback: str | None = None,
    line_level: LogLevel | None = None,
    line: str | None = None,
) -> Transition:
    return Transition(
        event,
        next_status(JobStatus.PROCESSING, event),
        execution_status,
        reason,
        delay_us=delay_us,
        attempts=attempts,
        losses=losses,
        hold=hold,
        dead_letter_queue_id=dead_letter_queue_id,
        error_type=error_type,
        error_message=error_message,
        traceback=traceback,
        line_level=line_level,
        line=line,
    )


def _suspicion(losses: int) -> Hold | None:
    """A job that has lost a worker stays a suspect until it ends: a worker runs one such job at a time."""
    return Hold.SUSPECT if losses else None


def _microseconds(seconds: float) -> int:
    return max(0, round(seconds * 1_000_000))
