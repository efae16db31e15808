"""What the databases themselves allow, with nothing of a job system around it."""

from __future__ import annotations

import sqlite3
import time
import uuid
from contextlib import closing
from typing import TYPE_CHECKING

import asyncpg

from benchmarks.contender import Contender
from taskforge.bench.ledger import sqlite_path
from taskforge.bench.timing import time_sequential

if TYPE_CHECKING:
    from benchmarks.workspace import Workspace
    from taskforge.bench.figures import Rate

PREFILL = 100
PAYLOAD = '{"n": 1}'


class SqliteFloor(Contender):
    """Single-row commits on a file that TaskForge made, in WAL mode with synchronous=FULL."""

    name = "bare commits"

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def sequential(self, jobs: int) -> Rate | None:
        from taskforge.bench.enqueue import load

        async with self._workspace.fresh() as database_url:
            await load(database_url, PREFILL)
            await self._workspace.settle()
            path = sqlite_path(database_url)
            with closing(sqlite3.connect(path, isolation_level=None)) as database:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = FULL")
                database.execute("CREATE TABLE bare (id BLOB PRIMARY KEY, payload TEXT, created_at INTEGER)")

                async def commit(_number: int) -> None:
                    row = (uuid.uuid4().bytes, PAYLOAD, time.time_ns())
                    database.execute("INSERT INTO bare VALUES (?, ?, ?)", row)

                return await time_sequential(commit, jobs)

    async def sequential_blocking(self, jobs: int) -> Rate | None:
        return await self.sequential(jobs)


class PostgresFloor(Contender):
    """Round trips of a prepared `SELECT 1` on one connection."""

    name = "SELECT 1"

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def sequential(self, jobs: int) -> Rate | None:
        async with self._workspace.fresh() as database_url:
            connection = await asyncpg.connect(database_url)
            try:
                statement = await connection.prepare("SELECT 1")

                async def ask(_number: int) -> None:
                    await statement.fetchval()

                return await time_sequential(ask, jobs)
            finally:
                await connection.close()
