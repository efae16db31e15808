"""Hints within one process, across its event loops."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, NamedTuple

from taskforge.ports.signals import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from taskforge.ports.signals import Hint, Topic


class _Subscriber(NamedTuple):
    loop: asyncio.AbstractEventLoop
    callback: Callable[[Hint | None], None]
    topics: Collection[Topic]


class Hub:
    """Subscribers of a process, each called on its own event loop. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: dict[int, _Subscriber] = {}
        self._next = 0

    def subscribe(
        self, callback: Callable[[Hint | None], None], topics: Collection[Topic] = EVERYTHING
    ) -> Callable[[], None]:
        """Call back on the running loop for each hint of these topics; answers the way to unsubscribe."""
        with self._lock:
            key = self._next = self._next + 1
            self._subscribers[key] = _Subscriber(asyncio.get_running_loop(), callback, topics)

        def unsubscribe() -> None:
            with self._lock:
                self._subscribers.pop(key, None)

        return unsubscribe

    def tell(self, hint: Hint | None) -> None:
        """Pass a hint on to all who want it."""
        if not self._subscribers:
            return
        with self._lock:
            subscribers = [
                subscriber
                for subscriber in self._subscribers.values()
                if hint is None or hint.topic in subscriber.topics
            ]
        try:
            here: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            here = None
        for loop, callback, _ in subscribers:
            if loop is here:
                loop.call_soon(callback, hint)
            else:
                # a loop that is closed: nobody listens there any more
                with contextlib.suppress(RuntimeError):
                    loop.call_soon_threadsafe(callback, hint)


class LocalSignals:
    """Signals of a single process: what a database in memory needs, and a base for the others."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def start(self) -> None:
        """Nothing to hear from outside."""

    async def close(self) -> None:
        """Nothing to let go of."""

    @property
    def hears_others(self) -> bool:
        return True

    def publish(self, hint: Hint, *, elsewhere: bool = True) -> None:
        self._hub.tell(hint)

    def inline(self, hint: Hint) -> str | None:
        return None

    def at_commit(self, hint: Hint) -> str | None:
        return None

    def subscribe(
        self, callback: Callable[[Hint | None], None], topics: Collection[Topic] = EVERYTHING
    ) -> Callable[[], None]:
        return self._hub.subscribe(callback, topics)
