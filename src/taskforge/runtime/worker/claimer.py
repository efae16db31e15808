"""Claims jobs in batches for the free slots, and knows when it is worth asking."""

from __future__ import annotations

import asyncio
import logging
import random as randomness
import time
from typing import TYPE_CHECKING

from taskforge.runtime.backoff import Backoff
from taskforge.runtime.wakeup import Wakeup
from taskforge.runtime.worker.failure import said

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge.ports.link import Link, Work
    from taskforge.runtime.worker.slots import Slots

logger = logging.getLogger(__name__)

GATHER_PAUSE = 0.005
GOOD_PART = 4
LEAST_PAUSE = 0.01
LEAST_PORTION = 50
"""Fewer jobs are not worth a claim of their own."""


class Claimer:
    """One claim in flight. ``start`` gets the work, when the claim was sent and when its answer came.

    It asks when something may be there: at first, after a hint, when a scheduled job is due, when the
    last claim got all it asked for, when so many slots are free as the next job needs, and every poll interval, unless
    somebody beside has looked for all. When most slots are taken it waits up to 5 ms for a quarter of them, so that
    batches stay large and a freed slot does not wait for long ones. Of many slots it fills half at a time where nobody's turn
    depends on it, so that the next claim is on its way while handlers begin.
    """

    def __init__(
        self,
        link: Link,
        slots: Slots,
        start: Callable[[Work, float, float], None],
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self._link = link
        self._slots = slots
        self._start = start
        self._random = random
        self._backoff = Backoff(random=random)
        self._wakeup = Wakeup()
        self._may_have_work = True
        self._knows_due = False
        self._closing = False
        self._is_divisible = False
        self._unanswered_since: float | None = None

    def stalled(self) -> float:
        """For how many seconds no claim has been answered while one was wanted; 0 when all is well."""
        return 0.0 if self._unanswered_since is None else time.monotonic() - self._unanswered_since

    def wake(self) -> None:
        """There may be work."""
        self._may_have_work = True
        self._wakeup.set()

    def close(self) -> None:
        """Ask no more; a claim that is in flight still comes to its end."""
        self._closing = True
        self._wakeup.set()

    async def run(self) -> None:
        """Claim until closed. Errors of the link never end it."""
        pause = 0.0
        while not self._closing:
            if not self._may_have_work:
                was_woken = await self._wait(pause)
                pause = 0.0 if was_woken or self._knows_due else self._link.lull()
                self._may_have_work = pause <= 0.0
            elif await self._has_room():
                try:
                    pause = await self._claim()
                except Exception as error:
                    pause = self._backoff.delay()
                    logger.warning("cannot claim jobs, trying again in %.1f s: %s", pause, said(error))
                    logger.debug("the claim's error", exc_info=True)
                    await self._rest(pause)

    async def _wait(self, seconds: float) -> bool:
        """Whether it was woken before. A job that this process accepts meanwhile may come by itself."""
        suspects = 0 if self._slots.suspects else 1
        withdraw = self._link.stand_by(suspects, self._take) if self._slots.room() > 0 else None
        try:
            return await self._wakeup.wait(seconds)
        finally:
            while withdraw is not None and not withdraw():
                await self._wakeup.wait()

    def _take(self, work: Work | None, asked: float) -> None:
        """What came by itself, or None. There may be more: the next claim tells, one with that of the hint which follows."""
        asyncio.get_running_loop().call_soon(self.wake)
        if work is not None and work.attempts:
            self._start(work, asked, time.monotonic())

    async def _claim(self) -> float:
        """Seconds to wait for a hint before asking again."""
        room = self._slots.room()
        if self._is_divisible:
            room = min(room, max(LEAST_PORTION, self._slots.concurrency // 2))
        self._may_have_work = False
        sent = time.monotonic()
        self._unanswered_since = self._unanswered_since or sent
        work = await self._link.claim(room, 0 if self._slots.suspects else 1)
        self._unanswered_since = None
        self._is_divisible = work.is_divisible
        self._backoff.reset()
        if work.attempts:
            self._start(work, sent, time.monotonic())
        if sum(attempt.job.slots for attempt in work.attempts) >= room:
            self._may_have_work = True
        elif work.wanted:
            self._slots.call_when(work.wanted, self.wake)
        pause = self._link.poll_interval * (0.95 + 0.1 * self._random())
        self._knows_due = work.next_due_in is not None and work.next_due_in < pause
        return pause if work.next_due_in is None else min(pause, max(LEAST_PAUSE, work.next_due_in))

    async def _has_room(self) -> bool:
        slots = self._slots
        enough = max(1, slots.concurrency // GOOD_PART)
        if slots.room() <= 0:
            slots.call_when(1, self._wakeup.set)
            await self._wakeup.wait()
            return False
        until = time.monotonic() + GATHER_PAUSE
        while 0 < slots.room() < enough and slots.running and not self._closing:
            left = until - time.monotonic()
            if left <= 0:
                break
            slots.call_when(enough, self._wakeup.set)
            await self._wakeup.wait(left)
        return slots.room() > 0 and not self._closing

    async def _rest(self, seconds: float) -> None:
        """Wait out a pause that hints do not shorten, only the end does."""
        self._may_have_work = True
        until = time.monotonic() + seconds
        while not self._closing and (left := until - time.monotonic()) > 0:
            await self._wakeup.wait(left)
