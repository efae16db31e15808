"""A clock for tests: it goes on by itself, and can be moved on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from taskforge.domain.durations import parse_duration
from taskforge.domain.errors import InvalidInput


class MovableClock:
    """Implements ``ports.clock.Clock``: every statement takes its time for now."""

    def __init__(self) -> None:
        self._moved = timedelta()

    def now(self) -> datetime:
        """The moment that it shows, in UTC."""
        return datetime.now(UTC) + self._moved

    def advance(self, by: float | timedelta | str) -> datetime:
        """Move it on by seconds, a timedelta or a text such as ``1h30m``; answers what it shows. Raises InvalidInput."""
        self._moved += duration_of(by)
        return self.now()

    def reach(self, moment: datetime) -> None:
        """Move it on to a moment, unless it is there already."""
        self._moved += max(timedelta(), moment - self.now())

    def move_to(self, moment: datetime) -> datetime:
        """Move it on to a moment, which needs a time zone. Raises InvalidInput."""
        if moment.tzinfo is None:
            raise InvalidInput(f"{moment} has no time zone", field="moment", hint="datetime(..., tzinfo=UTC)")
        return self.advance(moment - self.now())


def duration_of(by: float | timedelta | str) -> timedelta:
    """A span that is not negative. Raises InvalidInput."""
    seconds = parse_duration(by, "by") if isinstance(by, str) else by
    span = seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds)
    if span < timedelta():
        raise InvalidInput("time does not go back", field="by")
    return span
