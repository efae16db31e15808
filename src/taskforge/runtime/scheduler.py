"""The scheduler of a process: sleeps until something is due, and never looks before.

It sleeps until the next due time that it knows of, or until it hears that a schedule has changed; it looks from time
to time all the same, since hints may be lost.
"""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Protocol

from taskforge.ports.signals import Topic
from taskforge.runtime.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from taskforge.ports.signals import Hint, Signals

HEARD_SECONDS = 0.5
"""So often at most it looks because something, nobody knows what, has changed."""
STAGGER_SECONDS = 0.02
"""By up to so much schedulers of one database wake up one after the other."""


class Looking(Protocol):
    """What a scheduler does: `services.ticking.Ticking`."""

    async def begin(self) -> object:
        """Once, before the first look."""
        ...

    async def look(self) -> float | None:
        """See to what is due; seconds until something is due again."""
        ...


class Scheduler:
    """Runs on the event loop that starts it. ``poll`` is the longest sleep, ``poll_without_hints`` while none arrive."""

    def __init__(
        self, ticking: Looking, signals: Signals, *, poll: float = 5.0, poll_without_hints: float = 1.0
    ) -> None:
        self._ticking = ticking
        self._signals = signals
        self._poll = poll
        self._poll_without_hints = poll_without_hints
        self._loop = Loop("schedule", self._look, poll, max_backoff=poll)
        self._has_begun = False
        self._looked_at = 0.0
        self._unanswered_since: float | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._unsubscribe: Callable[[], None] | None = None

    def stalled(self) -> float:
        """For how many seconds a look has not come to its end, or has failed; 0 when all is well."""
        return 0.0 if self._unanswered_since is None else time.monotonic() - self._unanswered_since

    def start(self) -> None:
        """Begin to see to due times."""
        self._unsubscribe = self._signals.subscribe(self._heard, {Topic.SCHEDULE})
        self._loop.start()

    async def stop(self) -> None:
        """End what is under way, and no more."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        await self._loop.stop()
        self._set_alarm(None)

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _look(self) -> None:
        self._unanswered_since = self._unanswered_since or time.monotonic()
        if not self._has_begun:
            await self._ticking.begin()
            self._has_begun = True
        self._looked_at = asyncio.get_running_loop().time()
        wait = await self._ticking.look()
        self._unanswered_since = None
        longest = self._poll if self._signals.hears_others else self._poll_without_hints
        if wait is not None:
            wait += random.random() * STAGGER_SECONDS  # noqa: S311 - no secret
        self._set_alarm(longest if wait is None else min(wait, longest))

    def _heard(self, hint: Hint | None) -> None:
        if hint is None:
            since = asyncio.get_running_loop().time() - self._looked_at
            self._set_alarm(max(0.0, HEARD_SECONDS - since), only_sooner=True)
        else:
            self._loop.wake()

    def _set_alarm(self, seconds: float | None, *, only_sooner: bool = False) -> None:
        loop = asyncio.get_running_loop()
        if self._alarm is not None and not self._alarm.cancelled():
            if (
                only_sooner
                and seconds is not None
                and loop.time() < self._alarm.when() <= loop.time() + seconds
            ):
                return
            self._alarm.cancel()
        self._alarm = None if seconds is None else loop.call_later(seconds, self._loop.wake)
