"""What becomes of due times: the plan against a slow model of the rules, and timetables against single days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.calendar import Calendar, parse_calendar
from taskforge.domain.errors import InvalidInput
from taskforge.domain.job import JobStatus
from taskforge.domain.schedule_fields import parse_spec
from taskforge.domain.tick import Plan, TickOutcome, TickReason, Unfinished, plan

ID = UUID(int=7)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)  # a Monday
RUNNING = Unfinished(UUID(int=1), JobStatus.PROCESSING)
WAITING = Unfinished(UUID(int=2), JobStatus.PENDING)


def planned(now: float, *unfinished: Unfinished, calendar: Calendar | None = None, **fields: Any) -> Plan:
    """The plan so many seconds after noon; the first due time is ten seconds after it."""
    spec = parse_spec({"task": "t", "interval_seconds": 10, **fields})
    timetable = spec.timetable(ID, NOON, [] if calendar is None else [calendar])
    due = timetable.next(NOON)
    assert due is not None
    return plan(spec, timetable, due, NOON + timedelta(seconds=now), unfinished)


@given(
    now=st.floats(10, 100_000),
    interval=st.sampled_from([1, 2, 10, 60, 3600]),
    missed=st.sampled_from(["skip", "one", "all"]),
    overlap=st.sampled_from(["skip", "queue_one", "allow", "cancel_previous"]),
    unfinished=st.lists(st.sampled_from([RUNNING, WAITING]), max_size=2),
    window=st.floats(0, 2_000),
    limit=st.integers(1, 20),
    jitter=st.floats(0, 30),
)
def test_a_plan_sees_to_every_due_time_once(
    now: float,
    interval: int,
    missed: str,
    overlap: str,
    unfinished: list[Unfinished],
    window: float,
    limit: int,
    jitter: float,
) -> None:
    spec = parse_spec(
        {
            "task": "t",
            "interval_seconds": interval,
            "missed": missed,
            "overlap": overlap,
            "catch_up_seconds": window,
            "catch_up_limit": limit,
            "jitter_seconds": jitter,
        }
    )
    timetable = spec.timetable(ID, NOON)
    first = timetable.next(NOON)
    assert first is not None
    moment = max(NOON + timedelta(seconds=now), timetable.fire_at(first))
    found = plan(spec, timetable, first, moment, unfinished)
    # every due time up to the next one stands in exactly one tick, or in the span of one
    expected = first
    for tick in found.ticks:
        assert tick.due_at == expected
        expected = tick.missed_until or timetable.next(expected)  # type: ignore[assignment]
        assert (tick.reason is None) == (tick.outcome is TickOutcome.FIRED)
        assert timetable.fire_at(tick.due_at) <= moment
    assert expected == found.next_due_at
    assert found.next_fire_at is not None
    assert found.next_fire_at > moment
    blocked = (overlap == "skip" and bool(unfinished)) or (overlap == "queue_one" and WAITING in unfinished)
    assert not (blocked and found.fired)
    assert found.cancels == (overlap == "cancel_previous" and bool(unfinished) and bool(found.fired))
    in_time = [
        tick for tick in found.fired if moment - timetable.fire_at(tick.due_at) <= timedelta(seconds=60)
    ]
    assert len(found.fired) - len(in_time) <= {"skip": 0, "one": 1, "all": limit}[missed]
    if overlap == "cancel_previous":
        assert len(found.fired) <= 1
    if not blocked and moment - timetable.fire_at(found.ticks[-1].due_at) <= timedelta(seconds=0.5):
        assert found.ticks[-1].outcome is TickOutcome.FIRED  # whatever the policies: the last one is in time


def test_in_time_is_half_of_what_is_between() -> None:
    assert planned(15, missed="skip").fired
    assert not planned(15.1, missed="skip").fired
    assert planned(70, missed="skip", interval_seconds=60).fired
    daily: dict[str, Any] = {"cron": "0 13 * * *", "interval_seconds": None, "missed": "skip"}
    assert planned(3660, **daily).fired
    assert not planned(3661, **daily).fired


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"missed": "skip"}, ["downtime"] * 3),
        ({"missed": "one"}, ["coalesced", "coalesced", None]),
        ({"missed": "one", "catch_up_seconds": 5}, ["too_old"] * 3),
        ({"missed": "all", "catch_up_limit": 2}, ["limit", None, None]),
        ({"missed": "all", "catch_up_seconds": 17}, ["too_old", None, None]),
    ],
)
def test_when_nothing_is_in_time(fields: dict[str, Any], expected: list[str | None]) -> None:
    assert [tick.reason for tick in planned(36, **fields).ticks] == expected


def test_nothing_follows_the_end() -> None:
    found = planned(10, ends_at="2026-01-05T12:00:15Z")
    assert (found.next_due_at, found.next_fire_at) == (None, None)
    once = planned(10, interval_seconds=None, run_at="2026-01-05T12:00:10Z")
    assert [tick.outcome for tick in once.ticks] == [TickOutcome.FIRED]
    assert once.next_due_at is None


def test_a_day_off_is_skipped() -> None:
    found = planned(10, calendar=Calendar(frozenset({NOON.date()})), calendars=["x"])
    assert [tick.reason for tick in found.ticks] == [TickReason.HOLIDAY]


WEEKEND = parse_calendar({"weekdays": ["SAT,SUN"]})


@pytest.mark.parametrize(
    ("cron", "calendar", "expected"),
    [
        ("0 9 * * *", WEEKEND, ["06 09", "07 09", "08 09", "09 09", "12 09"]),
        ("0 9 * * 6", WEEKEND, ["12 09", "19 09", "26 09"]),
        ("0 9,17 * * 6", WEEKEND, ["05 17", "12 09", "12 17"]),
        ("0 9 9 1 *", parse_calendar({"dates": ["2026-01-09"], "weekdays": ["SAT,SUN"]}), ["12 09"]),
        ("0 9 * * 5", parse_calendar({"weekdays": ["5L"]}), ["09 09", "16 09", "23 09", "31 09"]),
    ],
)
def test_a_day_off_moves_to_the_next_business_day(cron: str, calendar: Calendar, expected: list[str]) -> None:
    spec = parse_spec({"task": "t", "cron": cron, "calendars": ["x"], "on_holiday": "next_business_day"})
    timetable = spec.timetable(ID, NOON, [calendar])
    found: list[str] = []
    due = timetable.next(NOON)
    while due is not None and len(found) < len(expected):
        found.append(f"{due:%d %H}")
        due = timetable.next(due)
    assert found == expected


def test_a_calendar_without_working_days_is_never_due() -> None:
    spec = parse_spec(
        {"task": "t", "cron": "0 9 * * *", "calendars": ["x"], "on_holiday": "next_business_day"}
    )
    assert spec.timetable(ID, NOON, [parse_calendar({"weekdays": ["*"]})]).next(NOON) is None


def test_a_start_is_the_first_moment() -> None:
    spec = parse_spec({"task": "t", "cron": "0 9 * * *", "starts_at": "2026-02-01T09:00:00Z"})
    assert spec.timetable(ID, NOON).next(NOON) == datetime(2026, 2, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "values", [{"dates": ["tomorrow"]}, {"weekdays": ["1 2"]}, {"weekdays": "SAT"}, {"x": []}]
)
def test_a_bad_calendar_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        parse_calendar(values)


def test_a_calendar_is_told_as_it_was_given() -> None:
    values = {"dates": ["2026-12-25"], "weekdays": ["SAT,SUN"]}
    assert parse_calendar(values).to_json() == values
    assert parse_calendar(values).next_business_day(date(2026, 12, 25)) == date(2026, 12, 28)
