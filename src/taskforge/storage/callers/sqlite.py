"""Connections of callers to a SQLite file, by sqlite3 and aiosqlite."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, TypeVar

from taskforge.domain.errors import NoTransaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge.storage.engine import Script
    from taskforge.storage.sqlite.engine import SqliteEngine

T = TypeVar("T")


class SqliteCaller:
    """A ``sqlite3.Connection``, used in the thread it belongs to."""

    def __init__(self, connection: sqlite3.Connection, engine: SqliteEngine) -> None:
        self._connection = connection
        self._engine = engine

    def drive(self, script: Callable[[], Script[T]]) -> T:
        """Run the script in the open transaction, or the one that sqlite3 begins. Raises NoTransaction."""
        connection = self._connection
        if not connection.in_transaction and not _begins_by_itself(connection):
            raise NoTransaction(
                "the connection is in autocommit and has no open transaction",
                hint='begin one: connection.execute("BEGIN IMMEDIATE")',
            )
        kept = connection.row_factory, connection.text_factory
        connection.row_factory, connection.text_factory = sqlite3.Row, str
        try:
            return self._engine.drive(connection, script)
        finally:
            connection.row_factory, connection.text_factory = kept


class AiosqliteCaller:
    """An ``aiosqlite.Connection``."""

    def __init__(self, connection: Any, engine: SqliteEngine) -> None:
        self._connection = connection
        self._engine = engine

    async def drive(self, script: Callable[[], Script[T]]) -> T:
        """Run the script in the connection's own thread, as one step. Raises NoTransaction."""
        # aiosqlite has no public way to run a function there
        caller = SqliteCaller(self._connection._conn, self._engine)
        result: T = await self._connection._execute(caller.drive, script)
        return result


def _begins_by_itself(connection: sqlite3.Connection) -> bool:
    """Whether sqlite3 opens a transaction before the first change."""
    if getattr(connection, "autocommit", -1) is True:  # Python 3.12 and newer
        return False
    return connection.isolation_level is not None
