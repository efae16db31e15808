"""The rate of requests: never more than a burst and what the time has given since, and never less."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.errors import InvalidInput
from taskforge.domain.rates import Rate

rates = st.builds(Rate, st.sampled_from([0.1, 1.0, 2.0, 10.0, 1000.0]), st.integers(1, 20))


@given(rates, st.lists(st.floats(0, 5), max_size=200))
def test_in_any_span_no_more_than_a_burst_and_the_rate(rate: Rate, gaps: list[float]) -> None:
    now, arrival, passed = 1000.0, None, []
    for gap in gaps:
        now += gap
        answer = rate.ask(arrival, now)
        arrival = answer.arrival
        if answer.passes:
            passed.append(now)
    for first in range(len(passed)):
        for last in range(first, len(passed)):
            most = rate.burst + (passed[last] - passed[first]) * rate.per_second
            assert last - first + 1 <= most + 1e-6


@given(rates, st.lists(st.floats(0, 5), max_size=100))
def test_who_waits_as_long_as_told_passes_and_not_before(rate: Rate, gaps: list[float]) -> None:
    now, arrival = 1000.0, None
    for gap in gaps:
        now += gap
        answer = rate.ask(arrival, now)
        if not answer.passes:
            assert answer.retry_after > 0
            assert not rate.ask(answer.arrival, now + answer.retry_after * 0.99).passes
            assert rate.ask(answer.arrival, now + answer.retry_after + 1e-9).passes
        arrival = answer.arrival


@given(rates)
def test_a_burst_passes_at_once_and_what_is_left_counts_down(rate: Rate) -> None:
    arrival, left = None, []
    for _ in range(rate.burst):
        answer = rate.ask(arrival, 50.0)
        assert answer.passes
        arrival = answer.arrival
        left.append(answer.left)
    assert left == list(range(rate.burst - 1, -1, -1))
    assert not rate.ask(arrival, 50.0).passes


def test_a_refusal_costs_nothing() -> None:
    rate = Rate(1, 1)
    first = rate.ask(None, 0.0)
    refused = [rate.ask(first.arrival, 0.5) for _ in range(100)]
    assert {answer.arrival for answer in refused} == {first.arrival}
    assert rate.ask(first.arrival, 1.0).passes


def test_what_costs_more_than_a_burst_never_passes() -> None:
    answer = Rate(1, 3).ask(None, 0.0, cost=4)
    assert (answer.passes, answer.retry_after) == (False, math.inf)
    assert Rate(1, 3).ask(None, 0.0, cost=3).passes


@pytest.mark.parametrize(("per_second", "burst"), [(0, 1), (-1, 1), (math.nan, 1), (math.inf, 1), (1, 0)])
def test_a_rate_that_lets_nothing_through_is_none(per_second: float, burst: int) -> None:
    with pytest.raises(InvalidInput):
        Rate(per_second, burst)
