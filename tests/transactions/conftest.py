"""An application, and what a caller keeps beside its jobs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from taskforge import TaskForge
from tests.conformance.stage import run_sql
from tests.transactions.drivers import SQLITE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Shop(TaskForge):
    """An application whose only task says which orders it has seen."""

    def __init__(self, url: str) -> None:
        super().__init__(url, poll_seconds=0.2, poll_without_hints_seconds=0.2)
        self.url = url
        self.seen: asyncio.Queue[int] = asyncio.Queue()

        @self.task(name="ship")
        async def ship(order: int) -> int:
            await self.seen.put(order)
            return order

        self.ship = ship

    async def orders(self) -> list[int]:
        """What the caller's own table has."""
        return sorted(row[0] for row in await run_sql(self.url, "SELECT number FROM orders"))

    async def jobs(self) -> int:
        """How many jobs others see."""
        [row] = await run_sql(self.url, "SELECT count(*) FROM jobs")
        return int(row[0])


EVERYWHERE = ("asyncpg", "psycopg", *SQLITE)
"""The others do not differ by the server's version, and meet the first server only."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A driver meets its own database only."""
    pairs = [(item, getattr(getattr(item, "callspec", None), "params", {})) for item in items]
    servers = [found["database_url"] for _, found in pairs if found.get("database_url", "sqlite") != "sqlite"]

    def fits(parameters: dict[str, str]) -> bool:
        driver, engine = parameters.get("driver"), parameters.get("database_url")
        if driver is None or engine == "sqlite" or driver in SQLITE:
            return driver is None or (driver in SQLITE) == (engine == "sqlite")
        return driver in EVERYWHERE or engine == servers[0]

    items[:] = [item for item, parameters in pairs if fits(parameters)]


@pytest.fixture
async def shop(database_url: str, anyio_backend: str) -> AsyncIterator[Shop]:
    """On every database."""
    await run_sql(database_url, "CREATE TABLE orders (number integer)")
    shop = Shop(database_url)
    yield shop
    await shop.aclose()
    await asyncio.to_thread(shop.close)
