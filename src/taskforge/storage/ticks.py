"""Ticks over SQL (``ports.schedules``): a tick, its job and the next due time in one transaction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput, QueueClosed, QueueFull
from taskforge.domain.ids import JobId
from taskforge.domain.job import JobStatus
from taskforge.domain.queue import QueueState
from taskforge.domain.tick import (
    PlannedTick,
    RunStats,
    TickCause,
    TickOutcome,
    TickReason,
    Unfinished,
    plan,
)
from taskforge.ports.schedules import Due, Fired, RunFilter
from taskforge.storage.auditing import Audit
from taskforge.storage.endings import add_notices
from taskforge.storage.engine import Engine, Many, One, Script, columns
from taskforge.storage.schedule_codec import (
    calendars_named,
    calendars_of,
    run_of,
    schedule_of,
)
from taskforge.storage.schedules import realigning
from taskforge.storage.tick_keeping import SqlTickKeeper
from taskforge.storage.traces import put_traces

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from taskforge.domain.calendar import Calendar
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.schedule import Schedule
    from taskforge.domain.tick import Run
    from taskforge.ports.schedules import Firing
    from taskforge.storage.jobs import SqlJobStore
    from taskforge.storage.queues import SqlQueueStore

_TICK = ("due_at", "id", "outcome", "reason", "missed_until", "job_id")
_STEP = timedelta(microseconds=1)
_ENDED = {None: None, True: "well", False: "badly"}

END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


class SqlTickStore(SqlTickKeeper):
    """Implements ``TickStore`` for any engine; ``mint`` gives new ids. What pruning asks of it is in its base."""

    def __init__(
        self, engine: Engine, jobs: SqlJobStore, queues: SqlQueueStore, mint: Callable[[], UUID]
    ) -> None:
        super().__init__(engine)
        self._jobs = jobs
        self._queues = queues
        self._mint = mint

    async def due(self, limit: int, *, skip: Sequence[UUID] = ()) -> Sequence[Due]:
        identity, moment = self._engine.identity, self._engine.moment
        return [
            Due(identity(row["id"]), identity(row["project_id"]), moment(row["next_due_at"]))
            for row in await self._engine.read(One("due_schedules", {"limit": limit, "skip": list(skip)}))
        ]

    async def fire(self, due: Due, firing: Firing) -> Fired | None:
        audit = Audit(project_id=due.project_id)
        which = {"project_id": due.project_id, "schedule_id": due.schedule_id, "due_at": due.due_at}

        def script() -> Script[Fired | None]:
            yield One("bound_tick")
            rows = yield One("take_tick", which)
            if not rows:
                return None
            schedule = schedule_of(rows[0], self._engine)
            timetable = schedule.spec.timetable(
                schedule.id, schedule.anchor_at, (yield from self._calendars_of(schedule))
            )
            unfinished = yield from self._unfinished(schedule)
            now = self._engine.moment(rows[0]["now"])
            planned = plan(schedule.spec, timetable, due.due_at, now, unfinished)
            cancelled = 0
            if planned.cancels:
                for run in unfinished:
                    status = yield from self._jobs.cancelling(schedule.project_id, JobId(run.job_id), audit)
                    cancelled += status is not None and not status.is_finished
            fired = yield from self._run(schedule, planned.ticks, TickCause.DUE, firing)
            yield One(
                "advance_schedule",
                {**which, "next_due_at": planned.next_due_at, "next_fire_at": planned.next_fire_at},
            )
            return fired._replace(cancelled=cancelled)

        return await self._engine.run(script)

    async def fire_now(
        self,
        project_id: ProjectId,
        schedule_id: UUID,
        firing: Firing,
        *,
        check: Callable[[Schedule, Sequence[Unfinished]], None],
    ) -> Fired | None:
        which = {"project_id": project_id, "schedule_id": schedule_id}

        def script() -> Script[Fired | None]:
            yield One("bound_tick")
            rows = yield One("lock_schedule", which)
            if not rows:
                return None
            schedule = schedule_of(rows[0], self._engine)
            check(schedule, (yield from self._unfinished(schedule)))
            moment = self._engine.moment(rows[0]["now"])
            while True:  # a due time may be just now
                tick = PlannedTick(moment, TickOutcome.FIRED)
                fired = yield from self._run(schedule, [tick], TickCause.MANUAL, firing, is_refused=False)
                if fired.ticks:
                    return fired
                moment += _STEP

        return await self._engine.run(script)

    async def fill(
        self,
        project_id: ProjectId,
        schedule_id: UUID,
        moments: Sequence[datetime],
        cause: TickCause,
        firing: Firing,
    ) -> Fired | None:
        which = {"project_id": project_id, "schedule_id": schedule_id}

        def script() -> Script[Fired | None]:
            yield One("bound_tick")
            rows = yield One("lock_schedule", which)
            if not rows:
                return None
            schedule = schedule_of(rows[0], self._engine)
            ticks = [PlannedTick(moment, TickOutcome.FIRED) for moment in moments]
            return (yield from self._run(schedule, ticks, cause, firing, is_refused=False))

        return await self._engine.run(script)

    def _run(
        self,
        schedule: Schedule,
        ticks: Sequence[PlannedTick],
        cause: TickCause,
        firing: Firing,
        *,
        is_refused: bool = True,
    ) -> Script[Fired]:
        """Write the ticks, then the jobs of those that were not there before.

        A queue that takes no jobs makes them skipped ones, or, without ``is_refused``, raises.
        """
        moments = [tick.due_at for tick in ticks if tick.outcome is TickOutcome.FIRED]
        queue = None
        batch = None
        if moments:
            queue = yield from self._queues.declared(schedule.project_id, schedule.spec.queue)
            batch = firing.make(schedule, queue, moments)
        jobs = {} if batch is None else dict(zip(moments, batch.jobs, strict=True))
        written = [
            (
                tick.due_at,
                self._mint(),
                tick.outcome.value,
                None if tick.reason is None else tick.reason.value,
                tick.missed_until,
                jobs[tick.due_at].id if tick.due_at in jobs else None,
            )
            for tick in ticks
        ]
        same = {"project_id": schedule.project_id, "schedule_id": schedule.id, "cause": cause.value}
        rows = yield Many("insert_ticks", columns(_TICK, written), same)
        inserted = {self._engine.moment(row["due_at"]) for row in rows}
        new = [job for moment, job in jobs.items() if moment in inserted]
        if not new or batch is None or queue is None:
            return Fired(schedule, len(inserted), [], None)
        wanted = {job.id: batch.keys[job.id] for job in new if job.id in batch.keys}
        keys = {job_id: named._replace(notify=()) for job_id, named in wanted.items()}
        try:
            if queue.state is QueueState.CLOSED:
                raise QueueClosed(f"queue {queue.name!r} is closed: it refuses new jobs")
            accepted = yield from self._jobs.accepting(schedule.project_id, new, keys, batch.bounds)
        except (QueueClosed, QueueFull) as error:
            if not is_refused:
                raise
            reason = TickReason.QUEUE_FULL if isinstance(error, QueueFull) else TickReason.QUEUE_CLOSED
            due = [moment for moment in jobs if moment in inserted]
            yield Many("refuse_ticks", {"due_at": due}, {**same, "reason": reason.value})
            return Fired(schedule, len(inserted), [], None)
        stored = [job for job in new if accepted.standing[job.id] == job.id]
        if len(stored) < len(new):  # other jobs have their key
            others = [moment for moment, job in jobs.items() if job in new and job not in stored]
            yield Many("refuse_ticks", {"due_at": others}, {**same, "reason": TickReason.OVERLAP.value})
        told_of = {
            job.id: wanted[job.id].notify for job in stored if job.id in wanted and wanted[job.id].notify
        }
        yield from add_notices(self._engine, schedule.project_id, told_of, is_strict=not is_refused)
        trace = firing.trace(schedule, queue, len(stored)) if stored else None
        if trace is not None:
            yield put_traces(schedule.project_id, [job.id for job in stored], trace)
        for notice in firing.notices(schedule.project_id, queue.id):
            yield One("notify", {"notice": notice})
        return Fired(schedule, len(inserted), [job.id for job in stored], queue.id)

    async def realign(self) -> int:
        rows = await self._engine.read(One("schedules_ahead"))
        moved = 0
        for row in rows:
            which = {
                "project_id": self._engine.identity(row["project_id"]),
                "schedule_id": self._engine.identity(row["id"]),
            }
            try:
                moved += await self._engine.run(partial(self._realign, which))
            except InvalidInput:  # whoever fires it says so
                continue
        return moved

    def _realign(self, which: dict[str, Any]) -> Script[bool]:
        rows = yield One("lock_schedule", which)
        if not rows:
            return False
        schedule = schedule_of(rows[0], self._engine)
        known = calendars_of((yield One("list_calendars", {"project_id": schedule.project_id})))
        return (yield from realigning(schedule, known, self._engine.moment(rows[0]["now"])))

    async def unfinished(self, project_id: ProjectId, schedule_id: UUID) -> Sequence[Unfinished]:
        which = {"project_id": project_id, "schedule_id": schedule_id}
        rows = await self._engine.read(One("unfinished_runs", which))
        return [Unfinished(self._engine.identity(row["job_id"]), JobStatus(row["status"])) for row in rows]

    def _unfinished(self, schedule: Schedule) -> Script[list[Unfinished]]:
        which = {"project_id": schedule.project_id, "schedule_id": schedule.id}
        rows = yield One("unfinished_runs", which)
        return [Unfinished(self._engine.identity(row["job_id"]), JobStatus(row["status"])) for row in rows]

    def _calendars_of(self, schedule: Schedule) -> Script[list[Calendar]]:
        if not schedule.spec.calendars:
            return []
        known = calendars_of((yield One("list_calendars", {"project_id": schedule.project_id})))
        return calendars_named(known, schedule.spec.calendars)

    async def runs(self, project_id: ProjectId, schedule_id: UUID, chosen: RunFilter) -> Sequence[Run]:
        where = {"project_id": project_id, "schedule_id": schedule_id, **_page(chosen), **_chosen(chosen)}
        where |= {"outcome": chosen.outcome, "until": END_OF_TIME}
        if chosen.before is not None:
            which = {"project_id": project_id, "schedule_id": schedule_id, "run_id": chosen.before}
            places = await self._engine.read(One("due_time_of_run", which))
            if not places:
                return []
            where |= {"until": self._engine.moment(places[0]["due_at"])}
        return [run_of(row, self._engine) for row in await self._engine.read(One("runs_of_schedule", where))]

    async def count_runs(
        self, project_id: ProjectId, schedule_id: UUID, chosen: RunFilter, bound: int
    ) -> int:
        where = {"project_id": project_id, "schedule_id": schedule_id, "bound": bound, **_chosen(chosen)}
        where |= {"outcome": chosen.outcome}
        return int((await self._engine.read(One("count_runs_of_schedule", where)))[0]["runs"])

    async def recent(self, project_id: ProjectId, hours: float, chosen: RunFilter) -> Sequence[Run]:
        where = {
            "project_id": project_id,
            "since": await self._since(hours),
            **_page(chosen),
            **_chosen(chosen),
        }
        return [run_of(row, self._engine) for row in await self._engine.read(One("recent_runs", where))]

    async def count_recent(self, project_id: ProjectId, hours: float, chosen: RunFilter, bound: int) -> int:
        where = {
            "project_id": project_id,
            "since": await self._since(hours),
            "bound": bound,
            **_chosen(chosen),
        }
        return int((await self._engine.read(One("count_recent_runs", where)))[0]["runs"])

    async def stats(self, project_id: ProjectId, schedule_id: UUID, hours: float) -> RunStats:
        where = {"project_id": project_id, "schedule_id": schedule_id, "since": await self._since(hours)}
        [row] = await self._engine.read(One("run_stats", where))
        average = row["avg_duration_us"]
        return RunStats(
            row["total_runs"],
            row["successful_runs"],
            row["failed_runs"],
            None if average is None else float(average) / 1_000_000,
        )

    async def _since(self, hours: float) -> datetime:
        [row] = await self._engine.read(One("database_now"))
        now: datetime = self._engine.moment(row["now"])
        return now - timedelta(hours=hours)


def _page(chosen: RunFilter) -> dict[str, Any]:
    return {"limit": chosen.limit, "skip": chosen.skip}


def _chosen(chosen: RunFilter) -> dict[str, Any]:
    return {"ended": _ENDED[chosen.ended_well]}
