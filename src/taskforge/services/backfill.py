"""Making up for a past span of a schedule: the due times in it that have not run are run, some at a time.

Each due time has its tick, so a batch that is repeated makes nothing twice, and whoever stops between two has lost nothing.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from taskforge.domain.errors import InvalidInput, NotFound
from taskforge.domain.operation import Span
from taskforge.domain.tick import TickCause
from taskforge.services.schedules import timetable_of

if TYPE_CHECKING:
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.schedule import Schedule
    from taskforge.ports.schedules import ScheduleStore, TickStore
    from taskforge.services.ticking import FiringPlans

MOST_DUE_TIMES = 10_000
"""Of one span."""
BATCH = 100
COUNTED_AT_ONCE = 500
MOMENT = timedelta(microseconds=1)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
"""Nothing was due before; much earlier the calendar itself ends."""


class Filled(NamedTuple):
    """What a batch has done: due times that run now, those that had run, and behind which the next begins; None at the end."""

    run: int
    skipped: int
    place: datetime | None


class Backfill:
    """Backfills of one project. ``plans`` make jobs of ticks."""

    def __init__(
        self, schedules: ScheduleStore, ticks: TickStore, plans: FiringPlans, project_id: ProjectId
    ) -> None:
        self._schedules = schedules
        self._ticks = ticks
        self._plans = plans
        self._project_id = project_id

    async def span(self, schedule: Schedule, since: datetime, until: datetime) -> tuple[Span, int]:
        """The span, and how many due times are in it. Raises InvalidInput for one that is not past, or has too many."""
        since = max(since, EARLIEST)
        if until <= since:
            raise InvalidInput("the span ends before it begins", field="until")
        now = (await self._ticks.outlook()).now
        if until > now:
            raise InvalidInput("only a past span can be made up for", field="until", hint=now.isoformat())
        timetable = await timetable_of(self._schedules, schedule)
        seen = count = 0
        due = timetable.next(since - MOMENT)
        while due is not None and due <= until:
            seen += 1
            count += not timetable.rests(due)
            if seen > MOST_DUE_TIMES:
                raise InvalidInput(
                    f"the span has more than {MOST_DUE_TIMES:,} due times",
                    field="until",
                    hint="take less at a time",
                )
            if seen % COUNTED_AT_ONCE == 0:
                await asyncio.sleep(0)
            due = timetable.next(due)
        return Span(schedule.id, schedule.name, since.astimezone(UTC), until.astimezone(UTC)), count

    async def run(self, span: Span) -> int:
        """All of it; answers how many due times run now. Raises NotFound, QueueClosed, QueueFull, LimitExceeded."""
        run, place = 0, span.since - MOMENT
        while True:
            filled = await self.step(span, place)
            run += filled.run
            if filled.place is None:
                return run
            place = filled.place

    async def step(self, span: Span, place: datetime, batch: int = BATCH) -> Filled:
        """The next ``batch`` due times behind ``place``, as the schedule is now."""
        schedule = await self._schedules.find(self._project_id, span.schedule)
        if schedule is None or schedule.id != span.schedule_id:
            raise NotFound(f"schedule {span.schedule!r} is gone")
        timetable = await timetable_of(self._schedules, schedule)
        moments = []
        due = timetable.next(place)
        for _ in range(batch):
            if due is None or due > span.until:
                due = None
                break
            place = due
            if not timetable.rests(due):
                moments.append(due)
            due = timetable.next(due)
        run = 0
        if moments:
            fired = await self._ticks.fill(
                self._project_id, schedule.id, moments, TickCause.BACKFILL, self._plans.firing()
            )
            if fired is None:
                raise NotFound(f"schedule {span.schedule!r} was deleted just now")
            self._plans.announce(fired)
            run = len(fired.job_ids)
        return Filled(run, len(moments) - run, None if due is None else place)
