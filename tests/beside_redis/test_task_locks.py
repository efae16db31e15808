"""``ctx.lock`` by Redis, in running tasks: contended by workers, renewed, lost with Redis, and the database beside it."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest

from taskforge import Context, TaskForge
from taskforge.domain.errors import Conflict, LeaseLost, Unavailable
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from taskforge.sdk.context import HeldLock
    from tests.support.redis_server import RedisProcess

pytestmark = pytest.mark.anyio
PATIENCE = 60.0


class Stay(NamedTuple):
    """One holder's time in the block."""

    fence: int
    entered: float
    left: float


async def test_workers_take_turns_by_growing_numbers(sqlite_url: str, redis_url: str) -> None:
    stays: list[Stay] = []
    apps = [TaskForge(sqlite_url, redis_url=redis_url, poll_seconds=0.25) for _ in range(2)]
    for app in apps:

        @app.task(max_attempts=1)
        async def stay(ctx: Context) -> int:
            clock = asyncio.get_running_loop().time
            async with ctx.lock("room", ttl=5, wait=PATIENCE, by="redis") as held:
                entered = clock()
                await asyncio.sleep(0.05)
                held.check()
                stays.append(Stay(held.fence, entered, clock()))
            return held.fence

    one, other = apps
    async with one, other, one.worker(name="a", concurrency=3), other.worker(name="b", concurrency=3):
        task = one.registry.find(stay.name)
        handles = await one.aenqueue_many([task.job()] * 8)
        for handle in handles:
            await handle.aresult(timeout=PATIENCE)
    stays.sort(key=lambda found: found.entered)
    fences = [found.fence for found in stays]
    assert len(stays) == 8
    assert fences == sorted(set(fences))
    assert all(before.left <= after.entered for before, after in pairwise(stays))


async def test_it_is_renewed_for_as_long_as_the_task_runs(sqlite_url: str, redis_url: str) -> None:
    tries: list[type[Exception]] = []
    async with TaskForge(sqlite_url, redis_url=redis_url) as app:

        @app.task(max_attempts=1)
        async def hold(ctx: Context) -> int:
            async with ctx.lock("long", ttl=1, by="redis") as held:
                for _ in range(10):
                    await asyncio.sleep(0.25)  # two and a half times the limit
                    with pytest.raises(Conflict, match="held by somebody else") as caught:
                        async with app.lock("long", by="redis"):
                            pass
                    tries.append(caught.type)
                held.check()
            return held.fence

        async with app.worker():
            fence = await (await hold.aenqueue()).aresult(timeout=PATIENCE)
            assert len(tries) == 10
            async with app.lock("long", by="redis") as next_one:
                assert next_one.fence > fence


async def _while_it_lasts(held: HeldLock) -> None:
    while True:
        held.check()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("returns", [False, True])
async def test_it_is_lost_with_redis_and_the_task_hears_of_it(
    private_redis: RedisProcess, sqlite_url: str, returns: bool
) -> None:
    """It comes back with nothing in it, where somebody else takes the lock; or not at all."""
    is_held = asyncio.Event()
    async with TaskForge(sqlite_url, redis_url=private_redis.url) as app:

        @app.task(max_attempts=1)
        async def hold(ctx: Context) -> int:
            async with ctx.lock("precious", ttl=1.5, by="redis") as held:
                is_held.set()
                with pytest.raises(LeaseLost, match="precious"):
                    await _while_it_lasts(held)
            if not returns:
                with pytest.raises(Unavailable):
                    async with ctx.lock("another", by="redis"):
                        pass
            async with ctx.lock("precious") as of_the_database:  # that one is not away
                of_the_database.check()
            return held.fence

        async with app.worker():
            handle = await hold.aenqueue()
            await asyncio.wait_for(is_held.wait(), PATIENCE)
            private_redis.kill()
            if returns:
                private_redis.start()
            fence = await handle.aresult(timeout=PATIENCE)
            if not returns:
                private_redis.start()

        async def taken() -> int:
            try:
                async with app.lock("precious", by="redis") as held:
                    return held.fence
            except Unavailable as error:
                raise AssertionError("it is left alone still") from error

        assert await eventually(taken, timeout=PATIENCE) > fence
