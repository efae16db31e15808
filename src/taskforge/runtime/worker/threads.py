"""Threads for handlers that block. They can be interrupted, and a stuck one does not hold up an exit."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import sys
import threading
from collections import deque
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

from taskforge.runtime.worker.running import Interrupt

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge.runtime.worker.running import Running

logger = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONCE = 4
GROWTH_PAUSE = 0.002
NO_THREAD_PAUSE = 1.0
"""How long until another try when the system gives no more threads; jobs wait for those that there are."""
HOLDS_LOCKS = frozenset(
    {"<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>", logging.__file__}
)


class HandlerThreads:
    """A pool that grows while work waits: short jobs stay on few threads, blocking ones get one each.

    Unlike ``concurrent.futures`` its threads are daemons (the standard pool joins them at exit), and
    an interrupt reaches the handler it is meant for or nobody. ``run`` is called in the thread and must
    not raise; it calls the handler by ``call``. ``ended`` is called on the event loop.
    """

    def __init__(self, limit: int, run: Callable[[Running], None], ended: Callable[[Running], None]) -> None:
        self._limit = limit
        self._run = run
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._waiting: SimpleQueue[Running | None] = SimpleQueue()
        self._done: deque[Running] = deque()
        self._is_woken = False
        self._lock = threading.Lock()
        self._threads = 0
        self._busy = 0
        self._growth: asyncio.TimerHandle | None = None

    def submit(self, running: Running) -> None:
        """Run it as soon as a thread is free."""
        self._waiting.put(running)
        self._busy += 1
        if self._growth is None and self._threads < min(self._limit, self._busy):
            is_given = self._threads < AT_ONCE and self._add_thread()
            if not is_given:
                self._growth = self._loop.call_later(GROWTH_PAUSE, self._grow)

    def call(
        self, running: Running, function: Callable[..., T], args: list[Any], kwargs: dict[str, Any]
    ) -> T:
        """Call a handler, in the thread of its attempt, so that an interrupt reaches it and nothing else."""
        try:
            with self._lock:
                running.thread = threading.get_ident()
                if running.interrupted:
                    raise Interrupt
            try:
                return function(*args, **kwargs)
            finally:
                self._shield(running)
        except Interrupt:  # raised in the handler, or between its end and the shield
            self._shield(running)
            raise

    def interrupt(self, running: Running) -> bool:
        """Raise Interrupt in the handler; it is seen when the thread is next in Python code.

        Answers False, and does nothing, while the thread is in code that must not be broken off: an
        import or a log handler could leave a lock behind that stops the whole process. Ask again soon.
        """
        with self._lock:
            if running.thread is not None:
                frame = sys._current_frames().get(running.thread)
                if frame is not None and frame.f_code.co_filename in HOLDS_LOCKS:
                    return False
                _raise_in(running.thread, Interrupt)
            running.interrupted = True
            return True

    def allow(self, more: int = 1) -> None:
        """So many threads more, or fewer: for one that is stuck in its handler, or because there are other slots."""
        self._limit += more

    def close(self) -> None:
        """Let idle threads end."""
        if self._growth is not None:
            self._growth.cancel()
        self._limit = 0
        for _ in range(self._threads):
            self._waiting.put(None)

    def _grow(self) -> None:
        self._growth = None
        waiting = self._waiting.qsize()
        wanted = min(waiting, max(1, self._threads), self._limit - self._threads)
        is_given = all(self._add_thread() for _ in range(wanted))
        if waiting and self._threads < self._limit:
            pause = GROWTH_PAUSE if is_given else NO_THREAD_PAUSE
            self._growth = self._loop.call_later(pause, self._grow)

    def _add_thread(self) -> bool:
        """Answers whether the system gives one."""
        name = f"taskforge-handler-{self._threads + 1}"
        try:
            threading.Thread(target=self._work, name=name, daemon=True).start()
        except RuntimeError as error:
            logger.warning("%s beyond %d for handlers; jobs wait for one of them", error, self._threads)
            return False
        self._threads += 1
        return True

    def _work(self) -> None:
        while (running := self._waiting.get()) is not None:
            try:
                if running.variables is not None:
                    running.variables.run(self._run, running)
            except BaseException:
                logger.exception("job %s ended in a way that it should not", running.attempt.job.id)
            self._done.append(running)
            if not self._is_woken:
                self._is_woken = True
                with suppress(RuntimeError):
                    self._loop.call_soon_threadsafe(self._collect)
            del running

    def _shield(self, running: Running) -> None:
        """No interrupt can be sent to this thread from here on, and one on its way is taken back."""
        with self._lock:
            running.thread = None
            if running.interrupted:
                _raise_in(threading.get_ident(), None)

    def _collect(self) -> None:
        self._is_woken = False
        while self._done:
            self._busy -= 1
            self._ended(self._done.popleft())


def _raise_in(thread: int, error: type[BaseException] | None) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), None if error is None else ctypes.py_object(error)
    )
