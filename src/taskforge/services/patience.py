"""How long whoever asks waits for the database."""

from __future__ import annotations

import asyncio
import math
from types import coroutine
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from taskforge.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator
    from types import TracebackType

T = TypeVar("T")

LOOK_SECONDS = 0.25
PATIENCE_SECONDS = 5.0
"""Whoever enqueues is told by then that the database is away; often a person waits behind the call."""
SECONDS_A_THOUSAND = 0.5
"""So much longer for each thousand jobs of one call: a slow database, and none that is away, stores 2,000 a second."""


def patience_for(jobs: int) -> float:
    """Seconds for a call that enqueues so many."""
    return PATIENCE_SECONDS + SECONDS_A_THOUSAND * (jobs // 1000)


async def done_within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The work's result. Raises Unavailable when it takes longer, and gives it up.

    The clock is set once it has to wait for something: what is done at once, on this thread, needs none.
    """
    try:
        awaited = work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    with answered_within(seconds):
        return await _rest(work, awaited)


@coroutine
def _rest(work: Coroutine[Any, Any, T], awaited: Any) -> Generator[Any, None, T]:
    """What is left of work that has begun, and awaits this."""
    try:
        while True:
            try:
                yield awaited
            except BaseException as error:
                awaited = work.throw(error)
            else:
                awaited = work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result


class answered_within:
    """``with answered_within(5): ...`` raises Unavailable when the block takes longer, and gives up what it waits for.

    While a handler blocks the loop an answer that is there is not heard: a turn of the loop, however long, counts as one
    of so many looks.
    """

    __slots__ = ("_cancelled_before", "_is_late", "_left", "_seconds", "_task", "_waits")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._left = math.ceil(seconds / LOOK_SECONDS) + 1  # the first look may come at once
        self._is_late = False

    def __enter__(self) -> None:
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waits.discard(self)
        given_up = False
        if self._is_late:  # as `asyncio.timeout` does: who else cancels the task is heard
            no_one_else = self._task.uncancel() <= self._cancelled_before
            given_up = no_one_else and isinstance(error, asyncio.CancelledError)
        if given_up or isinstance(error, TimeoutError):
            raise Unavailable(
                f"the database has not answered within {self._seconds:g} s; the job may have been accepted or not",
                hint="is it running, and is the address right?",
            ) from error

    def look(self) -> bool:
        """Whether it goes on; else it has been given up."""
        self._left -= 1
        if self._left > 0:
            return True
        self._is_late = True
        self._task.cancel()
        return False


class Waits:
    """All that wait on one event loop, looked at together: next to none is given up, and a timer costs more than a call."""

    __slots__ = ("_are_looked_at", "_waits")

    def __init__(self) -> None:
        self._waits: set[answered_within] = set()
        self._are_looked_at = False

    def add(self, wait: answered_within, loop: asyncio.AbstractEventLoop) -> None:
        """Look at it from now on."""
        self._waits.add(wait)
        if not self._are_looked_at:
            self._are_looked_at = True
            loop.call_later(LOOK_SECONDS, self._look)

    def discard(self, wait: answered_within) -> None:
        """It has ended."""
        self._waits.discard(wait)

    def _look(self) -> None:
        self._waits = {wait for wait in self._waits if wait.look()}
        self._are_looked_at = bool(self._waits)
        if self._waits:
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)


_waits: WeakKeyDictionary[asyncio.AbstractEventLoop, Waits] = WeakKeyDictionary()
