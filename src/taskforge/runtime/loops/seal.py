"""Every process seals the audit log: what was written is chained within a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.runtime.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SEAL_INTERVAL = 0.8


def seal_loop(seal: Callable[[], Awaitable[object]], interval: float = SEAL_INTERVAL) -> Loop:
    """A loop that calls the audit log's ``seal_due`` every ``interval`` seconds."""
    return Loop("seal", seal, interval)
