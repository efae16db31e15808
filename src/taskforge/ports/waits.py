"""Waiting for no longer than so many seconds, with one timer for all that wait on an event loop."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

LOOK_SECONDS = 0.25


class within:
    """``with within(5): ...`` raises TimeoutError when the block takes longer, and gives up what it waits for.

    As `asyncio.timeout`, but for three things. A timer of its own would cost a short statement a tenth of its time. A
    block that goes on waiting, for what it does to clean up, is given up again after as long. And while a handler blocks
    the loop an answer that is there is not heard: a turn of the loop, however long, counts as one of so many looks.
    """

    __slots__ = ("_cancelled_before", "_cancels", "_left", "_looks", "_task", "_waits")

    def __init__(self, seconds: float) -> None:
        self._looks = self._left = math.ceil(seconds / LOOK_SECONDS) + 1  # the first look may come at once
        self._cancels = 0

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        if task is None:
            raise RuntimeError("only a task can wait")
        self._task = task
        self._cancelled_before = task.cancelling()
        waits = _waits.get(loop)
        if waits is None:
            waits = _waits[loop] = Waits()
        self._waits = waits
        waits.add(self, loop)
        return self

    def anew(self) -> None:
        """The time begins anew: for the next of several steps."""
        self._left = self._looks

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waits.discard(self)
        if self._cancels:  # as `asyncio.timeout` does: who else cancels the task is heard
            for _ in range(self._cancels):
                left = self._task.uncancel()
            if left <= self._cancelled_before and isinstance(error, asyncio.CancelledError):
                raise TimeoutError("no answer came in time") from error

    def look(self) -> None:
        """Give it up once it has been looked at so often."""
        self._left -= 1
        if self._left <= 0:
            self._left = self._looks
            self._cancels += 1
            self._task.cancel()


class Waits:
    """All that wait on one event loop, looked at together: next to none is given up, and a timer costs more than a call."""

    __slots__ = ("_are_looked_at", "_waits")

    def __init__(self) -> None:
        self._waits: set[within] = set()
        self._are_looked_at = False

    def add(self, wait: within, loop: asyncio.AbstractEventLoop) -> None:
        """Look at it from now on."""
        self._waits.add(wait)
        if not self._are_looked_at:
            self._are_looked_at = True
            loop.call_later(LOOK_SECONDS, self._look)

    def discard(self, wait: within) -> None:
        """It has ended."""
        self._waits.discard(wait)

    def _look(self) -> None:
        for wait in self._waits:  # those who are given up hear of it in a later turn of the loop
            wait.look()
        self._are_looked_at = bool(self._waits)
        if self._waits:
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)


_waits: WeakKeyDictionary[asyncio.AbstractEventLoop, Waits] = WeakKeyDictionary()
