"""Which spans of the record are read for a period."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.metrics import DAY, HOUR, MINUTE, Period, ceiling
from taskforge.services.metrics import _finest, _levels

NOW = datetime(2026, 6, 5, 11, 17, 23, tzinfo=UTC)


@given(st.integers(0, 400 * 86_400), st.integers(1, 400 * 86_400))
def test_levels_cover_each_moment_once_and_are_few(before: int, length: int) -> None:
    period = Period(NOW - timedelta(seconds=before + length), NOW - timedelta(seconds=before))
    finest = _finest(period, NOW)
    whole = period.outward(finest)
    levels = sorted(_levels(whole, finest, NOW), key=lambda level: level.start)
    assert levels[0].start == whole.start
    assert levels[-1].end == (whole.end if whole.end <= NOW else ceiling(whole.end, DAY))
    assert all(one.end == other.start for one, other in pairwise(levels))
    assert all(level.start < level.end and level.span >= finest for level in levels)
    rows = sum((level.end - level.start) // level.span for level in levels)
    assert rows <= (401 if finest == DAY else 2 * 23 + 33 if finest == HOUR else 2 * 59 + 13)


@pytest.mark.parametrize(
    ("hours", "finest", "rows"), [(12, MINUTE, 43 + 1), (24, HOUR, 13 + 1), (24 * 30, HOUR, 13 + 30)]
)
def test_what_reaches_up_to_now_has_one_edge(hours: int, finest: timedelta, rows: int) -> None:
    tick = timedelta(microseconds=1)
    period = Period(NOW - timedelta(hours=hours), NOW + tick)
    assert _finest(period, NOW) == finest
    levels = _levels(period.outward(finest), finest, NOW)
    assert sum((level.end - level.start) // level.span for level in levels) == rows


def test_what_is_older_than_its_minutes_is_read_by_the_hour() -> None:
    for days, finest in ((5, MINUTE), (7, HOUR), (84, HOUR), (86, DAY)):
        start = NOW - timedelta(days=days)
        assert _finest(Period(start, start + HOUR), NOW) == finest
