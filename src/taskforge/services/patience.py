"""How long whoever asks waits for the database."""

from __future__ import annotations

import asyncio
from types import coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from taskforge.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator
    from types import TracebackType

T = TypeVar("T")

LOOKS = 10
PATIENCE_SECONDS = 5.0
"""Whoever enqueues is told by then that the database is away; often a person waits behind the call."""


async def done_within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """The work's result. Raises Unavailable when it takes longer, and gives it up.

    The clock is set once it has to wait for something: what is done at once, on this thread, needs none.
    """
    try:
        awaited = work.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    async with answered_within(seconds):
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
    """``async with answered_within(5): ...`` raises Unavailable when the block takes longer, and gives up what it waits for.

    While a handler blocks the loop an answer that is there is not heard: a turn of the loop, however long, counts as one
    of so many looks.
    """

    __slots__ = ("_left", "_scope", "_seconds", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._left = LOOKS

    async def __aenter__(self) -> None:
        self._scope = await asyncio.timeout(None).__aenter__()
        self._wait()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        try:
            await self._scope.__aexit__(kind, error, trace)
            if isinstance(error, TimeoutError):
                raise error
        except TimeoutError as late:
            raise Unavailable(
                f"the database has not answered within {self._seconds:g} s; the job may have been accepted or not",
                hint="is it running, and is the address right?",
            ) from late

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        if self._left:
            self._left -= 1
            self._timer = loop.call_later(self._seconds / LOOKS, self._wait)
        else:
            self._scope.reschedule(loop.time())
