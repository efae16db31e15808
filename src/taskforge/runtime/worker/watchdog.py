"""One timer for all attempts, set to the earliest moment at which one of them needs a look.

One of a worker's looks after timeouts and grace, another after leases: by the worker's own monotonic clock and
on its event loop, so whatever becomes of the heartbeat.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from taskforge.runtime.worker.running import Running

logger = logging.getLogger(__name__)

RESOLUTION = 0.001


class Watchdog:
    """Costs a comparison per job: only a moment earlier than all before it moves the timer.

    When it fires it goes through all that is in hand, which is bounded, and there is nothing to take
    back when a job ends in time. ``moment`` says when an attempt needs a look.
    """

    def __init__(
        self,
        live: Set[Running],
        on_attention: Callable[[Running, float], None],
        moment: Callable[[Running], float] = attrgetter("attention_at"),
    ) -> None:
        self._live = live
        self._on_attention = on_attention
        self._moment = moment
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
            if self._moment(running) <= now + RESOLUTION:
                try:
                    self._on_attention(running, now)
                except Exception:
                    logger.exception("could not look after execution %s", running.attempt.job.execution_id)
                    running.attention_at = now + 1.0
            following = min(following, self._moment(running))
        if following < math.inf:
            self.watch(max(following, now + RESOLUTION))


def trusted_until(running: Running) -> float:
    """Until when its lease may be trusted; never again a question for one that stops or has ended."""
    if running.stop is not None or running.reported:
        return math.inf
    return running.lease_until
