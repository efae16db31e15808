"""Pauses as people read them and type them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.cli.tables import print_table
from taskforge.cli.text import one_line, stamp
from taskforge.domain.errors import InvalidInput
from taskforge.domain.pause import PauseKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def what(options: Mapping[str, str | None]) -> tuple[PauseKind, str]:
    """The one thing that is meant. Raises InvalidInput when it is none or several."""
    given = [(PauseKind(name), value) for name, value in options.items() if value is not None]
    if len(given) != 1:
        names = " or ".join(f"--{name}" for name in options)
        raise InvalidInput(
            f"give one of {names}", field="pause", hint="a queue: `taskforge queues pause NAME`"
        )
    return given[0]


def print_pause(pause: Mapping[str, Any], is_new: bool) -> None:
    """That jobs are paused now, or were already."""
    since = "" if is_new else f" already, since {stamp(pause['created_at'])} by {pause['by'] or 'somebody'}"
    why = f": {pause['reason']}" if pause["reason"] else ""
    print(f"{pause['kind']} {pause['value']!r} is paused{since}{why}")


def print_pauses(found: Sequence[Mapping[str, Any]]) -> None:
    """A table; times are UTC."""
    print_table(
        ("PAUSED", "NAME", "BY", "SINCE", "REASON"),
        [
            (
                one["kind"],
                one["value"],
                one["by"] or "",
                stamp(one["created_at"]),
                one_line(one["reason"], 200),
            )
            for one in found
        ],
        empty="nothing is paused",
    )
