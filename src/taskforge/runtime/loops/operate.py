"""Servers carry out bulk operations, one step after the other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from taskforge.runtime.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

OPERATE_INTERVAL = 5.0
"""So often a server looks for what another one has begun, or left."""


def operations_loop(take: Callable[[], Awaitable[float | None]], interval: float = OPERATE_INTERVAL) -> Loop:
    """A loop that takes steps while they are due; ``take`` answers in how many seconds the next one is."""

    async def activity() -> None:
        due = await take()
        if due is not None and due < interval:
            asyncio.get_running_loop().call_later(due, loop.wake)

    loop = Loop("operate", activity, interval)
    return loop
