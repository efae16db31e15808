"""Every process with a database looks at alert rules that are due, and carries out deliveries that are."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from taskforge.runtime.loop import Loop
from taskforge.runtime.loops.woken import RARELY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def alert_loops(
    look: Callable[[], Awaitable[int]],
    due_in: Callable[[], float | None],
    deliver: Callable[[], Awaitable[object]],
) -> tuple[Loop, Loop]:
    """The loop that looks at rules, and the one that delivers; both are woken when there is something to do.

    What the first one finds wakes the second, and itself comes again after ``due_in`` seconds.
    """
    delivering = Loop("deliver", deliver, RARELY, first=RARELY)
    timer: asyncio.TimerHandle | None = None

    async def activity() -> None:
        nonlocal timer
        if await look():
            delivering.wake()
        if timer is not None:  # one turn that comes is enough, however often this was woken
            timer.cancel()
        seconds = due_in()
        timer = None if seconds is None else asyncio.get_running_loop().call_later(seconds, alerting.wake)

    alerting = Loop("alert", activity, RARELY, first=RARELY)
    return alerting, delivering
