"""Every process keeps the record: counters are folded, queues sampled, what is old forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.runtime.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

RECORD_INTERVAL = 20.0


def record_loop(keep: Callable[[], Awaitable[object]], interval: float = RECORD_INTERVAL) -> Loop:
    """A loop that calls the recording service's ``keep`` every ``interval`` seconds."""
    return Loop("record", keep, interval)
