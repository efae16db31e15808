"""Servers and schedulers carry out what scaling policies recommend; one of them at a time does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.runtime.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def scaling_loop(round: Callable[[], Awaitable[object]], interval: float) -> Loop:
    """A loop that calls the autoscaling service's ``round`` every ``interval`` seconds."""
    return Loop("scale", round, interval)
