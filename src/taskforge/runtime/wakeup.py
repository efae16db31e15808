"""An event for one waiter, with a time limit that costs a timer and no task."""

from __future__ import annotations

import asyncio


class Wakeup:
    """Remembers that it was set until someone has waited for it. To be used on one event loop."""

    def __init__(self) -> None:
        self._is_set = False
        self._waiter: asyncio.Future[None] | None = None

    def set(self) -> None:
        """Wake the waiter, or the next one to come."""
        self._is_set = True
        self._end_wait()

    async def wait(self, timeout: float | None = None) -> bool:
        """Whether it was set before ``timeout`` seconds went by; it is cleared by that."""
        if not self._is_set and (timeout is None or timeout > 0):
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = None if timeout is None else loop.call_later(timeout, self._end_wait)
            try:
                await self._waiter
            finally:
                self._waiter = None
                if timer is not None:
                    timer.cancel()
        was_set, self._is_set = self._is_set, False
        return was_set

    def _end_wait(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
