"""When the server is to end, all that waits for events ends first: a stream would hold it up for ever."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.applications import Starlette


class Stopping:
    """Whether the server is about to end, and who wants to know."""

    def __init__(self) -> None:
        self._is_set = False
        self._waiting: dict[object, Callable[[], None]] = {}

    def set(self) -> None:
        """End streams and long polls. To be called on the server's event loop."""
        self._is_set = True
        for callback in list(self._waiting.values()):
            callback()

    @property
    def is_set(self) -> bool:
        """Whether the end has been announced."""
        return self._is_set

    @contextmanager
    def call(self, callback: Callable[[], None]) -> Iterator[None]:
        """Within the block, call this when the end is announced: at once when it has been."""
        token = object()
        self._waiting[token] = callback
        if self._is_set:
            callback()
        try:
            yield
        finally:
            del self._waiting[token]

    async def wait(self) -> None:
        """Return when the end is announced."""
        ended = asyncio.Event()
        with self.call(ended.set):
            await ended.wait()


def stopping_of(application: Starlette) -> Stopping:
    """The one of an application; its server sets it when it is told to end."""
    state = application.state
    if not hasattr(state, "stopping"):
        state.stopping = Stopping()
    found: Stopping = state.stopping
    return found
