"""Every process with a worker forgets what is old enough, if no other has done so just now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.runtime.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

START_SECONDS = 3.0
"""A process that starts has jobs to claim first."""


def retention_loop(round: Callable[[], Awaitable[object]], interval: float) -> Loop:
    """A loop that calls the retention service's ``round`` every ``interval`` seconds, at first when the start is over."""
    return Loop("retain", round, interval, first=min(interval, START_SECONDS), max_backoff=600.0)
