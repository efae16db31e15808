"""How long whoever asks waits for the database."""

from __future__ import annotations

from types import coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from taskforge.domain.errors import Unavailable
from taskforge.ports.waits import within

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator
    from types import TracebackType

T = TypeVar("T")

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


class answered_within(within):
    """``with answered_within(5): ...`` raises Unavailable when the block takes longer, and gives up what it waits for."""

    __slots__ = ("_seconds",)

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self._seconds = seconds

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            super().__exit__(kind, error, trace)
            if isinstance(error, TimeoutError):
                raise error
        except TimeoutError as late:
            raise Unavailable(
                f"the database has not answered within {self._seconds:g} s; the job may have been accepted or not",
                hint="is it running, and is the address right?",
            ) from late
