"""What an application's workers share: opened by the first that needs it, closed after the last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from types import TracebackType


class SharedLifespan:
    """``async with``, any number of times at once; on each event loop what ``make`` makes is entered once."""

    def __init__(self, owner: Any, make: Callable[[Any], AbstractAsyncContextManager[object]] | None) -> None:
        self._owner = owner
        self._make = make
        self._opened: dict[AbstractEventLoop, _Shared] = {}

    async def __aenter__(self) -> None:
        if self._make is None:
            return
        import asyncio

        loop = asyncio.get_running_loop()
        shared = self._opened.get(loop)
        if shared is None:
            shared = self._opened[loop] = _Shared(self._make(self._owner), asyncio.Lock())
        async with shared.lock:
            if not shared.users:
                try:
                    await shared.manager.__aenter__()
                except BaseException:
                    self._opened.pop(loop, None)
                    raise
            shared.users += 1

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._make is None:
            return
        import asyncio

        loop = asyncio.get_running_loop()
        shared = self._opened[loop]
        shared.users -= 1
        if not shared.users:
            del self._opened[loop]
            await shared.manager.__aexit__(None, None, None)


class _Shared:
    def __init__(self, manager: AbstractAsyncContextManager[object], lock: Any) -> None:
        self.manager = manager
        self.lock = lock
        self.users = 0
