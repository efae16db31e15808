"""Named locks in Redis: one holder, a number that only grows, and an end when the holder is gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge import BaseScheduledJob, TaskForge
from taskforge.coordination.redis_leases import RedisLeaseStore
from taskforge.domain.errors import Conflict, InvalidInput, InvalidSetting
from taskforge.domain.ids import DEFAULT_PROJECT, ProjectId
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from taskforge.coordination.redis_server import RedisServer

pytestmark = pytest.mark.anyio
A, B = UUID(int=1), UUID(int=2)
OTHER = ProjectId(UUID(int=77))


async def test_one_holder_until_it_runs_out(server: RedisServer) -> None:
    store = RedisLeaseStore(server)
    first = await store.acquire(DEFAULT_PROJECT, "n", A, 30)
    assert first is not None
    assert await store.acquire(DEFAULT_PROJECT, "n", B, 30) is None
    assert await store.acquire(DEFAULT_PROJECT, "n", A, 30) is None
    assert await store.acquire(OTHER, "n", B, 30) is not None
    assert await store.renew(DEFAULT_PROJECT, "n", A, 0.05)
    assert not await store.renew(DEFAULT_PROJECT, "n", B, 30)

    async def taken() -> int:
        fence = await store.acquire(DEFAULT_PROJECT, "n", B, 30)
        assert fence is not None
        return fence

    second = await eventually(taken)
    assert second > first
    assert not await store.renew(DEFAULT_PROJECT, "n", A, 30)
    await store.release(DEFAULT_PROJECT, "n", A)
    assert await store.acquire(DEFAULT_PROJECT, "n", A, 30) is None
    await store.release(DEFAULT_PROJECT, "n", B)
    assert await store.acquire(DEFAULT_PROJECT, "n", A, 30) is not None


async def test_the_number_grows_also_after_everything_was_flushed(server: RedisServer) -> None:
    store = RedisLeaseStore(server)
    before = await store.acquire(DEFAULT_PROJECT, "n", A, 30)
    assert before is not None
    await server.ask(lambda client: client.flushall())
    after = await store.acquire(DEFAULT_PROJECT, "n", B, 30)
    assert after is not None
    assert after > before


async def test_of_many_at_once_one_gets_it(server: RedisServer) -> None:
    store = RedisLeaseStore(server)
    tokens = [UUID(int=number) for number in range(1, 33)]
    fences = await asyncio.gather(*(store.acquire(DEFAULT_PROJECT, "n", token, 30) for token in tokens))
    assert len([fence for fence in fences if fence is not None]) == 1


async def test_an_application_holds_a_lock_in_redis(redis_url: str, sqlite_url: str) -> None:
    async with TaskForge(sqlite_url, redis_url=redis_url) as app:
        async with app.lock("n", by="redis") as held:
            with pytest.raises(Conflict, match="held by somebody else"):
                async with app.lock("n", by="redis"):
                    pass
            async with app.lock("n"):  # that of the database is another one
                held.check()
        with pytest.raises(InvalidInput, match="cannot be kept in 'paper'"):
            async with app.lock("n", by="paper"):
                pass
    async with TaskForge(sqlite_url) as app:
        with pytest.raises(InvalidSetting, match="redis_url"):
            async with app.lock("n", by="redis"):
                pass


class Locked(BaseScheduledJob):
    """Runs in one place at a time."""

    job_id = "locked"
    cron = "0 9 * * *"
    lock = "redis"

    async def execute(self) -> dict[str, object]:
        return {"success": True, "message": "done"}


async def test_a_scheduled_job_is_skipped_while_somebody_else_holds_its_lock(
    redis_url: str, sqlite_url: str
) -> None:
    async with TaskForge(sqlite_url, redis_url=redis_url) as app:
        app.register(Locked())
        task = app.registry.find("locked")
        async with app.lock("scheduled_job locked", by="redis"):
            assert "skipped" in (await task())["message"]
        assert (await task())["message"] == "done"
