"""Hints between processes that share a SQLite file: every commit changes its write-ahead log.

Looking at a file's size and time is no query; it is done some 60 times a second while anyone listens.
When it has changed, SQLite is asked whether someone else wrote. The log is written over at its old size, and most systems
tell a file's time in steps of a few milliseconds: another commit in the step of the last one looks as if there was
none, so SQLite is asked once more when that step is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.ports.signals import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from taskforge.ports.signals import Hint, Topic

INTERVAL_SECONDS = 0.015
STEP_SECONDS = 0.02
"""No system that we know of tells a file's time more coarsely."""


class WalSignals(LocalSignals):
    """Hears other processes by watching ``path``-wal while there are subscribers."""

    def __init__(self, hub: Hub, path: str, changed_by_others: Callable[[], bool | None]) -> None:
        super().__init__(hub)
        self._log = Path(f"{path}-wal")
        self._changed_by_others = changed_by_others
        self._seen = self._state()
        self._step_over = 0.0
        self._ask_at = math.inf
        self._watcher: asyncio.Task[None] | None = None
        self._listeners = 0

    async def close(self) -> None:
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watcher

    def subscribe(
        self, callback: Callable[[Hint | None], None], topics: Collection[Topic] = EVERYTHING
    ) -> Callable[[], None]:
        unsubscribe = super().subscribe(callback, topics)
        self._listeners += 1
        if self._watcher is None or self._watcher.done():
            self._seen = self._state()
            self._watcher = asyncio.get_running_loop().create_task(self._watch())

        def leave() -> None:
            self._listeners -= 1
            unsubscribe()

        return leave

    async def _watch(self) -> None:
        while self._listeners > 0:
            await asyncio.sleep(INTERVAL_SECONDS)
            state = self._state()
            now = time.monotonic()
            if state != self._seen:
                self._seen, self._step_over = state, now + STEP_SECONDS
            elif now < self._ask_at:
                continue
            changed = self._changed_by_others()
            if changed is None:  # the writer is busy; look again
                self._ask_at = now
            else:
                self._ask_at = self._step_over if now < self._step_over else math.inf
            if changed:
                self._hub.tell(None)

    def _state(self) -> tuple[int, int] | None:
        try:
            found = self._log.stat()
        except OSError:
            return None
        return (found.st_size, found.st_mtime_ns)
