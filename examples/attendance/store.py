"""The tables of the application, on SQLite or PostgreSQL: the same statements for both."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

TABLES = (
    "CREATE TABLE IF NOT EXISTS employees (id TEXT PRIMARY KEY, name TEXT NOT NULL, active INTEGER NOT NULL DEFAULT 1)",
    """CREATE TABLE IF NOT EXISTS attendance (
      employee_id TEXT NOT NULL, day TEXT NOT NULL, status TEXT NOT NULL, clocked_in_at TEXT,
      PRIMARY KEY (employee_id, day)
    )""",
)


class Store:
    """Runs statements with $1, $2, ... on the database of a URL."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: Any = None

    async def open(self) -> None:
        """Make the tables where there are none."""
        if self._url.startswith("postgres"):
            import asyncpg

            self._pool = await asyncpg.create_pool(self._url, min_size=1, max_size=5)
        for statement in TABLES:
            await self.run(statement)

    async def close(self) -> None:
        """Let go of the connections."""
        if self._pool is not None:
            await self._pool.close()

    async def run(self, statement: str, *values: Any) -> list[Any]:
        """One statement, in a transaction of its own; its rows."""
        if self._pool is not None:
            return [tuple(row) for row in await self._pool.fetch(statement, *values)]
        return await asyncio.to_thread(self._run_here, statement, values)

    def _run_here(self, statement: str, values: tuple[Any, ...]) -> list[Any]:
        with sqlite3.connect(self._url.removeprefix("sqlite:///"), timeout=10) as connection:
            named = {str(number): value for number, value in enumerate(values, 1)}
            rows = connection.execute(statement, named).fetchall()
        connection.close()
        return rows
