"""PostgreSQL by asyncpg. Leaves no state on a connection, so a transaction pooler may stand between."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast
from weakref import WeakSet

import asyncpg

from taskforge.ports.waits import within
from taskforge.storage.array_types import KnowingArrays
from taskforge.storage.connections import Connections
from taskforge.storage.engine import Call, Many, Rows, Script, adrive
from taskforge.storage.postgres_errors import DRIVER_ERRORS, translated
from taskforge.storage.statements import catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from uuid import UUID

    from taskforge.ports.clock import Clock

T = TypeVar("T")

ATTEMPTS_AFTER_DEADLOCK = 5
NOTHING_SENT = ("is closed", "cannot switch to state")
"""What asyncpg says of a connection that is closed, or on which a server that goes down has said so and not closed it yet."""
SESSION = {"default_transaction_isolation": "read committed", "jit": "off"}
"""Whatever the role or the database says: claims and settlements are made for it. Compiling takes longer than any of our
statements: with partitions for each day, seconds for what is read in milliseconds."""
RUNS_BEFORE_A_PLAN_STAYS = 6
"""PostgreSQL plans the first five runs of a prepared statement one by one, and the sixth for all."""
UNANSWERED_MS = 10_000
"""How long what was sent may stay without an acknowledgement of the other machine."""


class PostgresEngine:
    """A few connections, bound to the event loop that first uses them."""

    dialect = "postgres"

    def __init__(
        self,
        url: str,
        *,
        clock: Clock | None = None,
        pool_size: int = 10,
        statement_cache: int = 256,
        connect_timeout: float = 5.0,
        statement_timeout: float = 30.0,
        application_name: str = "taskforge",
    ) -> None:
        self.url = url
        self._clock = clock
        self._connections = Connections(self._connect, pool_size)
        self._statement_cache = statement_cache
        self._connect_timeout = connect_timeout
        self._statement_timeout = statement_timeout
        self._application_name = application_name
        self._session = dict(SESSION)
        self._rehearsed: WeakSet[asyncpg.Connection[Any]] = WeakSet()
        self._prepared = {
            name: _Prepared(
                block[0].numbered("$"),
                _values_of(block[0].parameters),
                [own for own in block[0].parameters if own in _OWN],
                block[0].alike,
            )
            for name, block in catalog("postgres").items()
        }

    def call(self, call: Call) -> Coroutine[Any, Any, Rows]:
        return self._guarded(self._lone if self._statement_cache else self._parsed_anew, call)

    def read(self, call: Call) -> Coroutine[Any, Any, Rows]:
        return self.call(call)

    async def run(self, script: Callable[[], Script[T]]) -> T:
        return cast("T", await self._guarded(self._drive, script))

    async def rehearse(self, calls: list[Call]) -> None:
        async def run(connection: asyncpg.Connection[Any]) -> None:
            if connection not in self._rehearsed:
                self._rehearsed.add(connection)
                for call in calls * RUNS_BEFORE_A_PLAN_STAYS:
                    await self._lone(connection, call)

        if self._statement_cache:
            try:
                await self._connections.visit_idle(run)
            except DRIVER_ERRORS as error:
                raise translated(error, self.url) from error

    async def close(self) -> None:
        await self._connections.close()

    def moment(self, value: Any) -> Any:
        return value

    def identity(self, value: Any) -> Any:
        return value

    def identities(self, values: Sequence[Any]) -> frozenset[UUID]:
        return frozenset(values)

    async def _guarded(self, work: Callable[[Any, Any], Any], of: object) -> Any:
        for attempt in range(1, ATTEMPTS_AFTER_DEADLOCK + 1):
            try:
                async with self._connections.lend(self._connect_timeout) as connection:
                    return await work(connection, of)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError) as error:
                if attempt == ATTEMPTS_AFTER_DEADLOCK:
                    raise translated(error, self.url) from error
                await asyncio.sleep(0.01 * attempt)
            except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                # it was lost while it lay idle, as all of them are after a restart: nothing was sent
                if attempt == ATTEMPTS_AFTER_DEADLOCK or not any(word in str(error) for word in NOTHING_SENT):
                    raise translated(error, self.url) from error
                self._connections.drop_closed()
            except DRIVER_ERRORS as error:
                raise translated(error, self.url) from error
        raise AssertionError("unreachable")

    async def _drive(self, connection: Any, script: Callable[[], Script[T]]) -> T:
        with within(self._statement_timeout) as wait:

            def fetch(call: Call) -> Coroutine[Any, Any, Rows]:
                wait.anew()
                return self._fetch(connection, call)

            async with connection.transaction():
                result = await adrive(script, fetch)
                wait.anew()
            return result

    async def _lone(self, connection: Any, call: Call) -> Rows:
        with within(self._statement_timeout):
            return await self._fetch(connection, call)

    async def _parsed_anew(self, connection: Any, call: Call) -> Rows:
        """Parsed and run in two steps: a transaction keeps a pooler from changing the server in between."""
        with within(self._statement_timeout):
            async with connection.transaction():
                return await self._fetch(connection, call)

    def _fetch(self, connection: Any, call: Call) -> Coroutine[Any, Any, Rows]:
        sql, arguments = self.bound(call)
        return cast("Coroutine[Any, Any, Rows]", connection.fetch(sql, *arguments))

    def bound(self, call: Call) -> tuple[str, Sequence[Any]]:
        """The statement of a call, with $1, $2 ..., and what stands for them."""
        sql, values_of, owned, alike = self._prepared[call.name]
        parameters = call.parameters
        if isinstance(call, Many):
            # unnest pads a missing column with NULLs, and an array of nothing is dear to encode
            columns = {
                name: None if column and column[0] is None and column.count(None) == len(column) else column
                for name, column in call.columns.items()
            }
            for name in alike:
                column = columns[name]
                if column and column.count(column[0]) == len(column):
                    columns[name] = column[:1]
            parameters = {**parameters, **columns}
        if owned:
            parameters = {**parameters, **{name: _OWN[name](self._clock) for name in owned}}
        return sql, values_of(parameters)

    async def _connect(self) -> asyncpg.Connection[Any]:
        try:
            connection = await asyncpg.connect(
                self.url,
                timeout=self._connect_timeout,
                statement_cache_size=self._statement_cache,
                connection_class=KnowingArrays,
                server_settings={"application_name": self._application_name, **self._session},
            )
        except asyncpg.ProtocolViolationError as error:
            if not self._session or "startup parameter" not in str(error):
                raise
            self._session = {}  # a pooler that hands on none: what the role says holds
            return await self._connect()
        give_up_when_unanswered(connection)
        return connection


_OWN: Mapping[str, Callable[[Clock | None], object]] = {
    "now": lambda clock: clock and clock.now(),
    "seed": lambda clock: secrets.randbits(63),
}
"""What statements are given that no caller gives: a time other than the server's own, and chance."""


class _Prepared(NamedTuple):
    """A statement's text, how its values are taken from parameters by name, those of `_OWN` it has, and which are alike."""

    sql: str
    values_of: Callable[[Mapping[str, Any]], Sequence[Any]]
    owned: Sequence[str]
    alike: Sequence[str]


def _values_of(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    """In one step: looking for each of twenty names takes ten times as long."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda parameters: [parameters[name] for name in names]


def give_up_when_unanswered(connection: asyncpg.Connection[Any]) -> None:
    """A machine that is gone without a word is noticed by the kernel, before any limit on statements."""
    transport = getattr(connection, "_transport", None)
    plug = None if transport is None else transport.get_extra_info("socket")
    if plug is None or plug.family == getattr(socket, "AF_UNIX", None):
        return
    with contextlib.suppress(OSError):
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in _KEEP_ALIVE:
            plug.setsockopt(socket.IPPROTO_TCP, option, value)


_KEEP_ALIVE = [
    (getattr(socket, name), value)
    for name, value in (
        ("TCP_KEEPIDLE", 10),
        ("TCP_KEEPINTVL", 5),
        ("TCP_KEEPCNT", 3),
        ("TCP_USER_TIMEOUT", UNANSWERED_MS),
    )
    if hasattr(socket, name)
]
