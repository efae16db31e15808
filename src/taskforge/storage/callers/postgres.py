"""Connections of callers to PostgreSQL, by asyncpg and psycopg."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from taskforge.domain.errors import NoTransaction
from taskforge.storage.engine import adrive, drive

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskforge.storage.engine import Call, Rows, Script
    from taskforge.storage.postgres import PostgresEngine

T = TypeVar("T")


class AsyncpgCaller:
    """An ``asyncpg.Connection``, or a pool's proxy of one."""

    def __init__(self, connection: Any, engine: PostgresEngine) -> None:
        self._connection = connection
        self._engine = engine

    async def drive(self, script: Callable[[], Script[T]]) -> T:
        """Run the script in the open transaction. Raises NoTransaction."""
        if not self._connection.is_in_transaction():
            raise NoTransaction(
                "the connection has no open transaction", hint="async with connection.transaction(): ..."
            )
        return await adrive(script, self._fetch)

    async def _fetch(self, call: Call) -> Rows:
        sql, arguments = self._engine.bound(call)
        rows: Rows = await self._connection.fetch(sql, *arguments)
        return rows


class PsycopgCaller:
    """A ``psycopg.Connection``."""

    def __init__(self, connection: Any, engine: PostgresEngine) -> None:
        self._connection = connection
        self._engine = engine

    def drive(self, script: Callable[[], Script[T]]) -> T:
        """Run the script in the open transaction, or the one that psycopg begins. Raises NoTransaction."""
        from psycopg import RawCursor
        from psycopg.rows import dict_row

        _check_psycopg(self._connection)

        def fetch(call: Call) -> Rows:
            cursor.execute(*_listed(self._engine.bound(call)))
            return [] if cursor.description is None else cursor.fetchall()

        with RawCursor(self._connection, row_factory=dict_row) as cursor:
            return drive(script, fetch)


class AsyncPsycopgCaller:
    """A ``psycopg.AsyncConnection``."""

    def __init__(self, connection: Any, engine: PostgresEngine) -> None:
        self._connection = connection
        self._engine = engine

    async def drive(self, script: Callable[[], Script[T]]) -> T:
        """Run the script in the open transaction, or the one that psycopg begins. Raises NoTransaction."""
        from psycopg import AsyncRawCursor
        from psycopg.rows import dict_row

        _check_psycopg(self._connection)

        async def fetch(call: Call) -> Rows:
            await cursor.execute(*_listed(self._engine.bound(call)))
            return [] if cursor.description is None else await cursor.fetchall()

        async with AsyncRawCursor(self._connection, row_factory=dict_row) as cursor:
            return await adrive(script, fetch)


def _listed(statement: tuple[str, Sequence[Any]]) -> tuple[Any, list[Any]]:
    """psycopg takes a tuple for a row, not for an array."""
    sql, arguments = statement
    return sql, [list(value) if isinstance(value, tuple) else value for value in arguments]


def _check_psycopg(connection: Any) -> None:
    from psycopg.pq import TransactionStatus

    status = connection.info.transaction_status
    if status == TransactionStatus.INERROR:
        raise NoTransaction(
            "the connection's transaction has failed already", hint="roll it back, and begin again"
        )
    if status == TransactionStatus.IDLE and connection.autocommit:
        raise NoTransaction(
            "the connection is in autocommit and has no open transaction",
            hint="with connection.transaction(): ...",
        )
