"""How long a failed job waits."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from taskforge.domain.bounds import MAX_DELAY_SECONDS
from taskforge.domain.errors import InvalidInput
from taskforge.domain.retry import RetryPolicy

TINIEST = 5e-324
POLICIES = st.builds(
    RetryPolicy,
    base=st.floats(0, MAX_DELAY_SECONDS),
    multiplier=st.floats(1, 1000),
    cap=st.floats(0, MAX_DELAY_SECONDS),
    jitter=st.just(value=False),
)


def half() -> float:
    return 0.5


def test_the_default_doubles_from_a_second_to_five_minutes() -> None:
    chosen = RetryPolicy(jitter=False)
    assert [chosen.delay(n, half) for n in range(1, 12)] == [
        1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300,
    ]  # fmt: skip


@given(POLICIES, st.integers(1, 2000))
@example(RetryPolicy(TINIEST, 2.0, 300.0, jitter=False), 1500)
def test_without_jitter_it_only_grows_up_to_the_cap(chosen: RetryPolicy, failures: int) -> None:
    here, after = chosen.delay(failures, half), chosen.delay(failures + 1, half)
    assert 0 <= here <= chosen.cap
    assert here <= after


@given(POLICIES)
@example(RetryPolicy(TINIEST, 2.0, 300.0, jitter=False))
@example(RetryPolicy(1e-300, 1000.0, MAX_DELAY_SECONDS, jitter=False))
def test_the_millionth_failure_does_not_overflow(chosen: RetryPolicy) -> None:
    assert 0 <= chosen.delay(1_000_000, half) <= chosen.cap


@given(POLICIES, st.integers(1, 50), st.floats(0, 1, exclude_max=True))
def test_jitter_draws_from_the_upper_half(plain: RetryPolicy, failures: int, drawn: float) -> None:
    jittered = RetryPolicy(plain.base, plain.multiplier, plain.cap, jitter=True)
    full = plain.delay(failures, half)
    assert full / 2 <= jittered.delay(failures, lambda: drawn) <= full


def test_jitter_reaches_both_ends() -> None:
    chosen = RetryPolicy(base=10)
    assert chosen.delay(1, lambda: 0.0) == 5
    assert chosen.delay(1, lambda: math.nextafter(1, 0)) == pytest.approx(10)


@pytest.mark.parametrize("field", ["base", "multiplier", "cap"])
@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, -1, -0.001, 1e300, 10**400, "1", None], ids=repr
)
def test_what_is_no_sound_number_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=field) as refusal:
        RetryPolicy(**{field: value})
    assert refusal.value.field == field


def test_a_shrinking_backoff_is_refused() -> None:
    with pytest.raises(InvalidInput):
        RetryPolicy(multiplier=0.5)


def test_no_base_or_no_cap_means_no_wait() -> None:
    assert RetryPolicy(base=0).delay(7, half) == 0
    assert RetryPolicy(cap=0).delay(7, half) == 0
