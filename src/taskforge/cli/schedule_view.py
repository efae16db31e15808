"""Schedules as documents and as text."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

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
