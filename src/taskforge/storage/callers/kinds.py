"""Which kind of connection a caller has handed over. A library that is not loaded is not loaded for this."""

from __future__ import annotations

import sqlite3
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from taskforge.domain.errors import ForeignConnection
from taskforge.storage.callers.sqlalchemy import async_driver_connection, driver_connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge.storage.engine import Engine, Script

T = TypeVar("T")


class Caller(Protocol):
    """A synchronous connection in a transaction."""

    def drive(self, script: Callable[[], Script[T]]) -> T:
        """Run a script over it."""
        ...


class AsyncCaller(Protocol):
    """An asynchronous connection in a transaction."""

    async def drive(self, script: Callable[[], Script[T]]) -> T:
        """Run a script over it."""
        ...


class _Kind(NamedTuple):
    module: str
    name: str
    dialect: str | None
    is_async: bool = False


_KINDS = (
    _Kind("sqlite3", "Connection", "sqlite"),
    _Kind("aiosqlite", "Connection", "sqlite", is_async=True),
    _Kind("asyncpg", "Connection", "postgres", is_async=True),
    _Kind("asyncpg.pool", "PoolConnectionProxy", "postgres", is_async=True),
    _Kind("psycopg", "Connection", "postgres"),
    _Kind("psycopg", "AsyncConnection", "postgres", is_async=True),
    _Kind("sqlalchemy.orm", "Session", None),
    _Kind("sqlalchemy.orm", "scoped_session", None),
    _Kind("sqlalchemy.engine", "Connection", None),
    _Kind("sqlalchemy.ext.asyncio", "AsyncSession", None, is_async=True),
    _Kind("sqlalchemy.ext.asyncio", "async_scoped_session", None, is_async=True),
    _Kind("sqlalchemy.ext.asyncio", "AsyncConnection", None, is_async=True),
)
_DATABASES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}


def caller_of(connection: object, engine: Any) -> Caller:
    """The caller's side over a synchronous connection. Raises ForeignConnection."""
    kind = _kind_of(connection)
    if kind.is_async:
        raise ForeignConnection(
            f"{kind.module}.{kind.name} is asynchronous",
            field="connection",
            hint="use: await ....aenqueue_in(...)",
        )
    if kind.dialect is None:
        return caller_of(driver_connection(connection), engine)
    _check_dialect(kind, engine)
    if isinstance(connection, sqlite3.Connection):
        from taskforge.storage.callers.sqlite import SqliteCaller

        return SqliteCaller(connection, engine)
    from taskforge.storage.callers.postgres import PsycopgCaller

    return PsycopgCaller(connection, engine)


async def async_caller_of(connection: object, engine: Any) -> Caller | AsyncCaller:
    """The caller's side over a connection of any kind. Raises ForeignConnection."""
    kind = _kind_of(connection)
    if not kind.is_async:
        return caller_of(connection, engine)
    if kind.dialect is None:
        return await async_caller_of(await async_driver_connection(connection), engine)
    _check_dialect(kind, engine)
    if kind.dialect == "sqlite":
        from taskforge.storage.callers.sqlite import AiosqliteCaller

        return AiosqliteCaller(connection, engine)
    from taskforge.storage.callers.postgres import AsyncpgCaller, AsyncPsycopgCaller

    return (AsyncPsycopgCaller if kind.module == "psycopg" else AsyncpgCaller)(connection, engine)


def _kind_of(connection: object) -> _Kind:
    for kind in _KINDS:
        known = getattr(sys.modules.get(kind.module), kind.name, None)
        if known is not None and isinstance(connection, known):
            return kind
    found = type(connection)
    raise ForeignConnection(
        f"{found.__module__}.{found.__qualname__} is no connection that TaskForge can use",
        field="connection",
        hint="it takes those of sqlite3, aiosqlite, asyncpg and psycopg 3, and SQLAlchemy's sessions and connections",
    )


def _check_dialect(kind: _Kind, engine: Engine) -> None:
    if kind.dialect != engine.dialect:
        raise ForeignConnection(
            f"{kind.module}.{kind.name} is a connection to {_DATABASES[kind.dialect or engine.dialect]}, "
            f"the application's database is {_DATABASES[engine.dialect]}",
            field="connection",
        )
