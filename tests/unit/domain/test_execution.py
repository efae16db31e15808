"""Log messages as they may be stored, and the attempt that a running job's row shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.execution import (
    CUT_MARK,
    MAX_LOG_MESSAGE,
    ExecutionStatus,
    clean_message,
    live_execution,
)
from taskforge.domain.ids import ExecutionId, JobId, ProjectId, QueueId, WorkerId
from taskforge.domain.job import Job, JobStatus

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_a_message_is_kept_as_it_is() -> None:
    assert clean_message("hello\nworld ") == "hello\nworld "
    assert clean_message("x" * MAX_LOG_MESSAGE) == "x" * MAX_LOG_MESSAGE


def test_one_that_is_too_long_is_cut_and_marked() -> None:
    cut = clean_message("x" * (MAX_LOG_MESSAGE + 1))
    assert cut is not None
    assert len(cut) == MAX_LOG_MESSAGE
    assert cut.endswith(CUT_MARK)


def test_an_empty_one_is_dropped() -> None:
    assert clean_message("") is None
    assert clean_message(" \n\t ") is None


@given(st.text(st.characters(), max_size=50) | st.text("\x00\ud800\udfff a", max_size=9))
def test_what_is_left_can_be_stored_anywhere(message: str) -> None:
    cleaned = clean_message(message)
    if cleaned is not None:
        assert "\x00" not in cleaned
        assert cleaned.encode("utf-8").decode() == cleaned
        assert 1 <= len(cleaned) <= MAX_LOG_MESSAGE


JOB = Job(
    id=JobId(UUID(int=1)),
    project_id=ProjectId(UUID(int=2)),
    queue_id=QueueId(UUID(int=3)),
    queue_name="default",
    job_type="t",
    payload={},
    status=JobStatus.PROCESSING,
    hold=None,
    priority=0,
    max_attempts=3,
    attempt_count=2,
    losses=0,
    claim_seq=2,
    execution_id=ExecutionId(UUID(int=4)),
    worker_id=WorkerId(UUID(int=5)),
    claimed_at=NOW,
    started_at=None,
    heartbeat_at=None,
    lease_until=NOW + timedelta(seconds=30),
    attempt_timeout_at=NOW + timedelta(seconds=600),
    cancel_requested_at=None,
    scheduled_for=None,
    expires_at=None,
    timeout_at=None,
    failure=None,
    tags=(),
    key=None,
    concurrency_key=None,
    concurrency_limit=None,
    fairness_key=None,
    fairness_weight=1,
    slots=1,
    rate_tokens=1,
    requires={},
    prefers={},
    state=None,
    progress=None,
    dead_letter_queue_id=None,
    dead_lettered_at=None,
    created_at=NOW,
    updated_at=NOW,
    completed_at=None,
)


def test_the_signs_of_life_tell_how_far_a_live_attempt_is() -> None:
    queued = live_execution(JOB)
    started = live_execution(replace(JOB, started_at=NOW))
    running = live_execution(replace(JOB, started_at=NOW, heartbeat_at=NOW))
    assert queued is not None
    assert started is not None
    assert running is not None
    assert [queued.status, started.status, running.status] == [
        ExecutionStatus.QUEUED,
        ExecutionStatus.STARTED,
        ExecutionStatus.RUNNING,
    ]
    assert queued.attempt_number == 2
    assert queued.timeout_at == NOW + timedelta(seconds=600)
    assert queued.finished_at is None


def test_a_job_that_is_not_processing_shows_no_live_attempt() -> None:
    assert live_execution(replace(JOB, status=JobStatus.PENDING, lease_until=None)) is None
    assert live_execution(replace(JOB, execution_id=None)) is None
