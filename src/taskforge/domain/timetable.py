"""When a schedule is due: its trigger, between its start and its end, without the days of its calendars."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from taskforge.domain.calendar import LONGEST_REST, Calendar
from taskforge.domain.local_time import instant_of, wall_time
from taskforge.domain.trigger import due_times

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from uuid import UUID
    from zoneinfo import ZoneInfo

    from taskforge.domain.trigger import Trigger

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Timetable:
    """The due times of one schedule. ``jitter`` is seconds by which a run may be put off, differently each time.

    With ``moves`` a time on a day of the calendar is put off to the same time of the next day that is none.
    """

    id: UUID
    trigger: Trigger
    zone: ZoneInfo
    calendar: Calendar
    moves: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    jitter: float = 0.0

    def next(self, after: datetime) -> datetime | None:
        """The first due time later than ``after``, in UTC; None when there will be none."""
        if self.starts_at is not None and after < self.starts_at:
            after = self.starts_at.astimezone(UTC) - _TICK
        due = self._next_moved(after) if self.moves else self.trigger.next(after)
        if due is None or (self.ends_at is not None and due > self.ends_at):
            return None
        return due

    def upcoming(self, after: datetime) -> Iterator[datetime]:
        """All of them, in turn."""
        due = self.next(after)
        while due is not None:
            yield due
            due = self.next(due)

    def rests(self, due: datetime) -> bool:
        """Whether a due time lies on a day of the calendar."""
        return self.calendar.excludes(self._day(due))

    def fire_at(self, due: datetime) -> datetime:
        """When the run of a due time may begin: the same for whoever asks."""
        if not self.jitter:
            return due
        digest = hashlib.blake2b(f"{self.id} {due.timestamp():.6f}".encode(), digest_size=7).digest()
        share = int.from_bytes(digest, "big") / 2**56
        return due + timedelta(microseconds=int(share * self.jitter * 1_000_000))

    def _day(self, moment: datetime) -> date:
        return wall_time(moment, self.zone).date()

    def _next_moved(self, after: datetime) -> datetime | None:
        """Days in a row that are excluded all move to the one behind them, so the walk begins before these."""
        first = self._day(after)
        for _ in range(LONGEST_REST):
            before = first - timedelta(days=1)
            if not self.calendar.excludes(before):
                break
            first = before
        start = instant_of(datetime(first.year, first.month, first.day), self.zone) - _TICK  # noqa: DTZ001
        best: datetime | None = None
        for due in due_times(self.trigger, min(start, after)):
            if best is not None and due >= best:
                return best
            moved = self._moved(due)
            if moved is None:
                return best
            if moved > after and (best is None or moved < best):
                best = moved
        return best

    def _moved(self, due: datetime) -> datetime | None:
        wall = wall_time(due, self.zone)
        day = self.calendar.next_business_day(wall.date())
        if day is None:
            return None
        if day == wall.date():
            return due
        return instant_of(datetime.combine(day, wall.time()), self.zone)
