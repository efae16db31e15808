"""Fresh databases, one for each timing: a PostgreSQL database or a SQLite file."""

from __future__ import annotations

import itertools
import os
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

import asyncpg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

_numbers = itertools.count(1)


class Workspace(Protocol):
    """`folder` holds the stamp file and the workers' output."""

    folder: Path

    def fresh(self) -> AbstractAsyncContextManager[str]:
        """The URL of an empty database that is removed at the end."""
        ...

    async def settle(self) -> None:
        """Bring what earlier work left in memory to the disk, so that nobody pays for another's."""
        ...


class PostgresWorkspace:
    def __init__(self, server_url: str, folder: Path) -> None:
        self.folder = folder
        self._server_url = server_url

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[str]:
        name = f"taskforge_bench_{os.getpid()}_{next(_numbers)}"
        await self._administer(f'CREATE DATABASE "{name}"')
        try:
            yield with_database(self._server_url, name)
        finally:
            await self._administer(f'DROP DATABASE "{name}" WITH (FORCE)')

    @asynccontextmanager
    async def named(self, name: str) -> AsyncIterator[str]:
        """The URL of a database that stays, made where it is missing."""
        with suppress(asyncpg.DuplicateDatabaseError):
            await self._administer(f'CREATE DATABASE "{name}"')
        yield with_database(self._server_url, name)

    async def settle(self) -> None:
        await self._administer("CHECKPOINT")

    async def _administer(self, statement: str) -> None:
        connection = await asyncpg.connect(self._server_url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


class SqliteWorkspace:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @asynccontextmanager
    async def fresh(self) -> AsyncIterator[str]:
        path = self.folder / f"bench-{next(_numbers)}.db"
        try:
            yield f"sqlite:///{path}"
        finally:
            for suffix in ("", "-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)

    async def settle(self) -> None:
        os.sync()


def with_database(server_url: str, name: str) -> str:
    """The same server, another database."""
    parts = urlsplit(server_url)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}/{name}{query}"
