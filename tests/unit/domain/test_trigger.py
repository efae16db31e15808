"""When schedules are due, and what is said of it."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.cron import Cron
from taskforge.domain.errors import InvalidInput
from taskforge.domain.trigger import CronTrigger, Interval, Once, due_times, trigger_of

ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@given(st.floats(1, 10_000_000), st.timedeltas(timedelta(days=-900), timedelta(days=900)))
def test_an_interval_is_due_at_whole_multiples_whenever_it_is_asked(seconds: float, late: timedelta) -> None:
    interval = Interval(seconds, ANCHOR)
    due = interval.next(ANCHOR + late)
    assert due is not None
    step = timedelta(seconds=seconds)
    assert (due - ANCHOR) % step == timedelta()
    assert due > ANCHOR + late
    assert due - step <= max(ANCHOR + late, ANCHOR)
    assert interval.next(due) == due + step


def test_once() -> None:
    once = Once(ANCHOR)
    assert list(due_times(once, ANCHOR - timedelta(days=1))) == [ANCHOR]
    assert once.next(ANCHOR) is None
    assert once.spelled() == "date[2026-01-01 00:00:00 UTC]"


@pytest.mark.parametrize("seconds", [0, -1, 0.5, math.nan, math.inf, 1e12])
def test_impossible_intervals(seconds: float) -> None:
    with pytest.raises(InvalidInput, match="not possible") as caught:
        Interval(seconds, ANCHOR)
    assert caught.value.field == "interval_seconds"


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("30 0 * * *", "cron[hour='0', minute='30']"),
        ("0 8 * * 1-5", "cron[day_of_week='1-5', hour='8', minute='0']"),
        ("15 10 9 L 1 *", "cron[month='1', day='L', hour='9', minute='10', second='15']"),
        ("@every 1h", "interval[1:00:00]"),
        ("@EVERY 1d12h", "interval[1 day, 12:00:00]"),
    ],
)
def test_as_the_scheduler_guide_spells_it(text: str, spelled: str) -> None:
    assert trigger_of(text, "UTC", ANCHOR).spelled() == spelled


@pytest.mark.parametrize(
    ("text", "field"), [("@every", "cron"), ("@every soon", "cron"), ("@every 0s", "interval_seconds")]
)
def test_no_interval(text: str, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        trigger_of(text, "UTC", ANCHOR)
    assert caught.value.field == field


def test_notes_on_changes_of_the_clock() -> None:
    daily = CronTrigger(Cron("30 2 * * *"), BERLIN)
    spring = islice(due_times(daily, datetime(2024, 3, 30, tzinfo=UTC)), 3)
    assert [daily.note(due) for due in spring] == [None, "gap", None]
    autumn = islice(due_times(daily, datetime(2024, 10, 26, tzinfo=UTC)), 3)
    assert [daily.note(due) for due in autumn] == [None, "overlap", None]
    hourly = CronTrigger(Cron("0 * * * *"), BERLIN)
    night = islice(due_times(hourly, datetime(2024, 10, 26, 22, 30, tzinfo=UTC)), 4)
    assert [hourly.note(due) for due in night] == [None, "overlap", "overlap", None]
