"""Calendars: named sets of days on which schedules do not run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from taskforge.domain.cron import Cron
from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MOST_DATES = 5_000
MOST_RULES = 20
LONGEST_REST = 366
"""Days in a row after which a calendar is taken to exclude every day."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days without work: single dates, and rules such as ``SAT,SUN``, ``5L`` (each last Friday) or ``1#1``."""

    dates: frozenset[date] = frozenset()
    rules: tuple[Cron, ...] = ()
    written: tuple[str, ...] = field(default=(), compare=False)

    def excludes(self, day: date) -> bool:
        """Whether nothing runs on this day."""
        return day in self.dates or any(rule.matches(datetime.combine(day, time())) for rule in self.rules)

    def next_business_day(self, day: date) -> date | None:
        """The day itself or the first one after it on which something may run; None: there is none for a year."""
        for _ in range(LONGEST_REST):
            if not self.excludes(day):
                return day
            day += timedelta(days=1)
        return None

    def to_json(self) -> dict[str, Any]:
        """As it is stored and shown."""
        return {"dates": [day.isoformat() for day in sorted(self.dates)], "weekdays": list(self.written)}


def parse_calendar(values: Mapping[str, Any]) -> Calendar:
    """A calendar of ``dates`` (texts such as 2026-12-25) and ``weekdays`` (rules). Raises InvalidInput."""
    unknown = set(values) - {"dates", "weekdays"}
    if unknown:
        raise InvalidInput(
            f"a calendar has no {sorted(unknown)[0]!r:.100}", field="calendar", hint="dates and weekdays"
        )
    dates = _texts(values.get("dates") or (), "dates", MOST_DATES)
    rules = _texts(values.get("weekdays") or (), "weekdays", MOST_RULES)
    return Calendar(frozenset(_date(text) for text in dates), tuple(_rule(text) for text in rules), rules)


def together(calendars: Iterable[Calendar]) -> Calendar:
    """The days that any of them excludes."""
    found = list(calendars)
    return Calendar(
        frozenset[date]().union(*(calendar.dates for calendar in found)),
        tuple(rule for calendar in found for rule in calendar.rules),
        tuple(text for calendar in found for text in calendar.written),
    )


def _texts(values: Sequence[Any], name: str, most: int) -> tuple[str, ...]:
    if isinstance(values, str) or not all(isinstance(value, str) for value in values):
        raise InvalidInput(f"{name} of a calendar must be a list of texts", field=name)
    if len(values) > most:
        raise InvalidInput(f"a calendar has at most {most:,} {name}", field=name)
    return tuple(values)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{text!r:.40} is no date", field="dates", hint="such as 2026-12-25") from None


def _rule(text: str) -> Cron:
    try:
        if len(text.split()) == 1:
            return Cron(f"0 0 * * {text}")
    except InvalidInput:
        pass
    raise InvalidInput(
        f"{text!r:.40} is no rule for days of the week", field="weekdays", hint="SAT,SUN, 5L or 1#1"
    )
