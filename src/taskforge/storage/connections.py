"""The PostgreSQL connections of one event loop.

A stack instead of ``asyncpg.Pool``: the pool's proxies, checks and resets cost a short statement a fifth of
its time. A connection on which anything but the server's answer to a statement ended a call is closed, not
reused: a server that goes down says so on connections that look alive for a moment longer. It is closed in good order,
beside whatever comes next: the driver has the server give up first what it still does there, which would otherwise go on
for as long as somebody holds what it waits for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

import asyncpg

from taskforge.storage.postgres_errors import DRIVER_ERRORS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    Connection = asyncpg.Connection[Any]


CLOSE_SECONDS = 2.0
LAST_WORDS = ("FATAL", "PANIC")


class Connections:
    """At most ``size`` connections, made by ``connect`` when they are needed."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int) -> None:
        self._connect = connect
        self._size = size
        self._idle: list[Connection] = []
        self._open = 0
        self._closed = False
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._endings: set[asyncio.Task[None]] = set()

    def lend(self, timeout: float) -> Loan:
        """A connection for the block. Raises TimeoutError when none gets free in so many seconds."""
        return Loan(self, timeout)

    async def take(self, timeout: float) -> Connection:
        """One that has to be given back."""
        return self._idle.pop() if self._idle else await self._get(timeout)

    async def visit_idle(self, work: Callable[[Connection], Awaitable[object]]) -> None:
        """Do ``work`` with each one that nobody uses, one after the other."""
        for connection in tuple(self._idle):
            if connection not in self._idle:  # somebody uses it now
                continue
            self._idle.remove(connection)
            try:
                await work(connection)
            except BaseException as error:
                self.give_back(connection, error)
                raise
            self.give_back(connection)

    def drop_closed(self) -> None:
        """Forget idle connections that the server has ended, all at once: a restart ends all of them."""
        alive = [connection for connection in self._idle if not connection.is_closed()]
        self._open -= len(self._idle) - len(alive)
        self._idle = alive
        self._wake()

    async def close(self) -> None:
        """Close the idle connections in good order; those that are lent out end when they come back."""
        self._closed = True
        while self._idle:
            connection = self._idle.pop()
            self._open -= 1
            await _end(connection)
        if self._endings:
            await asyncio.wait(self._endings)

    async def _get(self, timeout: float) -> Connection:
        async with asyncio.timeout(timeout):
            while True:
                if self._idle:
                    connection = self._idle.pop()
                    if not connection.is_closed():
                        return connection
                    self._open -= 1
                elif self._open < self._size:
                    return await self._make()
                else:
                    await self._turn()

    async def _make(self) -> Connection:
        self._open += 1
        try:
            return await self._connect()
        except BaseException:
            self._open -= 1
            self._wake()
            raise

    async def _turn(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._wake()
            raise

    def give_back(self, connection: Connection, error: BaseException | None = None) -> None:
        """``error`` is what ended the use of it."""
        if self._closed:
            connection.terminate()
        if connection.is_closed():
            self._open -= 1
        elif error is not None and not _is_an_answer(error):
            self._open -= 1
            ending = asyncio.get_running_loop().create_task(_end(connection))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)
        else:
            self._idle.append(connection)
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return


class Loan:
    """A connection for a block. Written out: what `asynccontextmanager` makes costs a short statement several times as much."""

    __slots__ = ("_connection", "_connections", "_timeout")

    def __init__(self, connections: Connections, timeout: float) -> None:
        self._connections = connections
        self._timeout = timeout

    async def __aenter__(self) -> Connection:
        self._connection = await self._connections.take(self._timeout)
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connections.give_back(self._connection, error)


async def _end(connection: Connection) -> None:
    try:
        await connection.close(timeout=CLOSE_SECONDS)
    except DRIVER_ERRORS:
        connection.terminate()


def _is_an_answer(error: BaseException) -> bool:
    """Whether the connection goes on after it: the server refused a statement, or we refused to send a value."""
    if isinstance(error, asyncpg.PostgresError):
        return error.severity_en not in LAST_WORDS and not isinstance(error, asyncpg.PostgresConnectionError)
    return isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)
