"""Synchronous code meets the asynchronous engine: one private loop in a thread of its own."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import warnings
import weakref
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, cast

from taskforge.domain.errors import Conflict, Unavailable

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Awaitable, Callable, Coroutine

P = ParamSpec("P")
T = TypeVar("T")

_JOIN_SECONDS = 5.0
_bridges: weakref.WeakSet[Bridge] = weakref.WeakSet()
_loops_of_the_parent: list[object] = []


class Bridge:
    """``run(coroutine_function, ...)`` from any thread. The loop starts at first use and again after a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._on_close: list[Callable[[], Awaitable[object]]] = []
        self._warned: set[str] = set()
        _bridges.add(self)

    def run(self, function: Callable[P, Coroutine[Any, Any, T]], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the coroutine function on the private loop and wait for what it returns or raises."""
        self._check_caller(function)
        call: _Call[T] = _Call(lambda: function(*args, **kwargs))
        with self._lock:
            loop = self._loop or self._start()
            loop.call_soon_threadsafe(call.start, loop)
        try:
            call.ended.acquire()
        except BaseException:  # KeyboardInterrupt: what nobody waits for any more shall not go on
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(call.stop)
            raise
        return call.outcome()

    def on_close(self, function: Callable[[], Awaitable[object]]) -> None:
        """Await this on the loop when the bridge is closed, the last added first."""
        self._on_close.append(function)

    def close(self) -> None:
        """Close what hangs on the loop, end the loop and its thread. A later `run` starts afresh."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        if thread is not threading.current_thread():
            thread.join(_JOIN_SECONDS)

    def forget(self) -> None:
        """After a fork, in the child: the parent's loop is not ours to touch, not even to close."""
        if self._loop is not None:
            _loops_of_the_parent.append((self._loop, self._thread))
        self._lock = threading.Lock()
        self._loop = self._thread = None
        self._on_close = []

    def _start(self) -> AbstractEventLoop:
        loop = self._loop = _new_loop()
        self._thread = threading.Thread(
            target=self._serve, args=(loop,), name="taskforge-bridge", daemon=True
        )
        self._thread.start()
        return loop

    def _serve(self, loop: AbstractEventLoop) -> None:
        import asyncio

        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
            closers, self._on_close = self._on_close[::-1], []
            for close in closers:
                try:
                    loop.run_until_complete(_awaited(close))
                except (Exception, asyncio.CancelledError) as error:
                    warnings.warn(f"while closing TaskForge: {error!r}", ResourceWarning, stacklevel=1)
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            if tasks:
                loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
            with contextlib.suppress(
                RuntimeError
            ):  # from Python 3.12 on an interpreter that ends starts no thread for it
                loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    def _check_caller(self, function: Callable[..., object]) -> None:
        asyncio_events = sys.modules.get("asyncio.events")
        if asyncio_events is None:
            return
        running = asyncio_events._get_running_loop()
        if running is None:
            return
        name = getattr(function, "__name__", "its asynchronous form")
        if running is self._loop:
            raise Conflict(
                "a synchronous call on TaskForge's own loop would wait for itself",
                hint=f"use: await ....{name}(...)",
            )
        if name not in self._warned:
            self._warned.add(name)
            warnings.warn(
                f"this synchronous call blocks the running event loop; use: await ....{name}(...)",
                RuntimeWarning,
                stacklevel=_levels_to_the_user(),
            )


class _Call(Generic[T]):
    """One coroutine on its way through the loop; ``ended`` is a latch that opens when it is over."""

    __slots__ = ("_error", "_function", "_result", "_task", "ended")

    def __init__(self, function: Callable[[], Coroutine[Any, Any, T]]) -> None:
        self._function = function
        self._task: Task[None] | None = None
        self._result: T | None = None
        self._error: BaseException | None = None
        self.ended = threading.Lock()
        self.ended.acquire()

    def start(self, loop: AbstractEventLoop) -> None:
        self._task = loop.create_task(self._drive())

    def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def outcome(self) -> T:
        error = self._error
        if error is None:
            return cast("T", self._result)
        try:
            raise error
        finally:
            del error, self

    async def _drive(self) -> None:
        from asyncio import CancelledError

        try:
            self._result = await self._function()
        except CancelledError:
            self._error = Unavailable("TaskForge was closed while this call was under way")
        except BaseException as error:  # whatever it is, the caller gets it
            self._error = error
        finally:
            self.ended.release()


def _new_loop() -> AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        import asyncio

        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def _awaited(function: Callable[[], Awaitable[object]]) -> None:
    await function()


def _levels_to_the_user() -> int:
    """The ``stacklevel``, as seen by our caller, of the first frame outside of this package."""
    level = 1
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("taskforge."):
        frame = frame.f_back
        level += 1
    return level


def _forget_all() -> None:
    for bridge in list(_bridges):
        bridge.forget()


def _close_all() -> None:
    for bridge in list(_bridges):
        bridge.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
atexit.register(_close_all)
