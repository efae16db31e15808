"""Ready queues beside the record are compared with it: by one of all processes that have them, again and again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.errors import Unavailable
from taskforge.runtime.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def compare_loop(compare: Callable[[float], Awaitable[object]], interval: float) -> Loop:
    """A loop that calls ``compare`` every ``interval`` seconds, and when woken. While one side is away there is nothing to compare."""

    async def attempt() -> None:
        try:
            await compare(interval * 0.8)
        except Unavailable:
            return

    return Loop("compare", attempt, interval)
