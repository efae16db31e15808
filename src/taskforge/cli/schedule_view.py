"""Schedules as documents and as text."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NOTES = {
    "gap": "the clock is put forward over the time that is meant",
    "overlap": "the clock is put back: it shows this time twice",
}


def preview_document(
    expression: str, timezone: str, after: datetime | None, count: int, language: str
) -> dict[str, Any]:
    """The next due times of an expression, in UTC and on the clock of the zone. Raises InvalidInput."""
    from taskforge.domain.cron_words import describe, describe_interval
    from taskforge.domain.local_time import zone_named
    from taskforge.domain.trigger import CronTrigger, due_times, trigger_of

    zone = zone_named(timezone)
    start = after or datetime.now(UTC)
    trigger = trigger_of(expression, timezone, anchor=start)
    if isinstance(trigger, CronTrigger):
        description = describe(trigger.cron, language)
    else:
        description = describe_interval(trigger.seconds, language)
    runs = [
        {"due_at": due, "local_time": due.astimezone(zone).isoformat(), "note": trigger.note(due)}
        for due in islice(due_times(trigger, start), count)
    ]
    return {
        "expression": expression,
        "timezone": timezone,
        "description": description,
        "trigger": trigger.spelled(),
        "due_times": [run["due_at"] for run in runs],
        "runs": runs,
    }


def print_preview(document: Mapping[str, Any]) -> None:
    """What it means in words, and a due time a line."""
    from taskforge.cli.tables import print_table

    print(f"{document['expression']}: {document['description']} ({document['timezone']})")
    print_table(
        ("DUE", "UTC", ""),
        [
            (
                f"{datetime.fromisoformat(run['local_time']):%a %Y-%m-%d %H:%M:%S %z}",
                f"{run['due_at']:%Y-%m-%d %H:%M:%S}",
                NOTES.get(run["note"] or "", ""),
            )
            for run in document["runs"]
        ],
        empty="it is not due any more",
    )


def print_schedules(found: Sequence[Mapping[str, Any]]) -> None:
    """A table of schedules; times are those of their zones."""
    from taskforge.cli.tables import print_table
    from taskforge.cli.text import one_line

    print_table(
        ("NAME", "TRIGGER", "NEXT RUN", "STATE", "ORIGIN", "TASK", "DESCRIPTION"),
        [
            (
                one["job_id"],
                one["cron"] or one["trigger"],
                _local(one["next_run"]),
                _state(one),
                one["origin"] + (" (changed)" if one["drift"] else ""),
                one["task"],
                one_line(one["description"]),
            )
            for one in found
        ],
        empty="there are no schedules yet: @app.task(cron=...), or taskforge schedules create",
    )


def print_schedule(document: Mapping[str, Any]) -> None:
    """One schedule, a field a line."""
    from taskforge.cli.tables import print_fields

    shown = ("task", "queue", "description", "cron", "interval_seconds", "run_at", "timezone", "trigger")
    rest = (
        "starts_at",
        "ends_at",
        "missed",
        "overlap",
        "priority",
        "max_attempts",
        "timeout_seconds",
        "version",
    )
    latest = document.get("latest_execution")
    print_fields(
        [
            ("name", document["job_id"]),
            *((name.replace("_", " "), document[name]) for name in shown),
            ("next run", _local(document["next_run"])),
            ("state", _state(document)),
            *((name.replace("_", " "), document[name]) for name in rest),
            ("arguments", document["arguments"] or None),
            ("calendars", ", ".join(document["calendars"])),
            ("origin", document["origin"]),
            *((f"code says {name}", value) for name, value in document["drift"].items()),
            (
                "latest run",
                None if latest is None else f"{latest['due_at']} {latest['status'] or latest['outcome']}",
            ),
        ]
    )


def print_runs(found: Sequence[Mapping[str, Any]]) -> None:
    """A table of due times and what became of them; times are UTC."""
    from taskforge.cli.tables import print_table
    from taskforge.cli.text import one_line

    print_table(
        ("DUE", "LATE", "RESULT", "DURATION", "JOB", "MESSAGE"),
        [
            (
                one["due_at"][:19].replace("T", " "),
                f"{one['late_seconds']:.1f} s",
                one["status"] or f"{one['outcome']} ({one['reason']})",
                "" if one["duration_seconds"] is None else f"{one['duration_seconds']:.3f} s",
                (one["queue_job_id"] or "")[-8:],
                one_line(one["message"]),
            )
            for one in found
        ],
        empty="it has not been due yet",
    )


def print_calendars(shown: Mapping[str, Mapping[str, Any]]) -> None:
    """A table of calendars."""
    from taskforge.cli.tables import print_table

    print_table(
        ("NAME", "WEEKDAYS", "DATES"),
        [(name, " ".join(one["weekdays"]), _dates(one["dates"])) for name, one in shown.items()],
        empty="there are no calendars",
    )


def _dates(dates: Sequence[str]) -> str:
    return " ".join(dates) if len(dates) <= 5 else f"{len(dates)}: {dates[0]} ... {dates[-1]}"


def _state(one: Mapping[str, Any]) -> str:
    if not one["enabled"]:
        return "disabled"
    return "paused" if one["paused_at"] is not None else "ended" if one["next_run"] is None else "active"


def _local(text: str | None) -> str:
    return "" if text is None else f"{datetime.fromisoformat(text):%a %Y-%m-%d %H:%M:%S %z}"
