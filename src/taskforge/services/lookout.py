"""The question of what there is to do, taken along by the heartbeat of an idle worker of the same process.

A heartbeat is a statement in any case, and one that renews no lease has time to ask: so an idle worker says nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge.ports.jobs import Outlook, Question

PATIENCE_SECONDS = 2.0
ALONE_SECONDS = 60.0
"""For so long after one that brought no answer the question is asked by itself."""


class Errand:
    """One question, for one heartbeat. It is answered, or given back, from the heartbeat's thread."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.answer: asyncio.Future[Outlook | None] = asyncio.get_running_loop().create_future()

    def bring(self, outlook: Outlook | None) -> None:
        """The answer; None: it has to be asked for otherwise."""
        with contextlib.suppress(RuntimeError):  # the loop has ended, and whoever asked with it
            self.answer.get_loop().call_soon_threadsafe(self._set, outlook)

    def _set(self, outlook: Outlook | None) -> None:
        if not self.answer.done():
            self.answer.set_result(outlook)


class Lookout:
    """Of one process: its workers' heartbeats have threads of their own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._workers: list[tuple[Callable[[], bool], Callable[[], None]]] = []
        self._errands: deque[Errand] = deque()
        self._alone_until = 0.0

    def attend(self, is_idle: Callable[[], bool], beat: Callable[[], None]) -> Callable[[], None]:
        """A worker that can be asked to beat now, while it is idle. Answers what ends it."""
        worker = (is_idle, beat)
        self._workers.append(worker)
        return lambda: self._workers.remove(worker)

    async def ask(self, question: Question) -> Outlook | None:
        """What an idle worker's heartbeat brings; None: there is none, or it has brought nothing."""
        beat = next((beat for is_idle, beat in tuple(self._workers) if is_idle()), None)
        if beat is None or self._clock() < self._alone_until:
            return None
        errand = Errand(question)
        self._errands.append(errand)
        beat()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await errand.answer
        except TimeoutError:
            self._alone_until = self._clock() + ALONE_SECONDS
            return None
        finally:
            with contextlib.suppress(ValueError):
                self._errands.remove(errand)

    def take(self) -> Errand | None:
        """What a heartbeat has to take along, or give back. From any thread."""
        try:
            return self._errands.popleft()
        except IndexError:
            return None

    def ask_alone(self) -> None:
        """The question kept a heartbeat from its end: for a while none takes it along. From any thread."""
        self._alone_until = self._clock() + ALONE_SECONDS
