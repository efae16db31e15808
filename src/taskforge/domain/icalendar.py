"""The whole days of an iCalendar file (RFC 5545): what public holidays come as."""

from __future__ import annotations

from datetime import date, timedelta

from taskforge.domain.errors import InvalidInput

MOST_CHARACTERS = 4_000_000
LONGEST_EVENT = 366
YEARS_AHEAD = 50


def days_of(text: str) -> set[date]:
    """All days of events without a time of day; one that comes back each year is taken for fifty years.

    Raises InvalidInput for what is no such file, and for other rules of repetition.
    """
    if len(text) > MOST_CHARACTERS or "BEGIN:VCALENDAR" not in text:
        raise _wrong("it is no iCalendar file")
    found: set[date] = set()
    event: dict[str, str] | None = None
    for line in _unfolded(text):
        name, _, value = line.partition(":")
        if line == "BEGIN:VEVENT":
            event = {}
        elif line == "END:VEVENT" and event is not None:
            found |= _days(event)
            event = None
        elif event is not None:
            event.setdefault(name.partition(";")[0].upper(), value)
    return found


def _unfolded(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if line[:1] in (" ", "\t") and lines:
            lines[-1] += line[1:]
        else:
            lines.append(line.rstrip())
    return lines


def _days(event: dict[str, str]) -> set[date]:
    start = event.get("DTSTART", "")
    if len(start) != 8 or event.get("STATUS", "").upper() == "CANCELLED":
        return set()
    first = _date(start)
    last = _date(event["DTEND"]) - timedelta(days=1) if len(event.get("DTEND", "")) == 8 else first
    length = min(max((last - first).days, 0), LONGEST_EVENT)
    firsts = [first]
    rule = event.get("RRULE")
    if rule is not None:
        if rule.upper().rstrip(";") != "FREQ=YEARLY":
            raise _wrong(f"it repeats an event by {rule!r:.100}; only FREQ=YEARLY is known")
        firsts += [_in_year(first, first.year + years) for years in range(1, YEARS_AHEAD)]
    return {day + timedelta(days=ahead) for day in firsts for ahead in range(length + 1)}


def _in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:  # the 29th of February
        return day.replace(year=year, month=3, day=1)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _wrong(f"{text!r:.40} is no date") from None


def _wrong(what: str) -> InvalidInput:
    return InvalidInput(f"the calendar cannot be read: {what}", field="calendar")
