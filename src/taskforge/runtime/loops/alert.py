"""Every process with a database looks at alert rules that are due, and carries out deliveries that are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.runtime.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

DELIVERY_INTERVAL = 5.0
"""So often a process looks for what another one is to tell, or has left."""


def alert_loops(
    look: Callable[[], Awaitable[int]],
    deliver: Callable[[], Awaitable[object]],
    interval: float,
    delivery_interval: float = DELIVERY_INTERVAL,
) -> tuple[Loop, Loop]:
    """The loop that looks at rules, and the one that delivers; what the first one finds wakes the second."""
    delivering = Loop("deliver", deliver, min(interval, delivery_interval))

    async def activity() -> None:
        if await look():
            delivering.wake()

    return Loop("alert", activity, interval), delivering
