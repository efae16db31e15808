"""The SQLite engine: runs statements and scripts on the writer, reads on a few connections beside it."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast
from uuid import UUID

import msgspec

from taskforge.storage.engine import Call, Many, Rows, Script
from taskforge.storage.sqlite.connection import EPOCH, connect, microseconds, stored, translated
from taskforge.storage.sqlite.writer import Writer
from taskforge.storage.statements import catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from taskforge.ports.clock import Clock

T = TypeVar("T")

READERS = 2


class SqliteEngine:
    """One database file (or ``:memory:``). Serves any number of event loops of the process.

    ``statements`` counts the calls made, for the benchmark of an idle worker.
    """

    dialect = "sqlite"

    def __init__(self, path: str, *, clock: Clock | None = None, busy_timeout: float = 5.0) -> None:
        self.path = path
        self.in_memory = path == ":memory:"
        self.statements = 0
        self._clock = clock
        self._floor = 0
        self._prepared = _prepared()
        self._writer = Writer(path, busy_timeout=busy_timeout)
        self._readers: ThreadPoolExecutor | None = None
        self._reading = threading.local()
        self._opened: list[sqlite3.Connection] = []

    async def call(self, call: Call) -> Rows:
        return await self._writer.submit(lambda connection: self._fetch(connection, call))

    async def run(self, script: Callable[[], Script[T]]) -> T:
        return await self._writer.submit(lambda connection: self.drive(connection, script))

    async def read(self, call: Call) -> Rows:
        if self.in_memory:
            return await self.call(call)
        if self._readers is None:
            self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="taskforge-sqlite-reader")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, call)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(None, self.close_now)

    def close_now(self) -> None:
        """Close without an event loop."""
        self._writer.close()
        if self._readers is not None:
            self._readers.shutdown(wait=True)
            self._readers = None
        for connection in self._opened:
            connection.close()
        self._opened.clear()
        self._reading = threading.local()

    def moment(self, value: Any) -> Any:
        return None if value is None else EPOCH + timedelta(microseconds=value)

    def identity(self, value: Any) -> Any:
        return None if value is None else UUID(value)

    def changed_by_others(self) -> bool | None:
        """Whether another connection has written since the last call; None while our writer is at work."""
        return self._writer.changed_by_others()

    def drive(self, connection: sqlite3.Connection, script: Callable[[], Script[T]]) -> T:
        """Run a script on a connection whose transaction someone else began and will end."""
        steps = script()
        try:
            call = next(steps)
            while True:
                call = steps.send(self._fetch(connection, call))
        except StopIteration as stop:
            return cast("T", stop.value)

    def _read(self, call: Call) -> Rows:
        connection = getattr(self._reading, "connection", None)
        if connection is None:
            connection = self._reading.connection = connect(self.path, read_only=True)
            self._opened.append(connection)
        try:
            return self._fetch(connection, call)
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def _now(self) -> int:
        """The wall clock, never going back while the process lives; a test's clock takes its place."""
        moved = self._clock.now() if self._clock is not None else None
        if moved is not None:
            return microseconds(moved)
        self._floor = max(self._floor, time.time_ns() // 1000)
        return self._floor

    def _fetch(self, connection: sqlite3.Connection, call: Call) -> Rows:
        self.statements += 1
        values: dict[str, Any] = {name: stored(value) for name, value in call.parameters.items()}
        values["now"] = self._now()
        columns = dict(call.columns) if isinstance(call, Many) else {}
        rows: list[Any] = []
        for statement in self._prepared[call.name]:
            if statement.from_rows and "rows" not in values:
                values["rows"] = _as_json(columns)
            if statement.once or not isinstance(call, Many):
                rows += connection.execute(statement.sql, [values[name] for name in statement.parameters])
                continue
            each = zip(
                *(
                    map(stored, columns[name]) if name in columns else repeat(values[name])
                    for name in statement.parameters
                ),
                strict=False,
            )
            if statement.returns:
                for parameters in each:
                    rows += connection.execute(statement.sql, parameters)
            else:
                connection.executemany(statement.sql, each)
        return rows


def _as_json(columns: Mapping[str, Sequence[Any]]) -> str:
    """The rows as a JSON array of objects; what is None is left out."""
    given = {name: column for name, column in columns.items() if any(value is not None for value in column)}
    for name, column in given.items():
        if any(isinstance(value, datetime) for value in column):
            given[name] = [stored(value) for value in column]
    rows = [dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)]
    return msgspec.json.encode(rows).decode()


class _Prepared(NamedTuple):
    sql: str
    parameters: tuple[str, ...]
    once: bool
    returns: bool
    from_rows: bool


@cache
def _prepared() -> dict[str, tuple[_Prepared, ...]]:
    return {
        name: tuple(
            _Prepared(
                statement.numbered("?"),
                statement.parameters,
                statement.once or "rows" in statement.parameters,
                "RETURNING" in statement.sql,
                "rows" in statement.parameters,
            )
            for statement in block
        )
        for name, block in catalog("sqlite").items()
    }
