"""Cron expressions: what crontab(5) says, with seconds, ``L``, ``LW``, ``n#k``, ``nL`` and the @names.

cronsim reads the fields and walks the calendar of a clock without zones. Which instants these times are is said here:

* a schedule of fixed times (neither its minutes nor its hours begin with ``*``) fires once for each time of
  the clock: in a gap at the first instant after it, in an overlap at the first of the two;
* any other follows elapsed time: it fires at every instant at which the clock shows a matching time.

This is the rule of Debian's cron(8).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from cronsim import CronSim, CronSimError

from taskforge.domain.errors import InvalidInput
from taskforge.domain.local_time import LONGEST_SHIFT, instant_of, next_change, wall_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

MAX_EXPRESSION = 256
NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
FIELDS = ("second", "minute", "hour", "day of the month", "month", "day of the week")
_ALLOWED = {
    "second": "0-59",
    "minute": "0-59",
    "hour": "0-23",
    "day of the month": "1-31, L (the last) or LW (the last weekday)",
    "month": "1-12 or JAN-DEC",
    "day of the week": "0-7 (0 and 7 are Sunday) or SUN-SAT, 5#2 (the second Friday) or 5L (the last Friday)",
}
_ANY_TIME = datetime(2001, 1, 1)  # noqa: DTZ001 - a time of a clock without a zone
_WORD = re.compile(r"[A-Z]{3,}")
_KNOWN_WORDS = frozenset(
    [
        "SUN",
        "MON",
        "TUE",
        "WED",
        "THU",
        "FRI",
        "SAT",
        "JAN",
        "FEB",
        "MAR",
        "APR",
        "MAY",
        "JUN",
        "JUL",
        "AUG",
        "SEP",
        "OCT",
        "NOV",
        "DEC",
    ]
)


class Cron:
    """A parsed expression. Two of the same fields are equal.

    Raises InvalidInput (field ``cron``) for what is no expression, and for one that never comes true.
    """

    def __init__(self, expression: str) -> None:
        self.expression = " ".join(expression.split()) if len(expression) <= MAX_EXPRESSION else expression
        self.fields = _fields(expression)
        """Six fields, upper case, the seconds first."""
        self.has_seconds = len(expression.split()) == 6
        self.is_fixed = not (self.fields[1].startswith("*") or self.fields[2].startswith("*"))
        self._written = " ".join(self.fields)
        _checked(self._written, expression)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cron) and other.fields == self.fields

    def __hash__(self) -> int:
        return hash(self._written)

    def __repr__(self) -> str:
        return f"Cron({self.expression!r})"

    def next(self, after: datetime, zone: tzinfo) -> datetime:
        """The first instant later than ``after`` at which it fires by the clock of ``zone``, in UTC."""
        after = after.astimezone(UTC)
        return self._next_fixed(after, zone) if self.is_fixed else self._next_elapsed(after, zone)

    def matches(self, wall: datetime) -> bool:
        """Whether it fires when a clock shows ``wall``, a time without a zone in whole seconds."""
        return next(self._walk(wall - timedelta(seconds=1))) == wall

    def upcoming(self, after: datetime, zone: tzinfo) -> Iterator[datetime]:
        """All of them, in turn."""
        while True:
            after = self.next(after, zone)
            yield after

    def _next_fixed(self, after: datetime, zone: tzinfo) -> datetime:
        for wall in self._walk(wall_time(after, zone)):
            moment = instant_of(wall, zone)
            if moment > after:
                return moment
        raise AssertionError("unreachable")

    def _next_elapsed(self, after: datetime, zone: tzinfo) -> datetime:
        wall_before = wall_time(after, zone)
        while True:
            offset = after.astimezone(zone).utcoffset() or timedelta()
            moment = (next(self._walk(wall_before)) - offset).replace(tzinfo=UTC)
            near = min(moment, after + LONGEST_SHIFT)
            change = next_change(after, near, zone)
            if change is None and near == moment:
                return moment
            if change is None:
                # as far ahead as that nothing matches, whatever becomes of the offset
                after = max(near, moment - LONGEST_SHIFT)
                wall_before = wall_time(after, zone)
            else:
                after = change
                wall_before = wall_time(change, zone) - timedelta(microseconds=1)

    def _walk(self, after: datetime) -> Iterator[datetime]:
        """The matching times of a clock that are later than ``after``."""
        return _walk(self._written, after)


def _walk(written: str, after: datetime) -> Iterator[datetime]:
    # cronsim drops what is less than a second, and begins one second later
    start = after if after.microsecond == 0 else after.replace(microsecond=0)
    return iter(CronSim(written, start))


def _fields(expression: str) -> tuple[str, ...]:
    if len(expression) > MAX_EXPRESSION:
        raise _wrong(expression, f"is longer than {MAX_EXPRESSION} characters")
    text = expression.strip()
    if text.startswith("@"):
        name = text.lower()
        if name == "@reboot":
            raise _wrong(text, "has no time: start such work with the program itself")
        if name not in NAMED:
            raise _wrong(
                text, "is no name that is known", "one of " + ", ".join(sorted(NAMED)) + ", @every 15m"
            )
        text = NAMED[name]
    parts = text.upper().replace("?", "*").split()
    if len(parts) not in (5, 6):
        raise _wrong(
            expression,
            f"has {len(parts)} fields, not five or six",
            "minute hour day-of-month month day-of-week, such as `0 9 * * 1-5`; a sixth, the seconds, goes first",
        )
    return tuple(parts) if len(parts) == 6 else ("0", *parts)


@lru_cache(maxsize=256)
def _checked(written: str, expression: str) -> None:
    parts = written.split()
    for index, (name, part) in enumerate(zip(FIELDS, parts, strict=True)):
        probe = ["0", "0", "0", "*", "*", "*"]
        probe[index] = part
        unknown = [word for word in _WORD.findall(part) if word not in _KNOWN_WORDS]
        if unknown or not _is_readable(" ".join(probe)):
            raise _wrong(expression, f"has {part!r} as its {name}", _ALLOWED[name])
    try:
        next(iter(CronSim(written, _ANY_TIME)))
    except (CronSimError, StopIteration) as error:
        raise _wrong(
            expression,
            "never comes true: no month has such a day",
            "`0 0 L * *` is the last day of each month",
        ) from error


def _is_readable(written: str) -> bool:
    try:
        next(iter(CronSim(written, _ANY_TIME)), None)
    except (CronSimError, AssertionError, TypeError, ValueError):
        return False
    return True


def _wrong(expression: str, what: str, hint: str | None = None) -> InvalidInput:
    return InvalidInput(f"the cron expression {expression!r:.100} {what}", field="cron", hint=hint)
