"""When a schedule is due: by cron, every so many seconds, or once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from taskforge.domain.cron import Cron
from taskforge.domain.durations import parse_duration
from taskforge.domain.errors import InvalidInput
from taskforge.domain.local_time import wall_time, zone_named

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

SHORTEST_SECONDS = 1.0
LONGEST_SECONDS = 366 * 86_400.0 * 10
_APSCHEDULER_NAMES = ("second", "minute", "hour", "day", "month", "day_of_week")


@dataclass(frozen=True, slots=True)
class CronTrigger:
    """Due when the clock of ``zone`` shows a time of ``cron``."""

    cron: Cron
    zone: ZoneInfo

    def next(self, after: datetime) -> datetime | None:
        """The first due time later than ``after``, in UTC."""
        return self.cron.next(after, self.zone)

    def spelled(self) -> str:
        """``cron[hour='0', minute='30']``: the fields that say something, the larger unit first."""
        said = {
            name: field
            for name, field in zip(_APSCHEDULER_NAMES, self.cron.fields, strict=True)
            if field != "*" and (name != "second" or self.cron.has_seconds)
        }
        order = ("month", "day", "day_of_week", "hour", "minute", "second")
        return "cron[" + ", ".join(f"{name}={said[name]!r}" for name in order if name in said) + "]"

    def note(self, due: datetime) -> str | None:
        """``gap`` when the clock leaps over the time that is meant, ``overlap`` when it shows it twice."""
        wall = wall_time(due, self.zone)
        if self.cron.is_fixed and not self.cron.matches(wall):
            return "gap"
        local = due.astimezone(self.zone)
        other = wall.replace(tzinfo=self.zone, fold=1 - local.fold)
        is_shown_twice = (
            other.utcoffset() != local.utcoffset() and wall_time(other.astimezone(UTC), self.zone) == wall
        )
        return "overlap" if is_shown_twice else None


@dataclass(frozen=True, slots=True)
class Interval:
    """Due at ``anchor`` plus whole multiples of ``seconds``, from the first multiple on; a restart shifts nothing."""

    seconds: float
    anchor: datetime

    def __post_init__(self) -> None:
        if not SHORTEST_SECONDS <= self.seconds <= LONGEST_SECONDS:  # NaN is not between
            raise InvalidInput(
                f"an interval of {self.seconds!r} seconds is not possible",
                field="interval_seconds",
                hint=f"from {SHORTEST_SECONDS:g} to {LONGEST_SECONDS:,.0f} seconds",
            )

    def next(self, after: datetime) -> datetime | None:
        """The first due time later than ``after``, in UTC."""
        step = timedelta(seconds=self.seconds)
        passed = max(0, (after - self.anchor) // step)
        return (self.anchor + (passed + 1) * step).astimezone(UTC)

    def spelled(self) -> str:
        """``interval[1:00:00]``."""
        return f"interval[{timedelta(seconds=self.seconds)}]"

    def note(self, due: datetime) -> str | None:
        """Nothing: it knows no clock that could be changed."""
        return None


@dataclass(frozen=True, slots=True)
class Once:
    """Due one time."""

    at: datetime

    def next(self, after: datetime) -> datetime | None:
        """That time while it lies ahead, else None."""
        return self.at.astimezone(UTC) if self.at > after else None

    def spelled(self) -> str:
        """``date[2026-01-31 09:00:00 UTC]``."""
        return f"date[{self.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC]"


Trigger: TypeAlias = CronTrigger | Interval | Once


def due_times(trigger: Trigger, after: datetime) -> Iterator[datetime]:
    """All due times later than ``after``, in turn."""
    due = trigger.next(after)
    while due is not None:
        yield due
        due = trigger.next(due)


def trigger_of(expression: str, timezone: str, anchor: datetime) -> CronTrigger | Interval:
    """What a text means: a cron expression, one of its @names, or ``@every 15m`` from ``anchor`` on.

    Raises InvalidInput naming the field.
    """
    text = expression.strip()
    if text.lower().startswith("@every"):
        return Interval(parse_duration(text[len("@every") :], "cron"), anchor)
    return CronTrigger(Cron(expression), zone_named(timezone))
