"""Rows of schedules, calendars and ticks to values of the domain, and back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from taskforge.domain.calendar import Calendar, parse_calendar
from taskforge.domain.errors import InvalidInput
from taskforge.domain.job import JobStatus
from taskforge.domain.schedule import Schedule
from taskforge.domain.schedule_fields import effective
from taskforge.domain.tick import Run, TickCause, TickOutcome, TickReason
from taskforge.storage.codec import from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskforge.storage.engine import Engine, Rows

logger = logging.getLogger("taskforge.storage")


def schedule_of(row: Any, engine: Engine) -> Schedule:
    """A row of schedules. Raises InvalidInput when somebody, or another version, wrote what cannot be read."""
    moment = engine.moment
    declared, changes = from_json(row["declared"]), from_json(row["changes"])
    if not isinstance(changes, dict) or not isinstance(declared, dict | None):
        raise InvalidInput(f"what is stored of schedule {row['name']!r} is not JSON", field="schedule")
    return Schedule(
        id=engine.identity(row["id"]),
        project_id=engine.identity(row["project_id"]),
        name=row["name"],
        declared=declared,
        changes=changes,
        spec=effective(declared, changes),
        anchor_at=moment(row["anchor_at"]),
        next_due_at=moment(row["next_due_at"]),
        next_fire_at=moment(row["next_fire_at"]),
        paused_at=moment(row["paused_at"]),
        declared_at=moment(row["declared_at"]),
        version=row["version"],
        created_at=moment(row["created_at"]),
        updated_at=moment(row["updated_at"]),
    )


def readable_schedules(rows: Rows, engine: Engine) -> list[Schedule]:
    """All of them but those that cannot be read: one bad row does not hide the rest."""
    found = []
    for row in rows:
        try:
            found.append(schedule_of(row, engine))
        except InvalidInput as error:
            logger.error("schedule %s cannot be read and is left alone: %s", row["name"], error.message)
    return found


def calendars_of(rows: Rows) -> dict[str, Calendar]:
    """Rows of calendars by name."""
    return {row["name"]: parse_calendar(from_json(row["content"])) for row in rows}


def calendars_named(known: Mapping[str, Calendar], names: Sequence[str]) -> list[Calendar]:
    """The calendars of these names. Raises InvalidInput for one that is not there."""
    for name in names:
        if name not in known:
            raise InvalidInput(
                f"there is no calendar {name!r:.100}",
                field="calendars",
                hint=f"calendars: {', '.join(sorted(known))}"
                if known
                else "make it: taskforge schedules calendar",
            )
    return [known[name] for name in names]


def run_of(row: Any, engine: Engine) -> Run:
    """A row of ticks with what is known of its job."""
    moment, identity = engine.moment, engine.identity
    return Run(
        id=identity(row["id"]),
        schedule_id=identity(row["schedule_id"]),
        schedule_name=row["schedule_name"],
        due_at=moment(row["due_at"]),
        fired_at=moment(row["fired_at"]),
        cause=TickCause(row["cause"]),
        outcome=TickOutcome(row["outcome"]),
        reason=None if row["reason"] is None else TickReason(row["reason"]),
        missed_until=moment(row["missed_until"]),
        job_id=identity(row["job_id"]),
        status=None if row["status"] is None else JobStatus(row["status"]),
        attempts=row["attempts"],
        started_at=moment(row["started_at"]),
        finished_at=moment(row["finished_at"]),
        duration=None if row["duration_us"] is None else row["duration_us"] / 1_000_000,
        result=from_json(row["result"]),
        error_type=row["error_type"],
        error_message=row["error_message"],
        traceback=row["traceback"],
    )
