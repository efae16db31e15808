"""The job exists with the caller's commit, and with nothing else: every kind of connection, every end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.transactions.drivers import POSTGRES, SQLITE, Driver, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.transactions.conftest import Shop

pytestmark = pytest.mark.anyio
DRIVERS = [*POSTGRES, *SQLITE]


@pytest.fixture(params=DRIVERS)
async def driver(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[Driver]:
    async with opened(request.param, database_url) as driver:
        yield driver


async def test_a_commit_makes_job_and_order_and_a_worker_runs_it_then(shop: Shop, driver: Driver) -> None:
    async with shop.worker(name="w"):
        await driver.begin()
        await driver.sql("INSERT INTO orders VALUES (1)")
        job = await driver.enqueue(shop.ship, 1)
        assert await shop.orders() == []
        assert await shop.jobs() == 0
        await driver.commit()
        assert await job.aresult(timeout=20) == 1
        assert shop.seen.get_nowait() == 1
    assert await shop.orders() == [1]
    assert await shop.jobs() == 1


async def test_a_rollback_leaves_nothing(shop: Shop, driver: Driver) -> None:
    async with shop.worker(name="w"):
        await driver.begin()
        await driver.sql("INSERT INTO orders VALUES (1)")
        await driver.enqueue(shop.ship, 1)
        await driver.rollback()
        await driver.begin()
        later = await driver.enqueue(shop.ship, 2)  # the same connection goes on
        await driver.commit()
        assert await later.aresult(timeout=20) == 2
        assert shop.seen.get_nowait() == 2
        assert shop.seen.empty()
    assert await shop.orders() == []
    assert await shop.jobs() == 1


async def test_a_savepoint_takes_back_what_came_after_it(shop: Shop, driver: Driver) -> None:
    await driver.begin()
    await driver.sql("INSERT INTO orders VALUES (1)")
    first = await driver.enqueue(shop.ship, 1)
    await driver.sql("SAVEPOINT s")
    await driver.enqueue(shop.ship, 2)
    await driver.sql("ROLLBACK TO SAVEPOINT s")
    third = await driver.enqueue(shop.ship.options(priority=3, tags=["x"], retry_base=2), 3)
    later = await driver.enqueue(shop.ship.options(delay=3600, deadline=7200), 4)
    await driver.commit()
    assert await shop.jobs() == 3
    stored = await third.ajob()
    assert (stored.priority, list(stored.tags), stored.payload) == (3, ["x"], {"order": 3})
    assert await later.astatus() == "scheduled"
    async with shop.worker(name="w"):
        assert [await first.aresult(20), await third.aresult(20)] == [1, 3]


@pytest.mark.parametrize("chunk", [10, 2_000])
async def test_many_jobs_of_several_queues_are_one(
    shop: Shop, driver: Driver, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    """In one statement, or in pieces."""
    monkeypatch.setattr("taskforge.storage.jobs.CHUNK", chunk)
    calls = [shop.ship.options(queue=f"q{number % 3}").job(number) for number in range(30)]
    await driver.begin()
    await driver.enqueue_many(shop, calls)
    await driver.rollback()
    assert await shop.jobs() == 0
    await driver.begin()
    jobs = await driver.enqueue_many(shop, calls)
    assert await driver.enqueue_many(shop, []) == []
    await driver.commit()
    assert len({job.id for job in jobs}) == await shop.jobs() == 30
    async with shop.worker(name="w", queues=["q0", "q1", "q2"]):
        assert [await job.aresult(timeout=20) for job in jobs] == list(range(30))
