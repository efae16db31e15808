"""The state machine: what may follow what, and what each end of an attempt means for the job."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.attempt_policy import AttemptPolicy
from taskforge.domain.errors import IllegalTransition
from taskforge.domain.execution import ExecutionStatus, Reason
from taskforge.domain.job import MAX_LOSSES, Hold, JobStatus
from taskforge.domain.lifecycle import ORDERS, TRANSITIONS, JobEvent, Transition, decide, next_status
from taskforge.domain.log_level import LogLevel
from taskforge.domain.outcome import Cancelled, ErrorReport, Failed, Lost, Released, Snoozed, Succeeded
from taskforge.domain.retry import RetryPolicy

if TYPE_CHECKING:
    from taskforge.domain.outcome import Outcome

DEAD_LETTERS = UUID(int=7)
BOOM = ErrorReport("ValueError", "boom", "the traceback")

# written out once more, from reliability.md section 5 as engine.md corrects it
LEGAL = {
    ("scheduled", "promote", "pending"),
    ("scheduled", "cancel", "cancelled"),
    ("scheduled", "expire", "failed"),
    ("pending", "claim", "processing"),
    ("pending", "cancel", "cancelled"),
    ("pending", "expire", "failed"),
    ("pending", "drop", "failed"),
    ("processing", "succeed", "succeeded"),
    ("processing", "retry", "scheduled"),
    ("processing", "snooze", "scheduled"),
    ("processing", "release", "pending"),
    ("processing", "lose", "pending"),
    ("processing", "fail", "failed"),
    ("processing", "cancel", "cancelled"),
    ("processing", "request_cancel", "processing"),
    ("failed", "retry_by_hand", "pending"),
    ("cancelled", "retry_by_hand", "pending"),
    ("pending", "reschedule", "scheduled"),
    ("scheduled", "reschedule", "scheduled"),
}


def policy(
    max_attempts: int = 3, *, retry: RetryPolicy | None = None, dead_letters: UUID | None = None
) -> AttemptPolicy:
    return AttemptPolicy(max_attempts, 600.0, retry or RetryPolicy(jitter=False), dead_letters)


def decided(
    outcome: Outcome, chosen: AttemptPolicy | None = None, *, attempt: int = 1, losses: int = 0
) -> Transition:
    return decide(outcome, chosen or policy(), attempt=attempt, losses=losses, random=lambda: 0.5)


def test_the_table_is_the_specified_one() -> None:
    assert {(a.value, event.value, b.value) for (a, event), b in TRANSITIONS.items()} == LEGAL


@pytest.mark.parametrize("status", JobStatus)
@pytest.mark.parametrize("event", JobEvent)
def test_every_pair_is_either_legal_or_refused_by_name(status: JobStatus, event: JobEvent) -> None:
    followers = [b for a, e, b in LEGAL if (a, e) == (status.value, event.value)]
    if followers:
        assert next_status(status, event).value == followers[0]
        return
    with pytest.raises(IllegalTransition) as refusal:
        next_status(status, event)
    assert status.value in refusal.value.message
    assert ORDERS.get(event, event.value) in refusal.value.message
    possible = {a for a, e, _ in LEGAL if e == event.value}
    assert refusal.value.hint is not None
    assert all(name in refusal.value.hint for name in possible)
    assert refusal.value.code == "invalid_transition"


@given(st.lists(st.sampled_from(list(JobEvent)), max_size=60), st.sampled_from(["pending", "scheduled"]))
def test_a_walk_never_leaves_the_table_and_only_a_person_leaves_an_end(
    events: list[JobEvent], first: str
) -> None:
    status = JobStatus(first)
    for event in events:
        before = status
        try:
            status = next_status(status, event)
        except IllegalTransition:
            assert (before, event) not in TRANSITIONS
            continue
        if before.is_finished:
            assert event is JobEvent.RETRY_BY_HAND
            assert status is JobStatus.PENDING
        if status is JobStatus.PROCESSING:
            assert event in (JobEvent.CLAIM, JobEvent.REQUEST_CANCEL)
        if before is JobStatus.SUCCEEDED:
            pytest.fail("nothing leaves succeeded")


def test_every_status_is_reachable_and_every_status_can_end() -> None:
    reached = {JobStatus.PENDING, JobStatus.SCHEDULED}
    while more := {b for (a, _), b in TRANSITIONS.items() if a in reached} - reached:
        reached |= more
    assert reached == set(JobStatus)
    ending = {status for status in JobStatus if status.is_finished}
    while more := {a for (a, _), b in TRANSITIONS.items() if b in ending} - ending:
        ending |= more
    assert ending == set(JobStatus)


def test_success() -> None:
    transition = decided(Succeeded('{"a":1}'))
    assert transition == Transition(
        JobEvent.SUCCEED, JobStatus.SUCCEEDED, ExecutionStatus.SUCCEEDED, output='{"a":1}'
    )


def test_a_failure_with_attempts_left_is_scheduled_again() -> None:
    transition = decided(Failed(BOOM), attempt=2)
    assert transition.event is JobEvent.RETRY
    assert transition.status is JobStatus.SCHEDULED
    assert transition.execution_status is ExecutionStatus.RETRY_SCHEDULED
    assert transition.reason is Reason.ERROR
    assert transition.delay_us == 2_000_000
    assert (transition.attempts, transition.losses, transition.hold) == (0, 0, None)
    assert (transition.error_type, transition.error_message, transition.traceback) == (
        "ValueError",
        "boom",
        "the traceback",
    )
    assert transition.line_level is LogLevel.WARN
    assert transition.line == ("attempt 2 of 3 failed: ValueError: boom; attempt 3 follows in 2.0 s")


def test_retry_after_replaces_the_backoff() -> None:
    assert decided(Failed(BOOM, retry_after=0.25)).delay_us == 250_000
    assert decided(Failed(BOOM, retry_after=0.0)).delay_us == 0


@pytest.mark.parametrize(
    ("outcome", "attempt"), [(Failed(BOOM), 3), (Failed(BOOM), 4), (Failed(BOOM, final=True), 1)]
)
def test_a_failure_without_attempts_left_buries(outcome: Failed, attempt: int) -> None:
    transition = decided(outcome, attempt=attempt)
    assert transition.event is JobEvent.FAIL
    assert transition.status is JobStatus.FAILED
    assert transition.execution_status is ExecutionStatus.FAILED
    assert transition.dead_letter_queue_id is None
    assert transition.delay_us is None
    assert transition.line_level is LogLevel.ERROR


def test_retry_after_does_not_outlive_the_budget() -> None:
    assert decided(Failed(BOOM, retry_after=1.0), attempt=3).status is JobStatus.FAILED


def test_with_a_dead_letter_queue_the_last_execution_is_a_dead_letter() -> None:
    transition = decided(Failed(BOOM), policy(dead_letters=DEAD_LETTERS), attempt=3)
    assert transition.status is JobStatus.FAILED
    assert transition.execution_status is ExecutionStatus.DEAD_LETTER
    assert transition.dead_letter_queue_id == DEAD_LETTERS
    assert decided(Failed(BOOM), policy(dead_letters=DEAD_LETTERS), attempt=2).dead_letter_queue_id is None


def test_a_timeout_is_a_failed_attempt_and_is_retried() -> None:
    transition = decided(Failed(BOOM, timed_out=True))
    assert transition.status is JobStatus.SCHEDULED
    assert transition.reason is Reason.TIMEOUT
    assert decided(Failed(BOOM, timed_out=True), attempt=3).reason is Reason.TIMEOUT


def test_a_snooze_gives_its_attempt_back_and_is_no_failure() -> None:
    transition = decided(Snoozed(1.5), attempt=3)
    assert transition.event is JobEvent.SNOOZE
    assert transition.status is JobStatus.SCHEDULED
    assert transition.execution_status is ExecutionStatus.CANCELLED
    assert transition.reason is Reason.SNOOZED
    assert transition.attempts == -1
    assert transition.delay_us == 1_500_000


def test_a_release_gives_its_attempt_back_and_keeps_the_due_time() -> None:
    transition = decided(Released(), attempt=3)
    assert transition.status is JobStatus.PENDING
    assert transition.execution_status is ExecutionStatus.CANCELLED
    assert transition.reason is Reason.RELEASED
    assert (transition.attempts, transition.losses, transition.delay_us) == (-1, 0, None)


def test_a_cancel_tells_its_cause() -> None:
    transition = decided(Cancelled("requested"))
    assert transition.status is JobStatus.CANCELLED
    assert transition.execution_status is ExecutionStatus.CANCELLED
    assert transition.reason is Reason.CANCELLED
    assert transition.error_message == "requested"
    assert transition.attempts == 0


def test_a_loss_spends_a_loss_and_no_attempt() -> None:
    transition = decided(Lost(blamed=True), attempt=3, losses=0)
    assert transition.event is JobEvent.LOSE
    assert transition.status is JobStatus.PENDING
    assert transition.execution_status is ExecutionStatus.FAILED
    assert transition.reason is Reason.WORKER_LOST
    assert (transition.attempts, transition.losses) == (-1, 1)
    assert transition.hold is Hold.SUSPECT
    assert transition.delay_us is None


def test_an_innocent_neighbour_loses_nothing() -> None:
    transition = decided(Lost(blamed=False), losses=0)
    assert (transition.attempts, transition.losses, transition.hold) == (-1, 0, None)
    assert transition.status is JobStatus.PENDING


@pytest.mark.parametrize("dead_letters", [None, DEAD_LETTERS])
def test_the_third_loss_buries_whatever_attempts_are_left(dead_letters: UUID | None) -> None:
    transition = decided(
        Lost(blamed=True), policy(100, dead_letters=dead_letters), attempt=1, losses=MAX_LOSSES - 1
    )
    assert transition.status is JobStatus.FAILED
    assert transition.reason is Reason.WORKER_LOST
    assert (transition.attempts, transition.losses) == (-1, 1)
    assert transition.dead_letter_queue_id == dead_letters
    assert transition.error_type == "WorkerLost"


def test_a_lost_job_that_was_to_be_cancelled_is_cancelled() -> None:
    transition = decided(Lost(blamed=True, cancel_requested=True), losses=2)
    assert transition.status is JobStatus.CANCELLED
    assert transition.reason is Reason.WORKER_LOST
    assert (transition.attempts, transition.losses) == (-1, 0)


@pytest.mark.parametrize("outcome", [Failed(BOOM), Snoozed(1.0), Released()])
def test_a_job_that_has_lost_a_worker_stays_a_suspect_until_it_ends(outcome: Outcome) -> None:
    """A worker runs at most one job with losses at a time, also after an attempt that ended otherwise."""
    assert decided(outcome, losses=1).hold is Hold.SUSPECT
    assert decided(outcome, losses=0).hold is None


OUTCOMES = st.one_of(
    st.builds(Succeeded, st.none() | st.just("1")),
    st.builds(
        Failed,
        st.just(BOOM),
        retry_after=st.none() | st.floats(0, 1e6),
        final=st.booleans(),
        timed_out=st.booleans(),
    ),
    st.builds(Snoozed, st.floats(0, 1e6)),
    st.builds(Cancelled, st.just("why")),
    st.builds(Released),
    st.builds(Lost, blamed=st.booleans(), cancel_requested=st.booleans()),
)


@given(
    outcomes=st.lists(OUTCOMES, max_size=40),
    max_attempts=st.integers(1, 5),
    dead_letters=st.none() | st.just(DEAD_LETTERS),
    random=st.floats(0, 1, exclude_max=True),
)
def test_any_sequence_of_ends_keeps_the_counters_and_the_table(
    outcomes: list[Outcome], max_attempts: int, dead_letters: UUID | None, random: float
) -> None:
    chosen = policy(max_attempts, retry=RetryPolicy(), dead_letters=dead_letters)
    status, attempts, losses = JobStatus.PENDING, 0, 0
    for outcome in outcomes:
        if status is JobStatus.SCHEDULED:
            status = next_status(status, JobEvent.PROMOTE)
        if status.is_finished:
            break
        status = next_status(status, JobEvent.CLAIM)
        attempts += 1
        transition = decide(outcome, chosen, attempt=attempts, losses=losses, random=lambda: random)
        assert transition.status is next_status(JobStatus.PROCESSING, transition.event)
        assert transition.execution_status not in ("queued", "started", "running")
        assert (transition.execution_status is ExecutionStatus.SUCCEEDED) == (transition.reason is None)
        assert (transition.line is None) == (transition.line_level is None)
        assert (transition.status is JobStatus.SCHEDULED) == (transition.delay_us is not None)
        assert transition.delay_us is None or transition.delay_us >= 0
        assert transition.hold is None or not transition.status.is_finished
        assert transition.dead_letter_queue_id is None or transition.status is JobStatus.FAILED
        status = transition.status
        attempts += transition.attempts
        losses += transition.losses
        assert 0 <= attempts <= max_attempts
        assert 0 <= losses <= MAX_LOSSES
        assert (losses == MAX_LOSSES) <= status.is_finished
