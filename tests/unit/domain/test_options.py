"""What call and task may say about a job, and which of them is heard."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskforge.domain.attempt_policy import DEFAULT_MAX_ATTEMPTS, DEFAULT_TIMEOUT_SECONDS, attempt_policy
from taskforge.domain.bounds import check_job_type
from taskforge.domain.errors import InvalidInput
from taskforge.domain.job import JobStatus
from taskforge.domain.job_options import JobOptions
from taskforge.domain.queue import QueueSettings
from taskforge.domain.retry import RetryPolicy

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("priority", 10),
        ("priority", -1),
        ("priority", True),
        ("max_attempts", 0),
        ("max_attempts", 1.5),
        ("max_attempts", True),
        ("max_attempts", 10**9),
        ("delay", -1),
        ("delay", math.nan),
        ("delay", math.inf),
        ("delay", 10**400),
        ("delay", "5"),
        ("delay", timedelta(days=-1)),
        ("delay", timedelta(days=4000)),
        ("timeout", 0),
        ("timeout", timedelta(0)),
        ("timeout", math.nan),
        ("run_at", datetime(2026, 1, 1)),  # noqa: DTZ001 - a naive time is what is refused
        ("deadline", datetime(2026, 1, 1)),  # noqa: DTZ001
        ("expires", datetime(2026, 1, 1)),  # noqa: DTZ001
        ("expires", -1),
        ("run_at", "tomorrow"),
        ("tags", "one"),
        ("tags", ["x" * 101]),
        ("tags", [""]),
        ("tags", ["a\n"]),
        ("tags", [5]),
        ("tags", ["x"] * 21),
        ("retry_base", math.nan),
        ("retry_base", -1),
        ("retry_multiplier", 0.5),
        ("retry_cap", math.inf),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_wrong_value_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        JobOptions(**{field: value})
    assert refusal.value.field in (field, field.removeprefix("retry_"))


def test_delay_and_run_at_exclude_each_other() -> None:
    with pytest.raises(InvalidInput, match="not both"):
        JobOptions(delay=1, run_at=NOON)


def test_the_upper_options_win_and_the_lower_complete_them() -> None:
    lower = JobOptions(queue="a", priority=3, max_attempts=5, tags=["x"], retry_jitter=True)
    upper = JobOptions(priority=0, retry_jitter=False, tags=[])
    assert upper.over(lower) == JobOptions(queue="a", priority=0, max_attempts=5, tags=[], retry_jitter=False)


def test_a_call_s_time_replaces_the_task_s_whichever_way_it_is_given() -> None:
    assert JobOptions(delay=5).over(JobOptions(run_at=NOON)) == JobOptions(delay=5)
    assert JobOptions(run_at=NOON).over(JobOptions(delay=5)) == JobOptions(run_at=NOON)
    assert JobOptions().over(JobOptions(delay=5)) == JobOptions(delay=5)


def test_a_backoff_is_only_stored_when_somebody_gave_one() -> None:
    assert JobOptions().retry_policy() is None
    assert JobOptions(retry_base=0.0).retry_policy() == RetryPolicy(base=0.0)
    assert JobOptions(retry_jitter=False).retry_policy() == RetryPolicy(jitter=False)


def _policy(settings: QueueSettings, **job: Any) -> Any:
    values = {"max_attempts": None, "manual_retries": 0, "retry": None, "timeout_ms": None} | job
    return attempt_policy(settings, **values)


def test_built_in_values_hold_where_nobody_says_anything() -> None:
    chosen = _policy(QueueSettings())
    assert (chosen.max_attempts, chosen.timeout) == (DEFAULT_MAX_ATTEMPTS, DEFAULT_TIMEOUT_SECONDS)
    assert chosen.retry == RetryPolicy()
    assert chosen.dead_letter_queue_id is None


def test_the_job_goes_before_the_queue_and_the_queue_before_the_built_in() -> None:
    settings = QueueSettings(max_retries=4, retry_delay_seconds=7)
    assert _policy(settings).max_attempts == 5
    assert _policy(settings, max_attempts=2).max_attempts == 2
    assert _policy(settings).retry.base == 7
    assert _policy(settings, retry=RetryPolicy(base=9)).retry.base == 9
    assert _policy(QueueSettings(max_retries=0)).max_attempts == 1


@pytest.mark.parametrize(
    ("queue", "job_ms", "seconds"),
    [
        (None, None, 600.0),
        (10.0, None, 10.0),
        (None, 5000, 5.0),
        (10.0, 5000, 5.0),
        (2.0, 5000, 2.0),
        (None, 10**7, 10**4),
    ],
)
def test_the_timeout_is_the_smaller_of_the_job_s_and_the_queue_s(
    queue: float | None, job_ms: int | None, seconds: float
) -> None:
    assert _policy(QueueSettings(timeout_seconds=queue), timeout_ms=job_ms).timeout == seconds


def test_each_retry_by_hand_grants_the_original_budget_again() -> None:
    assert _policy(QueueSettings(), max_attempts=4, manual_retries=2).max_attempts == 12


@pytest.mark.parametrize("name", ["a", "reports.monthly", "Send-Mail", "x" * 100, "レポート"])
def test_a_good_job_type(name: str) -> None:
    assert check_job_type(name) == name


@pytest.mark.parametrize("name", ["", "x" * 101, "two words", "a\n", None, 3], ids=repr)
def test_a_bad_job_type(name: Any) -> None:
    with pytest.raises(InvalidInput):
        check_job_type(name)


def test_which_statuses_are_ends() -> None:
    assert {status.value for status in JobStatus if status.is_finished} == {
        "succeeded",
        "failed",
        "cancelled",
    }
