"""Error groups as text."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from taskforge.cli.tables import print_fields, print_table
from taskforge.cli.text import ago, moment, one_line, visible
from taskforge.domain.ids import short

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HEADS = ("ID", "STATUS", "ERROR", "WHERE", "COUNT", "FIRST SEEN", "LAST SEEN", "TASKS")


def print_groups(found: Sequence[Mapping[str, Any]]) -> None:
    """A line for each group."""
    now = datetime.now(UTC)
    print_table(
        HEADS,
        [
            (
                _short(group["id"]),
                group["status"],
                one_line(group["error_type"]),
                one_line(group["frames"][-1] if group["frames"] else ""),
                group["count"],
                moment(_time(group["first_seen"])),
                ago(_time(group["last_seen"]), now),
                one_line(", ".join(task["name"] for task in group["tasks"])),
            )
            for group in found
        ],
        empty="nothing has failed",
        right=("COUNT",),
    )


def print_group(group: Mapping[str, Any]) -> None:
    """One group, whole."""
    now = datetime.now(UTC)
    judged = f" by {group['status_by']}" if group["status_by"] else ""
    print_fields(
        [
            ("id", group["id"]),
            ("status", f"{group['status']} since {moment(_time(group['status_at']))}{judged}"),
            ("muted until", moment(_time(group["muted_until"]))),
            ("error", group["error_type"]),
            ("message", one_line(group["message"], 200)),
            ("count", f"{group['count']:,}"),
            ("first seen", moment(_time(group["first_seen"]))),
            ("last seen", f"{moment(_time(group['last_seen']))} ({ago(_time(group['last_seen']), now)})"),
            ("latest job", group["job_id"]),
            *((name, _counts(group[name])) for name in ("tasks", "queues", "tags", "tenants")),
            ("frames", " > ".join(group["frames"])),
        ]
    )
    if group["traceback"]:
        print()
        print(visible(group["traceback"].rstrip()))


def _counts(counts: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{found['name']} ({found['count']:,})" for found in counts)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _short(text: str) -> str:
    from uuid import UUID

    return short(UUID(text))
