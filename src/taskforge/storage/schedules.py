"""Schedules and calendars over SQL (``ports.schedules``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import Conflict
from taskforge.domain.organization import exceeded
from taskforge.domain.schedule_fields import effective
from taskforge.ports.schedules import Standing
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import from_json, to_json
from taskforge.storage.engine import Engine, One, Script
from taskforge.storage.schedule_codec import calendars_named, calendars_of, readable_schedules, schedule_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.calendar import Calendar
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.schedule import Schedule


class SqlScheduleStore:
    """Implements ``ScheduleStore`` for any engine; ``mint`` gives new ids."""

    def __init__(self, engine: Engine, mint: Callable[[], UUID]) -> None:
        self._engine = engine
        self._mint = mint

    async def create(
        self, project_id: ProjectId, name: str, declared: Mapping[str, Any] | None, changes: Mapping[str, Any]
    ) -> Schedule | None:
        audit = Audit(project_id=project_id)

        def script() -> Script[Schedule | None]:
            yield One("bump_config", {"project_id": project_id})  # first, since it locks the project
            known = yield from self._calendars(project_id)
            now = yield from self._now()
            paused = self._engine.moment((yield One("schedules_paused", {"project_id": project_id}))[0][0])
            schedule_id = self._mint()
            placed = self._placed(
                schedule_id, declared, changes, known, now, anchor=now, rests=paused is not None
            )
            row = {"project_id": project_id, "id": schedule_id, "name": name, "paused_at": paused, **placed}
            row["declared_at"] = None if declared is None else now
            limits = yield One("lock_limits", {"project_id": project_id})
            made = yield One("create_schedule", row)
            if not made:
                return None
            if limits and limits[0]["max_schedules"] is not None:
                yield from _check_limit(limits[0])
            schedule = schedule_of(made[0], self._engine)
            yield audit.entry("schedule.create", schedule.id, name, after=_told(schedule))
            return schedule

        return await self._engine.run(script)

    async def change(
        self,
        project_id: ProjectId,
        schedule_id: UUID,
        change: Callable[[Schedule], Standing | None],
        verb: str = "update",
    ) -> Schedule | None:
        audit = Audit(project_id=project_id)

        def script() -> Script[Schedule | None]:
            rows = yield One("lock_schedule", {"project_id": project_id, "schedule_id": schedule_id})
            if not rows:
                return None
            before = schedule_of(rows[0], self._engine)
            wanted = change(before)
            if wanted is None:
                return before
            known = yield from self._calendars(project_id)
            return (
                yield from self._changing(
                    before, wanted, self._engine.moment(rows[0]["now"]), known, audit, verb
                )
            )

        return await self._engine.run(script)

    def _changing(
        self,
        before: Schedule,
        wanted: Standing,
        now: datetime,
        known: Mapping[str, Calendar],
        audit: Audit,
        verb: str,
    ) -> Script[Schedule]:
        anchor = now if wanted.restarts else before.anchor_at
        placed = self._placed(
            before.id, wanted.declared, wanted.changes, known, now, anchor=anchor, rests=wanted.is_paused
        )
        if not wanted.moves:
            placed |= {"next_due_at": before.next_due_at, "next_fire_at": before.next_fire_at}
        row = {
            "project_id": before.project_id,
            "schedule_id": before.id,
            "paused_at": (before.paused_at or now) if wanted.is_paused else None,
            "declared_at": now if wanted.declares else before.declared_at,
            **placed,
        }
        after = schedule_of((yield One("update_schedule", row))[0], self._engine)
        yield audit.entry(f"schedule.{verb}", after.id, after.name, before=_told(before), after=_told(after))
        return after

    def _placed(
        self,
        schedule_id: UUID,
        declared: Mapping[str, Any] | None,
        changes: Mapping[str, Any],
        known: Mapping[str, Calendar],
        now: datetime,
        *,
        anchor: datetime,
        rests: bool,
    ) -> dict[str, Any]:
        """The columns that say what a schedule is and when it is due next, seen from now."""
        spec = effective(declared, changes)
        timetable = spec.timetable(schedule_id, anchor, calendars_named(known, spec.calendars))
        due = timetable.next(now) if spec.enabled and not rests else None
        return {
            "declared": None if declared is None else to_json(declared),
            "changes": to_json(changes),
            "enabled": spec.enabled,
            "anchor_at": anchor,
            "next_due_at": due,
            "next_fire_at": None if due is None else timetable.fire_at(due),
        }

    async def delete(self, project_id: ProjectId, schedule_id: UUID) -> Schedule | None:
        audit = Audit(project_id=project_id)
        which = {"project_id": project_id, "schedule_id": schedule_id}

        def script() -> Script[Schedule | None]:
            rows = yield One("lock_schedule", which)
            if not rows:
                return None
            gone = schedule_of(rows[0], self._engine)
            yield One("delete_schedule", which)
            yield audit.entry("schedule.delete", gone.id, gone.name, before=_told(gone))
            return gone

        return await self._engine.run(script)

    async def list(self, project_id: ProjectId) -> Sequence[Schedule]:
        return readable_schedules(
            await self._engine.read(One("list_schedules", {"project_id": project_id})), self._engine
        )

    async def find(self, project_id: ProjectId, name: str) -> Schedule | None:
        rows = await self._engine.read(One("find_schedule", {"project_id": project_id, "name": name}))
        return schedule_of(rows[0], self._engine) if rows else None

    async def pause_all(self, project_id: ProjectId, *, paused: bool) -> int:
        audit = Audit(project_id=project_id)

        def script() -> Script[int]:
            yield One("bump_config", {"project_id": project_id})
            if (yield One("pause_schedules", {"project_id": project_id, "paused": paused})):
                verb = "pause_schedules" if paused else "resume_schedules"
                yield audit.entry(f"project.{verb}", project_id, after={"schedules_paused": paused})
            known = yield from self._calendars(project_id)
            total = 0
            for row in (yield One("list_schedules", {"project_id": project_id})):
                which = {"project_id": project_id, "schedule_id": self._engine.identity(row["id"])}
                locked = yield One("lock_schedule", which)
                for found in readable_schedules(locked, self._engine):
                    if (found.paused_at is not None) == paused:
                        continue
                    wanted = Standing(found.declared, found.changes, paused, moves=True)
                    now = self._engine.moment(locked[0]["now"])
                    yield from self._changing(
                        found, wanted, now, known, audit, "pause" if paused else "resume"
                    )
                    total += 1
            return total

        return await self._engine.run(script)

    async def calendars(self, project_id: ProjectId) -> Mapping[str, Calendar]:
        return calendars_of(await self._engine.read(One("list_calendars", {"project_id": project_id})))

    async def put_calendar(self, project_id: ProjectId, name: str, calendar: Calendar) -> None:
        audit = Audit(project_id=project_id)
        values = {"project_id": project_id, "name": name, "content": to_json(calendar.to_json())}

        def script() -> Script[None]:
            yield One("bump_config", {"project_id": project_id})
            [row] = yield One("put_calendar", {**values, "id": self._mint()})
            calendar_id = self._engine.identity(row["id"])
            yield audit.entry("calendar.put", calendar_id, name, after=from_json(row["content"]))
            yield from self._move_those_of(project_id, name)

        await self._engine.run(script)

    def _move_those_of(self, project_id: ProjectId, calendar: str) -> Script[None]:
        known = yield from self._calendars(project_id)
        for row in (yield One("list_schedules", {"project_id": project_id})):
            which = {"project_id": project_id, "schedule_id": self._engine.identity(row["id"])}
            locked = yield One("lock_schedule", which)
            for found in readable_schedules(locked, self._engine):
                if calendar in found.spec.calendars and found.next_due_at is not None:
                    yield from realigning(found, known, self._engine.moment(locked[0]["now"]))

    async def delete_calendar(self, project_id: ProjectId, name: str) -> bool:
        audit = Audit(project_id=project_id)
        which = {"project_id": project_id, "name": name}

        def script() -> Script[bool]:
            yield One("bump_config", {"project_id": project_id})
            for found in readable_schedules(
                (yield One("list_schedules", {"project_id": project_id})), self._engine
            ):
                if name in found.spec.calendars:
                    raise Conflict(f"schedule {found.name!r} names the calendar {name!r}")
            rows = yield One("delete_calendar", which)
            if rows:
                yield audit.entry("calendar.delete", self._engine.identity(rows[0]["id"]), name)
            return bool(rows)

        return await self._engine.run(script)

    def _calendars(self, project_id: ProjectId) -> Script[dict[str, Calendar]]:
        return calendars_of((yield One("list_calendars", {"project_id": project_id})))

    def _now(self) -> Script[datetime]:
        moment: datetime = self._engine.moment((yield One("database_now"))[0]["now"])
        return moment


def realigning(schedule: Schedule, known: Mapping[str, Calendar], now: datetime) -> Script[bool]:
    """Look again for the next due time of one that is due later, with the days and zones of today."""
    if schedule.next_due_at is None or schedule.next_due_at <= now:
        return False
    timetable = schedule.spec.timetable(
        schedule.id, schedule.anchor_at, calendars_named(known, schedule.spec.calendars)
    )
    due = timetable.next(now)
    if due == schedule.next_due_at:
        return False
    yield One(
        "realign_schedule",
        {
            "project_id": schedule.project_id,
            "schedule_id": schedule.id,
            "was_due_at": schedule.next_due_at,
            "next_due_at": due,
            "next_fire_at": None if due is None else timetable.fire_at(due),
        },
    )
    return True


def _check_limit(limits: Any) -> Script[None]:
    """Raise LimitExceeded, and so undo it, when with the new one the organization has too many."""
    asked = {"organization_id": limits["organization_id"]}
    [row] = yield One("count_schedules_of_organization", asked)
    if row["schedules"] > limits["max_schedules"]:
        raise exceeded("schedules", limits["max_schedules"])


def _told(schedule: Schedule) -> dict[str, Any]:
    """What the audit log says of a schedule."""
    return {
        "name": schedule.name,
        "declared": schedule.declared,
        "changes": schedule.changes,
        "enabled": schedule.spec.enabled,
        "paused": schedule.paused_at is not None,
    }
