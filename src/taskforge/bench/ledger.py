"""What the database itself says about the jobs, read through a connection of its own."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Count = Callable[[str], Awaitable[int]]

UNFINISHED = (
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM jobs WHERE status = 'processing')"
    " OR EXISTS (SELECT 1 FROM jobs WHERE status = 'pending' AND hold IS NULL)"
    " OR EXISTS (SELECT 1 FROM jobs WHERE hold = 'no_worker')"
    " OR EXISTS (SELECT 1 FROM jobs WHERE status = 'scheduled') THEN 1 ELSE 0 END"
)
"""Answered from partial indexes: counting all rows every few milliseconds would slow what is measured."""
UNFINISHED_AND_KNOWN = (
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM jobs WHERE status = 'processing')"
    " OR EXISTS (SELECT 1 FROM jobs WHERE status = 'pending' AND hold IS NULL)"
    " OR EXISTS (SELECT 1 FROM jobs WHERE status = 'scheduled') THEN 1 ELSE 0 END"
)
"""The same beside jobs of a type that nobody knows."""
SUCCEEDED_JOBS = "SELECT count(*) FROM jobs WHERE status = 'succeeded'"
SUCCEEDED_EXECUTIONS = "SELECT count(*) FROM executions WHERE status = 'succeeded'"


@dataclass(frozen=True, slots=True)
class Ledger:
    """The statements by which a system's own store tells that its work is done.

    `unfinished` must fall to 0; each of `kept` must then be the number of jobs (the history).
    """

    count: Count
    unfinished: str = UNFINISHED
    kept: tuple[str, ...] = (SUCCEEDED_JOBS, SUCCEEDED_EXECUTIONS)

    async def is_empty(self) -> bool:
        return await self.count(self.unfinished) == 0

    async def has_kept(self, jobs: int) -> bool:
        return all([await self.count(statement) == jobs for statement in self.kept])


def is_sqlite(database_url: str) -> bool:
    return urlsplit(database_url).scheme.startswith("sqlite")


def sqlite_path(database_url: str) -> str:
    """The file of `sqlite:///relative` or `sqlite:////absolute`."""
    return unquote(urlsplit(database_url).path.removeprefix("/"))


@asynccontextmanager
async def counter(database_url: str) -> AsyncIterator[Count]:
    """Runs statements that answer one number."""
    if is_sqlite(database_url):
        with closing(sqlite3.connect(sqlite_path(database_url), timeout=30)) as database:

            async def count(statement: str) -> int:
                return int(database.execute(statement).fetchone()[0])

            yield count
        return
    import asyncpg

    connection = await asyncpg.connect(database_url)
    try:

        async def fetch(statement: str) -> int:
            return int(await connection.fetchval(statement))

        yield fetch
    finally:
        await connection.close()
