"""Queue settings, names and priorities."""

from __future__ import annotations

import json
import math
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.bounds import MAX_DELAY_SECONDS
from taskforge.domain.errors import InvalidInput, InvalidSetting
from taskforge.domain.names import check_name, check_priority
from taskforge.domain.queue import STRICT_AGING_SECONDS, QueueSettings
from taskforge.domain.retry import RetryPolicy

LETTERS = UUID(int=3)


def test_every_setting_is_read_and_written_back() -> None:
    values = {
        "max_concurrent_jobs": 5,
        "max_retries": 0,
        "timeout_seconds": 1.5,
        "retry_delay_seconds": 0.0,
        "max_retry_delay_seconds": 60.0,
        "backoff_multiplier": 3.0,
        "dead_letter_queue_id": str(LETTERS),
        "rate_limit": 100,
        "aging_seconds": 60,
    }
    settings = QueueSettings.parse(values)
    assert settings.dead_letter_queue_id == LETTERS
    assert json.loads(json.dumps(settings.to_json())) == values
    assert QueueSettings.parse({}).to_json() == {}


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "max_concurrent_jobs": st.integers(1, 1_000_000),
            "max_retries": st.integers(0, 1_000_000),
            "timeout_seconds": st.floats(0.001, MAX_DELAY_SECONDS),
            "retry_delay_seconds": st.floats(0, MAX_DELAY_SECONDS),
            "backoff_multiplier": st.floats(1, 1000),
            "aging_seconds": st.integers(0, STRICT_AGING_SECONDS),
            "dead_letter_queue_id": st.uuids().map(str),
        },
    )
)
def test_parsing_what_was_written_changes_nothing(values: dict[str, Any]) -> None:
    settings = QueueSettings.parse(values)
    assert QueueSettings.parse(json.loads(json.dumps(settings.to_json()))) == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_concurrent_jobs", 0),
        ("max_concurrent_jobs", True),
        ("max_concurrent_jobs", 1.5),
        ("max_concurrent_jobs", "5"),
        ("max_retries", -1),
        ("timeout_seconds", 0),
        ("timeout_seconds", math.nan),
        ("timeout_seconds", math.inf),
        ("timeout_seconds", 10**400),
        ("retry_delay_seconds", -0.1),
        ("retry_delay_seconds", False),
        ("backoff_multiplier", 0.99),
        ("aging_seconds", -1),
        ("aging_seconds", 10**12),
        ("rate_limit", 0),
        ("dead_letter_queue_id", "no id"),
        ("dead_letter_queue_id", 7),
        ("dead_letter_queue_id", []),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_wrong_value_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidSetting, match=name) as refusal:
        QueueSettings.parse({name: value})
    assert refusal.value.field == name


def test_an_unknown_setting_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidSetting, match="max_retires") as refusal:
        QueueSettings.parse({"max_retires": 3})
    assert "max_retries" in (refusal.value.hint or "")
    with pytest.raises(InvalidSetting):
        QueueSettings().changed({"max_retires": None})


def test_changing_keeps_the_rest_and_null_goes_back_to_the_default() -> None:
    settings = QueueSettings(max_retries=2, aging_seconds=60)
    changed = settings.changed({"max_retries": None, "timeout_seconds": 5})
    assert changed == QueueSettings(timeout_seconds=5.0, aging_seconds=60)
    assert settings == QueueSettings(max_retries=2, aging_seconds=60)


def test_its_backoff_is_completed_by_the_standard_one() -> None:
    assert QueueSettings().retry_policy() == RetryPolicy()
    assert QueueSettings(retry_delay_seconds=0.0, max_retry_delay_seconds=9).retry_policy() == RetryPolicy(
        base=0.0, cap=9
    )


def test_priority_is_strict_unless_aging_is_set() -> None:
    assert QueueSettings().aging_microseconds == STRICT_AGING_SECONDS * 1_000_000
    assert QueueSettings(aging_seconds=0).aging_microseconds == 0
    assert QueueSettings().aging_microseconds * 9 < 2**62, "a rank must stay a 64-bit number"


@pytest.mark.parametrize("name", ["a", "x" * 100, "laporan bulanan", "キュー", "a.b-c_d"])
def test_a_good_name(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "x" * 101, " a", "a ", "a\nb", "a\x00", "\x1b[31m", None, 5], ids=repr)
def test_a_bad_name(name: Any) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_name(name)
    assert len(refusal.value.message) < 400


@pytest.mark.parametrize("priority", range(10))
def test_a_good_priority(priority: int) -> None:
    assert check_priority(priority) == priority


@pytest.mark.parametrize("priority", [-1, 10, 1.0, True, "5", None], ids=repr)
def test_a_bad_priority(priority: Any) -> None:
    with pytest.raises(InvalidInput, match="priority"):
        check_priority(priority)
