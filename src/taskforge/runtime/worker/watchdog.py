"""One timer for all attempts, set to the earliest moment at which one of them needs a look."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from taskforge.runtime.worker.running import Running

logger = logging.getLogger(__name__)

RESOLUTION = 0.001


class Watchdog:
    """Costs a comparison per job: only a moment earlier than all before it moves the timer.

    When it fires it goes through all that is in hand, which is bounded, and there is nothing to take
    back when a job ends in time.
    """

    def __init__(self, live: Set[Running], on_attention: Callable[[Running, float], None]) -> None:
        self._live = live
        self._on_attention = on_attention
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self.next_look = math.inf

    def watch(self, moment: float) -> None:
        """Have a look at ``moment`` of the monotonic clock, or earlier."""
        if moment < self.next_look:
            self.next_look = moment
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(max(RESOLUTION, moment - time.monotonic()), self._look)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        self.next_look = -math.inf

    def _look(self) -> None:
        self._timer = None
        self.next_look = math.inf
        now = time.monotonic()
        following = math.inf
        for running in tuple(self._live):
            if running.attention_at <= now + RESOLUTION:
                try:
                    self._on_attention(running, now)
                except Exception:
                    logger.exception("could not look after execution %s", running.attempt.job.execution_id)
                    running.attention_at = now + 1.0
            following = min(following, running.attention_at)
        if following < math.inf:
            self.watch(max(following, now + RESOLUTION))
