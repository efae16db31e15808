"""Pauses as people read them and type them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.cli.tables import print_table
from taskforge.cli.text import moment, one_line
from taskforge.domain.errors import InvalidInput
from taskforge.domain.pause import PauseKind
from taskforge.domain.queue import QueueState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskforge.domain.pause import Pause
    from taskforge.platform import Platform


def what(options: Mapping[str, str | None]) -> tuple[PauseKind, str]:
    """The one thing that is meant. Raises InvalidInput when it is none or several."""
    given = [(PauseKind(name), value) for name, value in options.items() if value is not None]
    if len(given) != 1:
        names = " or ".join(f"--{name}" for name in options)
        raise InvalidInput(
            f"give one of {names}", field="pause", hint="a queue: `taskforge queues pause NAME`"
        )
    return given[0]


async def all_pauses(platform: Platform) -> Sequence[Mapping[str, Any]]:
    """Paused queues by name, then what is paused otherwise, oldest first."""
    queues = [
        {
            "kind": "queue",
            "value": queue.name,
            "reason": queue.pause_reason,
            "by": queue.paused_by,
            "created_at": queue.paused_at,
        }
        for queue in await platform.queues.list()
        if queue.state is QueueState.PAUSED
    ]
    return [*queues, *(pause_document(pause) for pause in await platform.pauses.list())]


def pause_document(pause: Pause) -> dict[str, Any]:
    """What a person may know of a pause."""
    document: dict[str, Any] = {
        "kind": pause.kind.value,
        "value": pause.value,
        "reason": pause.reason,
        "by": pause.by,
        "created_at": pause.created_at,
    }
    return document


def print_pause(pause: Pause, is_new: bool) -> None:
    """That jobs are paused now, or were already."""
    since = "" if is_new else f" already, since {moment(pause.created_at)} by {pause.by or 'somebody'}"
    why = f": {pause.reason}" if pause.reason else ""
    print(f"{pause.kind.value} {pause.value!r} is paused{since}{why}")


def print_pauses(found: Sequence[Mapping[str, Any]]) -> None:
    """A table; times are UTC."""
    print_table(
        ("PAUSED", "NAME", "BY", "SINCE", "REASON"),
        [
            (
                one["kind"],
                one["value"],
                one["by"] or "",
                moment(one["created_at"]),
                one_line(one["reason"], 200),
            )
            for one in found
        ],
        empty="nothing is paused",
    )
