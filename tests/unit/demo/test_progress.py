"""Rate and time left of the demo's progress."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.demo.progress import Pace


def test_counts_become_progress() -> None:
    look = Pace(10).look(2.0, {"succeeded": 3, "failed": 1, "scheduled": 2, "processing": 1, "pending": 3})
    assert (look.total, look.done, look.failed, look.retrying) == (10, 4, 1, 2)
    assert look.rate == pytest.approx(2.0)
    assert look.seconds_left == pytest.approx(3.0)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    pace = Pace(1000, window=2.0)
    for second in range(11):
        look = pace.look(float(second), {"succeeded": 10 * second if second < 9 else 80 + 100 * (second - 8)})
    assert look.rate == pytest.approx(100.0)


def test_nobody_knows_the_time_left_before_the_first_job_is_done() -> None:
    pace = Pace(5)
    assert pace.look(0.0, {}).seconds_left is None
    assert pace.look(1.0, {}).seconds_left is None


def test_at_the_end_no_time_is_left_even_after_a_pause() -> None:
    pace = Pace(1, window=1.0)
    for second in range(9):
        look = pace.look(float(second), {"succeeded": 1})
    assert look.seconds_left == 0


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 50)), max_size=40))
def test_figures_are_never_negative(steps: list[tuple[float, int]]) -> None:
    pace, seconds, done = Pace(10_000), 0.0, 0
    for pause, more in steps:
        seconds, done = seconds + pause, done + more
        look = pace.look(seconds, {"succeeded": done})
        assert look.rate >= 0
        assert look.seconds_left is None or look.seconds_left >= 0
