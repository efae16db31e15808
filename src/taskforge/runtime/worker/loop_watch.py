"""Notices that a handler holds up the event loop, from another thread, and says where it does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from taskforge.runtime.worker.running import Running
    from taskforge.runtime.worker.tally import Tally

logger = logging.getLogger(__name__)

BLOCKED_SECONDS = 1.0
MOST_FRAMES = 20
MOST_SUSPECTS = 10
OWN_TASKS = ("taskforge ", "loop ")


class Block(NamedTuple):
    """The loop did not answer for ``seconds``; these executions may be the reason, here is the stack."""

    seconds: float
    stack: str
    suspects: Sequence[Running]


class LoopWatch:
    """Made on the loop to be watched; ``look`` is called once in a while by another thread."""

    def __init__(self, live: Set[Running], tally: Tally, limit: float = BLOCKED_SECONDS) -> None:
        self._live = live
        self._tally = tally
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._asked: float | None = None
        self._looked = 0.0
        self._is_told = False

    def look(self, now: float) -> Block | None:
        """A block that nobody has been told of yet. Asks nothing while no handler runs."""
        asked, slept, self._looked = self._asked, now - self._looked, now
        if asked is None:
            if self._live:
                self._asked = now
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    self._loop.call_soon_threadsafe(self._answer)
            return None
        if slept > self._limit * 2:  # we did not run ourselves: the process was frozen, or has no processor
            self._asked = now
            return None
        seconds = now - asked
        if seconds < self._limit * 0.9:
            return None
        self._tally.block_lasted(seconds)
        if self._is_told:
            return None
        frame = sys._current_frames().get(self._thread)
        if frame is None:
            return None
        self._is_told = True
        stack = "".join(traceback.format_stack(frame)[-MOST_FRAMES:])
        self._tally.blocked(stack)
        logger.warning("loop_blocked: the event loop has not answered for %.1f s\n%s", seconds, stack)
        return Block(seconds, stack, self._suspects())

    def _answer(self) -> None:
        asked, self._asked = self._asked, None
        if self._is_told and asked is not None:
            self._is_told = False
            seconds = time.monotonic() - asked
            self._tally.block_lasted(seconds)
            logger.warning("the event loop goes on after %.1f s", seconds)

    def _suspects(self) -> list[Running]:
        """Whose task runs; if that is none of a handler itself (it started others), all that it may be."""
        task = asyncio.current_task(self._loop)
        waiting = [r for r in tuple(self._live) if r.task is not None and r.has_started and not r.ended]
        found = [running for running in waiting if running.task is task]
        if found or task is None or task.get_name().startswith(OWN_TASKS):
            return found
        return waiting if len(waiting) <= MOST_SUSPECTS else []
