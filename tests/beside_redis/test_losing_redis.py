"""Redis frozen, killed, or set up badly: commands end within a second, work goes on, and `doctor` says so."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from taskforge import TaskForge
from taskforge.cli.examination import examine
from taskforge.coordination.redis_server import RedisServer
from taskforge.domain.errors import InvalidSetting, Unavailable
from taskforge.services.findings import Verdict
from taskforge.settings import load_settings

if TYPE_CHECKING:
    from tests.support.redis_server import RedisProcess

pytestmark = pytest.mark.anyio


async def test_a_frozen_server_answers_within_a_second_and_is_then_left_alone(
    private_redis: RedisProcess,
) -> None:
    server = RedisServer(private_redis.url)
    assert await server.ask(lambda client: client.ping())
    private_redis.freeze()
    began = time.monotonic()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await server.ask(lambda client: client.ping())
    assert time.monotonic() - began < 20
    assert not server.is_answering
    asked: list[Any] = []

    async def ping(client: Any) -> None:
        asked.append(client)

    with pytest.raises(Unavailable):
        await server.ask(ping)
    assert asked == []
    private_redis.thaw()
    await server.close()


async def _echo(text: str, client: Any) -> Any:
    return await client.echo(text)


async def test_a_cancelled_command_leaves_no_answer_behind_for_the_next(redis_url: str) -> None:
    server = RedisServer(redis_url)
    for number in range(20):
        asked = asyncio.create_task(server.ask(lambda client: _echo("of the cancelled one", client)))
        for _ in range(number % 4):
            await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait({asked})
        mine = f"mine {number}"
        assert await server.ask(partial(_echo, mine)) == mine
    await server.close()


async def test_jobs_run_without_it(private_redis: RedisProcess, sqlite_url: str) -> None:
    async with TaskForge(sqlite_url, redis_url=private_redis.url) as app:

        @app.task
        async def double(number: int) -> int:
            return 2 * number

        async with app.worker():
            assert await (await double.aenqueue(2)).aresult(timeout=20) == 4
            private_redis.kill()
            assert await (await double.aenqueue(3)).aresult(timeout=20) == 6
            with pytest.raises(Unavailable):
                async with app.lock("n", by="redis"):
                    pass


async def test_doctor_looks_at_it(private_redis: RedisProcess, sqlite_url: str) -> None:
    settings = load_settings({"database_url": sqlite_url, "redis_url": private_redis.url})

    async def verdict() -> tuple[Verdict, str]:
        [found] = [finding for finding in await examine(settings) if finding.check == "redis"]
        return found.verdict, found.detail

    assert (await verdict())[0] is Verdict.OK
    private_redis.kill()
    private_redis.start("--maxmemory", "10mb", "--maxmemory-policy", "allkeys-lru")
    found, detail = await verdict()
    assert found is Verdict.WARNING
    assert "allkeys-lru" in detail
    private_redis.kill()
    assert (await verdict())[0] is Verdict.WARNING


async def test_an_address_that_is_none_is_refused(sqlite_url: str) -> None:
    app = TaskForge(sqlite_url, redis_url="http://127.0.0.1")
    with pytest.raises(InvalidSetting, match="redis_url") as caught:
        await app.platform()
    assert "redis://" in (caught.value.hint or "")
    await app.aclose()


async def test_what_was_done_under_a_lock_stands_when_it_cannot_be_let_go_of(
    private_redis: RedisProcess, sqlite_url: str
) -> None:
    """It runs out by itself."""
    is_done = False
    async with TaskForge(sqlite_url, redis_url=private_redis.url) as app, app.lock("n", by="redis"):
        private_redis.kill()
        is_done = True
    assert is_done
