"""Each kind of connection behind one set of verbs: what a caller does with it, written as its users would."""

from __future__ import annotations

import asyncio
import sqlite3
from abc import ABC, abstractmethod
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiosqlite
import asyncpg
import psycopg
import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from taskforge.storage.address import parse_address

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from taskforge import JobHandle, TaskForge


class Driver(ABC):
    """A connection with a transaction: ``begin`` is what its users do first, if they have to do anything."""

    is_async = False

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    async def begin(self) -> None:  # noqa: B027 - most begin by themselves
        """Nothing, where the driver begins by itself."""

    @abstractmethod
    async def sql(self, statement: str) -> None:
        """Run a statement of the caller's."""

    @abstractmethod
    async def commit(self) -> None: ...

    @abstractmethod
    async def rollback(self) -> None: ...

    async def enqueue(self, task: Any, *arguments: Any) -> JobHandle[Any]:
        """By the verb that belongs to the connection; synchronous ones in a thread without an event loop."""
        job: JobHandle[Any]
        if self.is_async:
            job = await task.aenqueue_in(self.connection, *arguments)
        else:
            job = await asyncio.to_thread(task.enqueue_in, self.connection, *arguments)
        return job

    async def enqueue_many(self, app: TaskForge, calls: Sequence[Any]) -> list[JobHandle[Any]]:
        if self.is_async:
            return await app.aenqueue_many_in(self.connection, calls)
        return await asyncio.to_thread(app.enqueue_many_in, self.connection, calls)


class Asyncpg(Driver):
    is_async = True

    async def begin(self) -> None:
        self.transaction = self.connection.transaction()
        await self.transaction.start()

    async def sql(self, statement: str) -> None:
        await self.connection.execute(statement)

    async def commit(self) -> None:
        await self.transaction.commit()

    async def rollback(self) -> None:
        await self.transaction.rollback()


class Awaited(Driver):
    """psycopg.AsyncConnection, aiosqlite.Connection."""

    is_async = True

    async def sql(self, statement: str) -> None:
        await self.connection.execute(statement)

    async def commit(self) -> None:
        await self.connection.commit()

    async def rollback(self) -> None:
        await self.connection.rollback()


class Plain(Driver):
    """psycopg.Connection, sqlite3.Connection."""

    async def sql(self, statement: str) -> None:
        self.connection.execute(statement)

    async def commit(self) -> None:
        self.connection.commit()

    async def rollback(self) -> None:
        self.connection.rollback()


class Alchemy(Plain):
    async def sql(self, statement: str) -> None:
        self.connection.execute(sqlalchemy.text(statement))


class AsyncAlchemy(Awaited):
    async def sql(self, statement: str) -> None:
        await self.connection.execute(sqlalchemy.text(statement))


async def _asyncpg(url: str, stack: AsyncExitStack) -> Driver:
    connection = await asyncpg.connect(url)
    stack.push_async_callback(connection.close)
    return Asyncpg(connection)


async def _asyncpg_pool(url: str, stack: AsyncExitStack) -> Driver:
    pool = await stack.enter_async_context(asyncpg.create_pool(url, min_size=1, max_size=2))
    return Asyncpg(await stack.enter_async_context(pool.acquire()))


async def _psycopg(url: str, stack: AsyncExitStack) -> Driver:
    connection = psycopg.connect(url)
    stack.callback(connection.close)
    return Plain(connection)


async def _async_psycopg(url: str, stack: AsyncExitStack) -> Driver:
    connection = await psycopg.AsyncConnection.connect(url)
    stack.push_async_callback(connection.close)
    return Awaited(connection)


async def _sqlite3(url: str, stack: AsyncExitStack) -> Driver:
    connection = sqlite3.connect(parse_address(url).target, check_same_thread=False)
    stack.callback(connection.close)
    return Plain(connection)


async def _aiosqlite(url: str, stack: AsyncExitStack) -> Driver:
    return Awaited(await stack.enter_async_context(aiosqlite.connect(parse_address(url).target)))


def _alchemy(dialect: str, kind: type[Session | sqlalchemy.Connection]) -> Any:
    async def opened(url: str, stack: AsyncExitStack) -> Driver:
        engine = sqlalchemy.create_engine(alchemy_url(url, dialect))
        stack.callback(engine.dispose)
        made = Session(engine) if kind is Session else engine.connect()
        stack.callback(made.close)
        return Alchemy(made)

    return opened


def _async_alchemy(dialect: str, kind: type[AsyncSession | AsyncConnection]) -> Any:
    async def opened(url: str, stack: AsyncExitStack) -> Driver:
        engine = create_async_engine(alchemy_url(url, dialect))
        stack.push_async_callback(engine.dispose)
        made = AsyncSession(engine) if kind is AsyncSession else engine.connect()
        return AsyncAlchemy(await stack.enter_async_context(made))

    return opened


def alchemy_url(url: str, dialect: str) -> str:
    """The same database as SQLAlchemy writes it."""
    scheme, _, rest = url.partition("://")
    return f"{'sqlite' if scheme == 'sqlite' else 'postgresql'}+{dialect}://{rest}"


POSTGRES: dict[str, Any] = {
    "asyncpg": _asyncpg,
    "asyncpg pool": _asyncpg_pool,
    "psycopg": _psycopg,
    "psycopg async": _async_psycopg,
    "Session psycopg": _alchemy("psycopg", Session),
    "Connection psycopg": _alchemy("psycopg", sqlalchemy.Connection),
    "AsyncSession psycopg": _async_alchemy("psycopg", AsyncSession),
    "AsyncSession asyncpg": _async_alchemy("asyncpg", AsyncSession),
    "AsyncConnection asyncpg": _async_alchemy("asyncpg", AsyncConnection),
}
SQLITE: dict[str, Any] = {
    "sqlite3": _sqlite3,
    "aiosqlite": _aiosqlite,
    "Session pysqlite": _alchemy("pysqlite", Session),
    "Connection pysqlite": _alchemy("pysqlite", sqlalchemy.Connection),
    "AsyncSession aiosqlite": _async_alchemy("aiosqlite", AsyncSession),
    "AsyncConnection aiosqlite": _async_alchemy("aiosqlite", AsyncConnection),
}


@asynccontextmanager
async def opened(name: str, url: str) -> AsyncIterator[Driver]:
    """A connection of this kind to the database, closed at the end."""
    async with AsyncExitStack() as stack:
        yield await (POSTGRES | SQLITE)[name](url, stack)
