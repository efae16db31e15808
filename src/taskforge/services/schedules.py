"""The schedules of one project: made by code and by operators, looked at, changed, run by hand, made up for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from taskforge.domain.bounds import check_seconds
from taskforge.domain.calendar import Calendar, parse_calendar
from taskforge.domain.errors import Conflict, InvalidInput, NotFound
from taskforge.domain.names import check_name
from taskforge.domain.schedule import TRIGGERS, Schedule
from taskforge.domain.schedule_fields import changed, checked_fields, effective
from taskforge.domain.tick import is_in_the_way
from taskforge.ports.schedules import RunFilter, Standing
from taskforge.ports.signals import Hint, Topic
from taskforge.services.directory import near

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.tick import Run, RunStats, Unfinished
    from taskforge.domain.timetable import Timetable
    from taskforge.ports.schedules import ScheduleStore, TickStore
    from taskforge.ports.signals import Signals
    from taskforge.services.payload_schemas import PayloadSchemas
    from taskforge.services.ticking import FiringPlans

MOVING = frozenset(
    (*TRIGGERS, "timezone", "starts_at", "ends_at", "calendars", "on_holiday", "jitter_seconds", "enabled")
)
"""Fields with which a schedule is due at another time."""
COUNT_BOUND = 10_000
FORGET_BATCH = 1_000


class Schedules:
    """Schedules by name, which is unique in the project. ``timezone`` is that of those which name none."""

    def __init__(
        self,
        store: ScheduleStore,
        ticks: TickStore,
        plans: FiringPlans,
        payloads: PayloadSchemas,
        signals: Signals,
        project_id: ProjectId,
        *,
        timezone: str,
    ) -> None:
        self._store = store
        self._ticks = ticks
        self._plans = plans
        self._payloads = payloads
        self._signals = signals
        self._project_id = project_id
        self._timezone = timezone

    async def list(self) -> Sequence[Schedule]:
        """All of them by name."""
        return await self._store.list(self._project_id)

    async def find(self, name: str) -> Schedule | None:
        """One by exactly its name; None if there is none."""
        return await self._store.find(self._project_id, name)

    async def named(self, name: str) -> Schedule:
        """One by its name, or by the only one that ends with it behind a dot. Raises NotFound with near names."""
        found = await self._store.find(self._project_id, name)
        if found is not None:
            return found
        known = {schedule.name: schedule for schedule in await self.list()}
        return known[full_name(name, list(known))]

    async def create(self, name: str, fields: Mapping[str, Any]) -> Schedule:
        """A schedule that no code declares. Raises InvalidInput naming the field, Conflict when the name is taken."""
        _check_name(name)
        given = {"timezone": self._timezone, **_given(fields)}
        if "task" in given:
            given["task"] = await self.task_named(given["task"])
        if "queue" not in given and (queue := self._payloads.queue_of(given.get("task", ""))) is not None:
            given["queue"] = queue
        await self._check(given)
        made = await self._store.create(self._project_id, name, None, given)
        if made is None:
            raise Conflict(f"a schedule named {name!r} exists already")
        self._changed()
        return made

    async def edit(
        self, name: str, fields: Mapping[str, Any], *, check: Callable[[Schedule], None] | None = None
    ) -> Schedule:
        """Change fields; None goes back to what code says, or to the default. Raises InvalidInput, NotFound."""
        found = await self.named(name)
        wanted = checked_fields(fields)

        def change(schedule: Schedule) -> Standing | None:
            if check is not None:
                check(schedule)
            changes = _with(schedule, wanted)
            if changes == schedule.changes:
                return None
            return _standing(schedule, schedule.declared, changes)

        await self._check({**(found.declared or {}), **_with(found, wanted)})
        return await self._apply(found, change, "update")

    async def reset(self, name: str) -> Schedule:
        """Go back to what code says. Raises Conflict for one that no code declares."""
        found = await self.named(name)
        if found.declared is None:
            raise Conflict(f"no code declares the schedule {found.name!r}", hint="edit it")
        return await self._apply(found, lambda schedule: _standing(schedule, schedule.declared, {}), "reset")

    async def enable(self, name: str) -> Schedule:
        """Let it be due again, from now on."""
        return await self._switch(name, enabled=True)

    async def disable(self, name: str) -> Schedule:
        """Let it be due no more, whatever code says, until it is enabled."""
        return await self._switch(name, enabled=False)

    async def _switch(self, name: str, *, enabled: bool) -> Schedule:
        found = await self.named(name)

        def change(schedule: Schedule) -> Standing | None:
            if schedule.spec.enabled is enabled and schedule.paused_at is None:
                return None
            changes = changed(schedule.declared, schedule.changes, {"enabled": enabled})
            return Standing(schedule.declared, changes, False, moves=True)

        return await self._apply(found, change, "enable" if enabled else "disable")

    async def delete(self, name: str) -> Schedule:
        """Remove it. One that code declares comes back with the next start of that code: better disable it."""
        found = await self.named(name)
        gone = await self._store.delete(self._project_id, found.id)
        if gone is None:
            raise _gone(found)
        self._changed()
        return gone

    async def declare(self, name: str, fields: Mapping[str, Any]) -> Schedule:
        """What code says of a schedule; what operators changed of it stays. Writes nothing when it knows it already."""
        _check_name(name)
        declared = {"timezone": self._timezone, **_given(fields)}
        effective(declared, {})
        found = await self._store.find(self._project_id, name)
        if found is None:
            found = await self._store.create(self._project_id, name, declared, {})
            if found is not None:
                self._changed()
                return found
            found = await self.named(name)
        if found.declared == declared:
            return found

        def change(schedule: Schedule) -> Standing | None:
            if schedule.declared == declared:
                return None
            own = {key: value for key, value in schedule.changes.items() if value != declared.get(key)}
            return _standing(schedule, declared, own, declares=True)

        return await self._apply(found, change, "declare")

    async def pause_all(self) -> int:
        """Let every schedule rest, those to come as well; how many rest that did not."""
        changed_count = await self._store.pause_all(self._project_id, paused=True)
        self._changed()
        return changed_count

    async def resume_all(self) -> int:
        """Let them go on, from now on."""
        changed_count = await self._store.pause_all(self._project_id, paused=False)
        self._changed()
        return changed_count

    async def now(self) -> datetime:
        """The database's time."""
        return (await self._ticks.outlook()).now

    async def timetable(self, schedule: Schedule) -> Timetable:
        """Its due times."""
        return await timetable_of(self._store, schedule)

    async def trigger(self, name: str) -> UUID:
        """A run at once, also of one that is disabled; the id of its job.

        Raises Conflict while another run forbids it, QueueClosed, QueueFull, NotFound.
        """
        found = await self.named(name)

        def check(schedule: Schedule, unfinished: Sequence[Unfinished]) -> None:
            if is_in_the_way(schedule.spec.overlap, unfinished):
                raise Conflict(
                    f"schedule {schedule.name!r} is running: job {unfinished[0].job_id}",
                    hint=f"its overlap policy is {schedule.spec.overlap}",
                )

        fired = await self._ticks.fire_now(self._project_id, found.id, self._plans.firing(), check=check)
        if fired is None:
            raise _gone(found)
        self._plans.announce(fired)
        self._signals.publish(Hint(Topic.SCHEDULE, self._project_id))
        return fired.job_ids[0]

    async def runs(self, schedule: Schedule, chosen: RunFilter) -> Sequence[Run]:
        """Its ticks and what became of them, the latest due time first."""
        return await self._ticks.runs(self._project_id, schedule.id, chosen)

    async def latest_of(
        self, schedules: Sequence[Schedule], count: int
    ) -> Sequence[tuple[Schedule, Sequence[Run]]]:
        """The latest so many due times of each of these, the last one first."""
        chosen = RunFilter(limit=count)
        return [(schedule, await self.runs(schedule, chosen)) for schedule in schedules]

    async def count_runs(self, schedule: Schedule, chosen: RunFilter) -> int:
        """How many these are, up to `COUNT_BOUND`."""
        return await self._ticks.count_runs(self._project_id, schedule.id, chosen, COUNT_BOUND)

    async def latest(self, schedule: Schedule) -> Run | None:
        """Its latest run."""
        runs = await self.runs(schedule, RunFilter(outcome="fired", limit=1))
        return runs[0] if runs else None

    async def recent(self, hours: float, chosen: RunFilter) -> Sequence[Run]:
        """Runs of all schedules in the last hours, the latest first."""
        return await self._ticks.recent(self._project_id, hours, chosen)

    async def count_recent(self, hours: float, chosen: RunFilter) -> int:
        """How many these are, up to `COUNT_BOUND`."""
        return await self._ticks.count_recent(self._project_id, hours, chosen, COUNT_BOUND)

    async def stats(self, schedule: Schedule, hours: float) -> RunStats:
        """What its runs of the last hours add up to."""
        return await self._ticks.stats(self._project_id, schedule.id, hours)

    async def forget(self, days: float) -> int:
        """Forget runs that are older; failed ones only when they are older than their schedule keeps them. How many."""
        age = timedelta(days=check_seconds(days, "days", least=0.0))
        return await self._ticks.prune(FORGET_BATCH, project_id=self._project_id, most=age)

    async def calendars(self) -> Mapping[str, Calendar]:
        """All calendars by name."""
        return await self._store.calendars(self._project_id)

    async def put_calendar(self, name: str, values: Mapping[str, Any]) -> Calendar:
        """Make or replace a calendar of ``dates`` and ``weekdays``. Raises InvalidInput."""
        calendar = parse_calendar(values)
        await self._store.put_calendar(self._project_id, check_name(name, "calendar name"), calendar)
        self._changed()
        return calendar

    async def delete_calendar(self, name: str) -> None:
        """Remove one that no schedule names. Raises NotFound, Conflict."""
        if not await self._store.delete_calendar(self._project_id, name):
            raise NotFound(
                f"no calendar is named {name!r:.120}", hint=near(name, list(await self.calendars()))
            )

    async def task_named(self, task: str) -> str:
        """The task of this name, or the only known one that ends with it behind a dot; else the text itself."""
        await self._payloads.refresh()
        if self._payloads.knows(task):
            return task
        ending = [name for name in self._payloads.names() if name.endswith(f".{task}")]
        return ending[0] if len(ending) == 1 else task

    async def _check(self, fields: Mapping[str, Any]) -> None:
        """What can be known before it runs: the fields themselves, the task, its arguments, that it is ever due."""
        spec = effective(None, fields)
        await self._payloads.refresh()
        if not self._payloads.knows(spec.task):
            raise InvalidInput(
                f"no task is named {spec.task!r:.120}",
                field="task",
                hint=near(spec.task, self._payloads.names()),
            )
        self._payloads.check(spec.task, {} if spec.arguments is None else spec.arguments, "arguments")
        if spec.run_at is not None and spec.run_at <= await self.now():
            raise InvalidInput("run_at lies in the past", field="run_at")

    async def _apply(
        self, found: Schedule, change: Callable[[Schedule], Standing | None], verb: str
    ) -> Schedule:
        after = await self._store.change(self._project_id, found.id, change, verb)
        if after is None:
            raise _gone(found)
        self._changed()
        return after

    def _changed(self) -> None:
        self._signals.publish(Hint(Topic.SCHEDULE, self._project_id))


def _check_name(name: str) -> None:
    if "/" in check_name(name, "schedule name"):
        raise InvalidInput(f"a schedule name has no slash: {name!r}", field="name")


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in checked_fields(fields).items() if value is not None}


def _with(schedule: Schedule, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The changes of operators after this one; None takes a change back."""
    taken_back = {name for name, value in wanted.items() if value is None}
    if taken_back & set(TRIGGERS):
        taken_back |= {name for name in TRIGGERS if wanted.get(name) is None}
    kept = {name: value for name, value in schedule.changes.items() if name not in taken_back}
    return changed(schedule.declared, kept, {n: v for n, v in wanted.items() if n not in taken_back})


def _standing(
    schedule: Schedule,
    declared: Mapping[str, Any] | None,
    changes: Mapping[str, Any],
    *,
    declares: bool = False,
) -> Standing:
    """Where a schedule goes on from: at its next due time, unless what is changed moves that."""
    before, after = schedule.spec, effective(declared, changes)
    moves = any(getattr(before, name) != getattr(after, name) for name in MOVING)
    return Standing(
        declared,
        changes,
        schedule.paused_at is not None,
        moves=moves,
        restarts=before.interval_seconds != after.interval_seconds or before.cron != after.cron,
        declares=declares,
    )


def full_name(name: str, known: Sequence[str]) -> str:
    """The schedule's name that is meant: itself, or the only one that ends with it behind a dot. Raises NotFound, Conflict."""
    if name in known:
        return name
    ending = [other for other in known if other.endswith(f".{name}")]
    if len(ending) == 1:
        return ending[0]
    if ending:
        raise Conflict(f"{name!r} could be any of: {', '.join(ending)}", hint="write more of the name")
    raise NotFound(f"no schedule is named {name!r:.120}", hint=near(name, known))


async def timetable_of(store: ScheduleStore, schedule: Schedule) -> Timetable:
    """The due times of a schedule, with the calendars that it names."""
    known = await store.calendars(schedule.project_id) if schedule.spec.calendars else {}
    named = [known[name] for name in schedule.spec.calendars if name in known]
    return schedule.spec.timetable(schedule.id, schedule.anchor_at, named)


def _gone(schedule: Schedule) -> NotFound:
    return NotFound(f"schedule {schedule.name!r} was deleted just now")
