"""A named periodic activity that survives its errors; written once, used by all loops."""

from __future__ import annotations

import asyncio
import logging
import random as randomness
from typing import TYPE_CHECKING

from taskforge.domain.errors import Unavailable
from taskforge.runtime.backoff import Backoff
from taskforge.runtime.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType
    from typing import Self

logger = logging.getLogger(__name__)

JITTER = 0.1


class Loop:
    """Calls ``activity`` at once, or after ``first`` seconds, and then every ``interval`` seconds, a twentieth of that more or less.

    An error is logged and the next call waits longer each time, up to ``max_backoff`` seconds. Calls
    never overlap. ``wake`` brings the next call forward; during a call it makes another one follow.
    """

    def __init__(
        self,
        name: str,
        activity: Callable[[], Awaitable[object]],
        interval: float,
        *,
        first: float = 0.0,
        max_backoff: float = 60.0,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self.name = name
        self._activity = activity
        self._interval = interval
        self._first = first
        self._random = random
        self._backoff = Backoff(min(interval, 1.0), max(max_backoff, interval), random)
        self._wakeup = Wakeup()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._task is not None and not self._task.done()

    def start(self) -> None:
        """Begin, on the running event loop. A loop that runs already is left alone."""
        if not self.is_running:
            self._stopping = False
            self._task = asyncio.create_task(self._run(), name=f"loop {self.name}")

    def wake(self) -> None:
        """Call the activity soon, whatever the interval says."""
        self._wakeup.set()

    async def stop(self, deadline: float = 10.0) -> None:
        """Let the present call end, and cancel it when it takes longer than ``deadline`` seconds."""
        task = self._task
        if task is None:
            return
        self._stopping = True
        self._wakeup.set()
        done, _ = await asyncio.wait({task}, timeout=deadline)
        if not done:
            logger.warning("loop %s did not stop within %g s and is cancelled", self.name, deadline)
            task.cancel()
            await asyncio.wait({task})
        if self._task is task:
            self._task = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _run(self) -> None:
        if self._first > 0.0:
            await self._wakeup.wait(self._varied(self._first))
        while not self._stopping:
            try:
                await self._activity()
            except asyncio.CancelledError:
                if self._is_cancelled():
                    raise
                pause = self._failed()
            except Unavailable as error:
                pause = self._backoff.delay()
                logger.warning("loop %s goes on in %.1f s: %s", self.name, pause, error)
            except Exception:
                pause = self._failed()
            else:
                self._backoff.reset()
                pause = self._varied(self._interval)
            if not self._stopping:
                await self._wakeup.wait(pause)

    def _varied(self, seconds: float) -> float:
        return seconds * (1 + JITTER * (self._random() - 0.5))

    def _is_cancelled(self) -> bool:
        return self._task is not None and self._task.cancelling() > 0

    def _failed(self) -> float:
        pause = self._backoff.delay()
        logger.exception("loop %s failed; it goes on in %.1f s", self.name, pause)
        return pause
