"""Periods, and the edges of the figures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.errors import InvalidInput
from taskforge.domain.metrics import (
    HOUR,
    MINUTE,
    Attempts,
    Period,
    average,
    ceiling,
    figures,
    floor,
    percentiles,
    success_rate,
)

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(MOMENTS, st.sampled_from([MINUTE, HOUR]))
def test_steps_hold_their_moments(moment: datetime, step: timedelta) -> None:
    assert floor(moment, step) <= moment < floor(moment, step) + step
    assert ceiling(moment, step) - step < moment <= ceiling(moment, step)
    assert floor(moment, step).minute % (step // MINUTE) == 0


def test_a_period_is_widened_to_whole_steps() -> None:
    tick = timedelta(microseconds=1)
    assert Period(NOON + tick, NOON + HOUR + tick).outward(HOUR) == Period(NOON, NOON + 2 * HOUR)
    assert Period(NOON, NOON + HOUR).outward(MINUTE) == Period(NOON, NOON + HOUR)


def test_a_period_has_an_end_behind_its_start_and_zones() -> None:
    for start, end in ((NOON, NOON), (NOON, NOON - HOUR), (NOON.replace(tzinfo=None), NOON)):
        with pytest.raises(InvalidInput):
            Period(start, end)


@pytest.mark.parametrize("none", [Attempts.listed(), Attempts.summed()])
def test_nothing_succeeds_always_and_takes_no_time(none: Attempts) -> None:
    found = figures(none, Period(NOON, NOON + HOUR))
    assert (found["total_executions"], found["success_rate"]) == (0, 100.0)
    assert [value for name, value in found.items() if name.endswith(("_duration", "_wait"))] == [None] * 8


def test_what_was_cancelled_stands_beside_the_total() -> None:
    some = Attempts.listed()
    some.count(3, 1, 5)
    some.time([1_000, 2_000, 3_000, 10_000], [500])
    found = figures(some, Period(NOON, NOON + HOUR))
    assert (found["total_executions"], found["cancelled_executions"], some.total) == (4, 5, 9)
    assert (found["success_rate"], found["avg_duration"], found["p95_wait"]) == (75.0, 4.0, 0.5)
    assert success_rate(0, 4) == 0.0


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=50))
def test_averages_are_exact_either_way(values: list[int]) -> None:
    listed, summed = Attempts.listed(), Attempts.summed()
    for attempts in (listed, summed):
        attempts.time(values, [])
        assert average(attempts.durations, attempts.duration_us) == sum(values) / len(values) / 1000
    [exact], [near] = (percentiles(attempts.durations, [0.95]) for attempts in (listed, summed))
    assert near == pytest.approx(exact, rel=0.011)


def test_exact_times_take_no_histogram() -> None:
    with pytest.raises(TypeError):
        Attempts.listed().time_folded(1, 1, [], [])
