"""The one writer of a process: group commit, each operation in its own savepoint.

While the writer is idle and commits are quick, an operation is run at once in the caller's thread (a
commit takes less than a switch of threads). Otherwise operations queue for the writer's thread, which
takes all that wait into one transaction and answers after its commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from taskforge.domain.errors import TaskforgeError, Unavailable
from taskforge.storage.sqlite.connection import connect, is_busy, translated

if TYPE_CHECKING:
    from collections.abc import Callable

    Operation = Callable[[sqlite3.Connection], Any]

T = TypeVar("T")

GROUP = 200
INLINE_LIMIT_SECONDS = 0.002
FIRST_WAIT_SECONDS = 0.0005
LONGEST_WAIT_SECONDS = 0.01
UNDONE: Any = object()
"""What an operation answers that has changed nothing and has to be run in a transaction."""


class _Waiting(NamedTuple):
    kind: str
    operation: Operation
    unbegun: Operation | None
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class Writer:
    """Owns the writing connection. ``submit`` may be called from any event loop of the process."""

    def __init__(self, path: str, *, busy_timeout: float) -> None:
        self._path = path
        self._busy_timeout = busy_timeout
        self._connection: sqlite3.Connection | None = None
        self._in_use = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._queueing = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._closed = False
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._data_version = 0

    async def submit(
        self, kind: str, operation: Callable[[sqlite3.Connection], T], *, unbegun: Operation | None = None
    ) -> T:
        """Run the operation in a transaction; answers after its commit. Raises domain errors only.

        When nothing else waits and the last operation of this ``kind`` was short, it runs on the caller's
        thread. Where it is alone ``unbegun`` goes first: the same without BEGIN and COMMIT, for a single
        statement or for reading. It may answer ``UNDONE``.
        """
        self.check_open()
        if (
            not self._waiting
            and self._seconds[kind] < INLINE_LIMIT_SECONDS
            and self._in_use.acquire(blocking=False)
        ):
            try:
                result = self._inline(kind, operation, unbegun)
            except sqlite3.Error as error:
                raise translated(error, self._path) from error
            finally:
                self._in_use.release()
            if result is not UNDONE:
                return cast("T", result)
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue(_Waiting(kind, operation, unbegun, loop, future))
        return await future

    def use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Work with the connection outside of a transaction, while nothing else does."""
        with self._in_use:
            return work(self._opened())

    def changed_by_others(self) -> bool | None:
        """Whether another connection has committed since the last call; None while the writer is at work.

        ``data_version`` changes only by commits of other connections, so our own do not count.
        """
        if self._waiting or not self._in_use.acquire(blocking=False):
            return None
        try:
            version: int = self._opened().execute("PRAGMA data_version").fetchone()[0]
        except (sqlite3.Error, TaskforgeError):
            return True
        finally:
            self._in_use.release()
        changed: bool = version != self._data_version
        self._data_version = version
        return changed

    def close(self) -> None:
        """End the thread after what waits is written, and close the connection."""
        self._closing = True
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=self._busy_timeout + 5)
        with self._in_use:
            self._closed = True
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def check_open(self) -> None:
        """Raises Unavailable: it was closed, or is about to be."""
        if self._closing:
            raise self._was_closed()

    def _queue(self, waiting: _Waiting) -> None:
        """For the thread; it is started once, whichever loops come at the same moment, and again after its end."""
        with self._queueing:
            self._waiting.append(waiting)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._write, name="taskforge-sqlite-writer", daemon=True
                )
                self._thread.start()
        self._wake.set()

    def _opened(self) -> sqlite3.Connection:
        if self._closed:
            raise self._was_closed()
        if self._connection is None:
            self._connection = connect(self._path)
        return self._connection

    def _was_closed(self) -> Unavailable:
        return Unavailable(f"{self._path} was closed")

    def _begin(self, connection: sqlite3.Connection) -> bool:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if is_busy(error):
                return False
            raise
        return True

    def _inline(self, kind: str, operation: Operation, unbegun: Operation | None) -> Any:
        """The operation alone, now; UNDONE when another connection is writing."""
        before = time.perf_counter()
        connection = self._opened()
        try:
            result = UNDONE if unbegun is None else unbegun(connection)
            if result is UNDONE and self._begin(connection):
                result = operation(connection)
                connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError) and is_busy(error):
                return UNDONE
            raise
        self._seconds[kind] = time.perf_counter() - before
        return result

    def _write(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while self._waiting:
                with self._in_use:  # taken first: while some wait here, nobody goes before them
                    group = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
                    results = self._alone(*group) if len(group) == 1 else self._together(group)
                _deliver(group, results)
            with self._queueing:
                if self._closing and not self._waiting:
                    self._thread = None
                    return

    def _alone(self, waiting: _Waiting) -> list[Any]:
        """Without BEGIN and COMMIT, if it can be done so at once."""
        if waiting.unbegun is not None and not waiting.future.cancelled():
            before = time.perf_counter()
            try:
                result = waiting.unbegun(self._opened())
            except sqlite3.Error as error:
                if not is_busy(error):
                    return [translated(error, self._path)]
            except BaseException as error:
                return [error]
            else:
                if result is not UNDONE:
                    self._seconds[waiting.kind] = time.perf_counter() - before
                    return [result]
        return self._together([waiting])

    def _together(self, group: list[_Waiting]) -> list[Any]:
        try:
            connection = self._opened()
            self._begin_patiently(connection)
            results = [
                None  # its caller has given up, and was told that it was not done
                if waiting.future.cancelled()
                else self._within(connection, waiting, len(group) > 1)
                for waiting in group
            ]
            try:
                if connection.in_transaction:
                    connection.execute("COMMIT")
            except sqlite3.Error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            return [translated(error, self._path)] * len(group)
        except BaseException as error:  # whatever it is, who waits is told
            return [error] * len(group)
        return results

    def _begin_patiently(self, connection: sqlite3.Connection) -> None:
        deadline = time.monotonic() + self._busy_timeout
        wait = FIRST_WAIT_SECONDS
        while not self._begin(connection):
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"{self._path} has been locked by another transaction for {self._busy_timeout:g} s",
                    hint="is a program holding a transaction open?",
                )
            time.sleep(wait)
            wait = min(LONGEST_WAIT_SECONDS, wait * 1.5)

    def _within(self, connection: sqlite3.Connection, waiting: _Waiting, shared: bool) -> Any:
        before = time.perf_counter()
        if shared:
            connection.execute("SAVEPOINT operation")
        try:
            result = waiting.operation(connection)
        except BaseException as error:
            if not connection.in_transaction:
                raise
            if shared:
                connection.execute("ROLLBACK TO operation")
                connection.execute("RELEASE operation")
            else:
                connection.execute("ROLLBACK")
            return translated(error, self._path) if isinstance(error, sqlite3.Error) else error
        if shared:
            connection.execute("RELEASE operation")
        self._seconds[waiting.kind] = time.perf_counter() - before
        return result


def _deliver(group: list[_Waiting], results: list[Any]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = defaultdict(list)
    for waiting, result in zip(group, results, strict=True):
        by_loop[waiting.loop].append((waiting.future, result))
    for loop, answers in by_loop.items():
        with contextlib.suppress(RuntimeError):  # a loop that is closed: nobody waits there any more
            loop.call_soon_threadsafe(_answer, answers)


def _answer(answers: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, result in answers:
        if future.done():
            continue
        if isinstance(result, BaseException):
            future.set_exception(result)
        else:
            future.set_result(result)
