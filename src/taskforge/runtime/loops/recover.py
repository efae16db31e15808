"""Every process recovers: expired leases, jobs that waited too long, holds that no longer apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.runtime.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

RECOVERY_INTERVAL = 10.0


def recovery_loop(sweep: Callable[[], Awaitable[object]], interval: float = RECOVERY_INTERVAL) -> Loop:
    """A loop that calls the recovery service's ``sweep`` every ``interval`` seconds."""
    return Loop("recover", sweep, interval)
