"""Schedules and calendars as they are kept, and their ticks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta
    from uuid import UUID

    from taskforge.domain.calendar import Calendar
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.queue import Queue
    from taskforge.domain.schedule import Schedule
    from taskforge.domain.tick import Run, RunStats, TickCause, Unfinished
    from taskforge.ports.transactions import Batch


class Standing(NamedTuple):
    """What a change leads to: the two layers of a schedule, whether it rests, and from where it goes on.

    ``moves``: its next due time is looked for again, from the moment of the change on. ``restarts``: an interval
    counts from that moment.
    """

    declared: Mapping[str, Any] | None
    changes: Mapping[str, Any]
    is_paused: bool
    moves: bool
    restarts: bool = False
    declares: bool = False


class ScheduleStore(Protocol):
    """Rows of schedules and calendars. Every change has its entry in the audit log."""

    async def create(
        self, project_id: ProjectId, name: str, declared: Mapping[str, Any] | None, changes: Mapping[str, Any]
    ) -> Schedule | None:
        """A new schedule, due from now on; None when the name is taken. Raises InvalidInput (a calendar)."""
        ...

    async def change(
        self,
        project_id: ProjectId,
        schedule_id: UUID,
        change: Callable[[Schedule], Standing | None],
        verb: str = "update",
    ) -> Schedule | None:
        """The schedule after a change that nobody else's came between; a change of None changes nothing.

        None when it is gone. Raises InvalidInput, and what ``change`` raises.
        """
        ...

    async def delete(self, project_id: ProjectId, schedule_id: UUID) -> Schedule | None:
        """Remove it; what it was, None when it is gone already. Its ticks go with age."""
        ...

    async def list(self, project_id: ProjectId) -> Sequence[Schedule]:
        """All schedules by name; those whose rows cannot be read are left out."""
        ...

    async def find(self, project_id: ProjectId, name: str) -> Schedule | None:
        """One by its name."""
        ...

    async def pause_all(self, project_id: ProjectId, *, paused: bool) -> int:
        """Let all schedules of the project rest, those to come as well, or go on; how many changed."""
        ...

    async def calendars(self, project_id: ProjectId) -> Mapping[str, Calendar]:
        """The project's calendars by name."""
        ...

    async def put_calendar(self, project_id: ProjectId, name: str, calendar: Calendar) -> None:
        """Make or replace a calendar; schedules that name it are due anew."""
        ...

    async def delete_calendar(self, project_id: ProjectId, name: str) -> bool:
        """Whether there was one. Raises Conflict while a schedule names it."""
        ...


class Outlook(NamedTuple):
    """How the schedules of all projects stand, by the database's clock. ``next_fire_at`` None: nothing is due."""

    now: datetime
    next_fire_at: datetime | None
    has_unfinished: bool


class Due(NamedTuple):
    """A schedule with a due time that may fire now."""

    schedule_id: UUID
    project_id: ProjectId
    due_at: datetime


class Firing(NamedTuple):
    """Ticks that are to become jobs: ``make`` prepares them for the queue, in the order of the due times.

    ``notices`` gives what the commit tells others, ``trace`` what so many jobs of it belong to, if anything is traced.
    """

    make: Callable[[Schedule, Queue, Sequence[datetime]], Batch]
    notices: Callable[[ProjectId, UUID], Sequence[str]]
    trace: Callable[[Schedule, Queue, int], str | None]


class Fired(NamedTuple):
    """What one transaction did: how many due times it saw to, and the jobs and queue of those that run."""

    schedule: Schedule
    ticks: int
    job_ids: Sequence[UUID]
    queue_id: UUID | None
    cancelled: int = 0


class RunFilter(NamedTuple):
    """Which runs a list shows; newest first. ``ended_well``: by how their jobs ended.

    ``before`` is the run to go on from, in the list of one schedule.
    """

    outcome: str | None = None
    ended_well: bool | None = None
    limit: int = 20
    skip: int = 0
    before: UUID | None = None


class TickKeeper(Protocol):
    """What becomes of ticks that are over."""

    async def outlook(self) -> Outlook:
        """Whether there is anything to do; one read."""
        ...

    async def finish(self, limit: int) -> int:
        """Copy what jobs came to that have ended; how many."""
        ...

    async def prune(
        self, limit: int, *, project_id: ProjectId | None = None, most: timedelta | None = None
    ) -> int:
        """Forget what is older than each schedule keeps, and what belongs to none; in batches. How many.

        Of one project alone, and with a shorter age for what did not fail, if these are given.
        """
        ...


class TickStore(TickKeeper, Protocol):
    """Due times and what becomes of them. A tick, its job and the next due time change together."""

    async def due(self, limit: int, *, skip: Sequence[UUID] = ()) -> Sequence[Due]:
        """Schedules of any project that may fire now, the most overdue first, but for those of ``skip``."""
        ...

    async def fire(self, due: Due, firing: Firing) -> Fired | None:
        """See to a due time, and to all that have passed since; None when someone else has, or does just now.

        Raises InvalidInput when what is stored makes no schedule any more.
        """
        ...

    async def fire_now(
        self,
        project_id: ProjectId,
        schedule_id: UUID,
        firing: Firing,
        *,
        check: Callable[[Schedule, Sequence[Unfinished]], None],
    ) -> Fired | None:
        """A run at once, by hand, whatever the schedule says; None when it is gone. Raises what ``check`` raises."""
        ...

    async def fill(
        self,
        project_id: ProjectId,
        schedule_id: UUID,
        moments: Sequence[datetime],
        cause: TickCause,
        firing: Firing,
    ) -> Fired | None:
        """Runs of these due times, but for those that have run already; None when the schedule is gone."""
        ...

    async def realign(self) -> int:
        """Look for the next due times of all projects again: rules of time zones may have changed. How many moved."""
        ...

    async def unfinished(self, project_id: ProjectId, schedule_id: UUID) -> Sequence[Unfinished]:
        """Its jobs that have not ended."""
        ...

    async def runs(self, project_id: ProjectId, schedule_id: UUID, chosen: RunFilter) -> Sequence[Run]:
        """The ticks of one schedule, the latest due time first."""
        ...

    async def count_runs(
        self, project_id: ProjectId, schedule_id: UUID, chosen: RunFilter, bound: int
    ) -> int:
        """How many these are, counted up to a bound."""
        ...

    async def recent(self, project_id: ProjectId, hours: float, chosen: RunFilter) -> Sequence[Run]:
        """Runs of all schedules of the last hours, the latest first."""
        ...

    async def count_recent(self, project_id: ProjectId, hours: float, chosen: RunFilter, bound: int) -> int:
        """How many these are, counted up to a bound."""
        ...

    async def stats(self, project_id: ProjectId, schedule_id: UUID, hours: float) -> RunStats:
        """What the runs of the last hours add up to."""
        ...
