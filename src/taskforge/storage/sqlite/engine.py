"""The SQLite engine: runs statements and scripts on the writer, reads on a few connections beside it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast
from uuid import UUID

import msgspec

from taskforge.storage.engine import Call, Many, Rows, Script, drive
from taskforge.storage.migrate import migrate_file
from taskforge.storage.sqlite.connection import EPOCH, connect, identity_of, microseconds, stored, translated
from taskforge.storage.sqlite.writer import UNDONE, Writer
from taskforge.storage.statements import catalog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from taskforge.ports.clock import Clock
    from taskforge.storage.statements import Statement

T = TypeVar("T")

READERS = 2

_WHOLE = frozenset({"rows", "cells", "pairs"})
_MADE = _WHOLE | {"stem"}
_decode = msgspec.json.decode
_encode = msgspec.json.encode


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
        self._prepared, self._wanted = _prepared(), _wanted()
        self._writer = Writer(path, busy_timeout=busy_timeout)
        self._found: set[str] = set()
        self._readers: ThreadPoolExecutor | None = None
        self._reading = threading.local()
        self._opened: list[sqlite3.Connection] = []

    async def call(self, call: Call) -> Rows:
        block = self._prepared[call.name]
        unbegun: Callable[[sqlite3.Connection], Any] | None = None
        if block[0].binds:
            unbegun = partial(self._unless_found, call=call)
        elif _runs(block, call) <= 1:
            unbegun = partial(self._fetch, call=call)
        return await self._writer.submit(call.name, partial(self._fetch, call=call), unbegun=unbegun)

    async def run(self, script: Callable[[], Script[T]]) -> T:
        return await self._writer.submit("script", lambda connection: self.drive(connection, script))

    async def read(self, call: Call) -> Rows:
        if self.in_memory:
            return await self.call(call)
        self._writer.check_open()
        if self._readers is None:
            self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="taskforge-sqlite-reader")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, call)

    async def rehearse(self, calls: list[Call]) -> None:
        """Its first run of a statement is no matter."""

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
        return None if value is None else identity_of(value)

    def identities(self, values: Sequence[Any]) -> frozenset[UUID]:
        return msgspec.convert(values, frozenset[UUID])

    def migrate_memory(self) -> None:
        """Make the tables of a database that lives in this process only."""
        self._writer.use(lambda connection: migrate_file(self.path, connection=connection))

    def changed_by_others(self) -> bool | None:
        """Whether another connection has written since the last call; None while our writer is at work."""
        return self._writer.changed_by_others()

    def drive(self, connection: sqlite3.Connection, script: Callable[[], Script[T]]) -> T:
        """Run a script on a connection whose transaction someone else began and will end."""
        return drive(script, lambda call: self._fetch(connection, call))

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

    def _unless_found(self, connection: sqlite3.Connection, call: Call) -> Any:
        """A statement that looks for rows to change, without a lock while it finds none."""
        if call.name in self._found:
            self._found.discard(call.name)
            return UNDONE
        return self._fetch(connection, call, only_read=True)

    def _fetch(self, connection: sqlite3.Connection, call: Call, *, only_read: bool = False) -> Rows:
        self.statements += 1
        call, pieces = _chosen(call, self._prepared[call.name])
        wanted = self._wanted[call.name]
        values: dict[str, Any] = {
            name: stored(value) for name, value in call.parameters.items() if name in wanted
        }
        values["now"] = self._now()
        rows: list[Any] = []
        last: list[Any] = []
        for piece in pieces:
            if piece.needs_found and any(values[name] == "[]" for name in piece.needs_found):
                continue
            for name in piece.made.difference(values):
                values[name] = _made(name, call, values["now"])
            if isinstance(call, Many) and not piece.once:
                rows += _each(connection, piece, call, values)
                continue
            found = connection.execute(piece.sql, [values[name] for name in piece.parameters])
            if piece.binds:
                row = found.fetchone()
                values.update(zip(piece.binds, row, strict=False))
                if len(row) > len(piece.binds):
                    last.append(row)
                if row[0] != "[]":
                    self._found.add(call.name)
                    if only_read:
                        return cast("Rows", UNDONE)
            else:
                rows += _answer(piece, found)
        return rows + last if last else rows


def _answer(piece: _Prepared, found: sqlite3.Cursor) -> Iterable[Any]:
    if piece.is_counted:
        return [{"stored": found.rowcount}]
    return cast("list[Any]", _decode(found.fetchone()[0])) if piece.is_packed else found


def _runs(block: Sequence[_Prepared], call: Call) -> int:
    """How many statements the pieces of a block become: those that are not run once, one for each row."""
    rows = len(next(iter(call.columns.values()), ())) if isinstance(call, Many) else 1
    return sum(1 if piece.once else rows for piece in block if not piece.alike)


def _chosen(call: Call, block: Sequence[_Prepared]) -> tuple[Call, Sequence[_Prepared]]:
    """The pieces that are run: the first one alone where it is for rows that are alike, and these are."""
    alike = block[0].alike
    if not alike:
        return call, block
    if isinstance(call, Many) and all(_is_one(call.columns[name]) for name in alike):
        columns = dict(call.columns)
        same = {name: columns.pop(name)[0] for name in alike}
        return Many(call.name, columns, {**call.parameters, **same}), block[:1]
    return call, block[1:]


def _is_one(column: Sequence[Any]) -> bool:
    return len(column) > 0 and column.count(column[0]) == len(column)


def _made(name: str, call: Call, now: int) -> str:
    """What a statement needs beside the call's own parameters."""
    if name == "stem":
        random = os.urandom(8).hex()
        time = f"{now // 1000:012x}"
        return f"{time[:8]}-{time[8:]}-7{random[:3]}-{'89ab'[now & 3]}{random[3:6]}-{random[6:14]}"
    columns = call.columns if isinstance(call, Many) else {}
    return _WRITTEN[name](columns)


def _each(
    connection: sqlite3.Connection, piece: _Prepared, call: Many, values: Mapping[str, Any]
) -> Sequence[Any]:
    """Run the statement for each row of the call."""
    each = zip(
        *(
            map(stored, call.columns[name]) if name in call.columns else repeat(values[name])
            for name in piece.parameters
        ),
        strict=False,
    )
    if not piece.returns:
        connection.executemany(piece.sql, each)
        return ()
    return [row for parameters in each for row in connection.execute(piece.sql, parameters)]


def _as_objects(columns: Mapping[str, Sequence[Any]]) -> str:
    """The rows as a JSON array of objects; what is None is left out."""
    given = {name: _plain(column) for name, column in columns.items() if column.count(None) < len(column)}
    rows = [dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)]
    return _encode(rows).decode()


def _as_cells(columns: Mapping[str, Sequence[Any]]) -> str:
    """The rows as a JSON array of arrays."""
    return _encode(list(zip(*map(_plain, columns.values()), strict=True))).decode()


def _as_pairs(columns: Mapping[str, Sequence[Any]]) -> str:
    """The rows of two columns as one JSON object; the first column is of ids, each is there once."""
    ids, values = columns.values()
    return _encode(dict(zip(msgspec.to_builtins(ids), values, strict=True))).decode()


_WRITTEN = {"rows": _as_objects, "cells": _as_cells, "pairs": _as_pairs}


def _plain(column: Sequence[Any]) -> Sequence[Any]:
    return [stored(value) for value in column] if datetime in set(map(type, column)) else column


class _Prepared(NamedTuple):
    """``made``: parameters that the engine makes; ``needs_found``: those that pieces before it bind.

    ``alike``: the columns of which this piece takes one value each; it is run where they have no more.
    """

    sql: str
    parameters: tuple[str, ...]
    once: bool
    returns: bool
    is_packed: bool
    is_counted: bool
    binds: tuple[str, ...]
    made: frozenset[str]
    needs_found: tuple[str, ...]
    alike: tuple[str, ...]


@cache
def _prepared() -> dict[str, tuple[_Prepared, ...]]:
    return {name: tuple(_pieces(block)) for name, block in catalog("sqlite").items()}


@cache
def _wanted() -> dict[str, frozenset[str]]:
    """The parameters of each block; a call may carry more than its statement takes."""
    return {
        name: frozenset().union(*(statement.parameters for statement in block))
        for name, block in catalog("sqlite").items()
    }


def _pieces(block: Sequence[Statement]) -> Iterator[_Prepared]:
    bound = {name for statement in block for name in statement.binds}
    whole = any(_WHOLE.intersection(statement.parameters) for statement in block)
    for statement in block:
        made = _MADE.intersection(statement.parameters)
        yield _Prepared(
            statement.numbered("?"),
            statement.parameters,
            whole or statement.once,
            "RETURNING" in statement.sql,
            "AS packed" in statement.sql,
            statement.counted,
            statement.binds,
            made,
            tuple(name for name in statement.parameters if name in bound),
            statement.alike,
        )
