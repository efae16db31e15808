"""What servers share by Redis: rates of requests, live events; and what they say while it is away."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge import TaskForge
from taskforge.api_session import Credentials, Installation
from taskforge.cli.examination import examine
from taskforge.coordination.local import Hub, LocalSignals
from taskforge.coordination.redis_rates import RedisRates
from taskforge.coordination.redis_server import RedisServer
from taskforge.coordination.redis_signals import RedisSignals
from taskforge.domain.rates import Rate
from taskforge.housekeeping import Housekeeping
from taskforge.ports.signals import Hint, Topic
from taskforge.services.findings import Verdict
from taskforge.services.limits import OwnRates
from taskforge.services.live import LiveEvents
from taskforge.settings import load_settings
from taskforge.wiring import Wiring
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from tests.support.redis_server import RedisProcess

pytestmark = pytest.mark.anyio
TENANT, OTHER = UUID(int=1), UUID(int=2)
SLOW = Rate(0.001, 3)
"""So slow that no machine is too slow for it."""


async def test_servers_count_together_and_each_alone_while_redis_is_away(private_redis: RedisProcess) -> None:
    servers = [RedisServer(private_redis.url) for _ in range(2)]
    here, there = (RedisRates(server, OwnRates(lambda: 0.0)) for server in servers)
    assert [(await rates.ask(TENANT, SLOW)).wait for rates in (here, there, here)] == [0, 0, 0]
    refused = await there.ask(TENANT, SLOW)
    assert 900 < refused.wait <= 1000
    assert (refused.left, 2900 < refused.full_after <= 3000) == (0, True)
    assert (await here.ask(OTHER, SLOW)).wait == 0
    private_redis.kill()
    assert [(await here.ask(TENANT, SLOW)).wait for _ in range(3)] == [0, 0, 0]
    assert (await here.ask(TENANT, SLOW)).wait > 0
    assert (await there.ask(TENANT, SLOW)).wait == 0
    for server in servers:
        await server.close()


async def test_a_bucket_fills_again(redis_url: str) -> None:
    server = RedisServer(redis_url)
    rates, rate = RedisRates(server, OwnRates()), Rate(20.0, 1)
    assert (await rates.ask(TENANT, rate)).wait == 0

    async def passes() -> None:
        assert (await rates.ask(TENANT, rate)).wait == 0

    await eventually(passes)
    await server.close()


async def test_a_server_streams_what_happened_at_another(redis_url: str) -> None:
    hubs = [Hub(), Hub()]
    here, there = (RedisSignals(hub, RedisServer(redis_url), LocalSignals(hub)) for hub in hubs)
    live = LiveEvents(there, fold=0.001)
    events = live.follow(lambda change: change.project_id == TENANT)
    assert (await anext(events)).change is None

    def hears() -> None:
        assert there._hears

    await eventually(hears)
    here.publish(Hint(Topic.OFFERED, TENANT, OTHER))
    change = (await anext(events)).change
    assert change is not None
    assert (change.topic, change.queue_id) == ("ready", OTHER)
    live.close()
    for signals in (here, there):
        await signals.close()


async def test_ready_but_degraded_and_what_doctor_says(private_redis: RedisProcess, sqlite_url: str) -> None:
    given = {"database_url": sqlite_url, "redis_url": private_redis.url, "dispatch": "redis"}

    async def finding() -> tuple[Verdict, str]:
        [found] = [found for found in await examine(load_settings(given)) if found.check == "dispatch"]
        return found.verdict, found.detail

    async with TaskForge(sqlite_url, redis_url=private_redis.url, dispatch="redis") as app:
        platform = await app.platform()
        await platform.queues.create("q")
        assert await finding() == (
            Verdict.WARNING,
            "Redis says which job is next in 0 of 1 queues without rules; the database hands out the others",
        )
        assert platform.agreement is not None
        await platform.agreement.round(0.001)
        assert (await finding())[0] is Verdict.OK
        assert platform.foundation.redis is not None
        installation = Installation(
            Wiring(load_settings(given)), Housekeeping(platform), Credentials(platform.security)
        )
        assert (await installation.check_ready())["redis"] == "ok"
        private_redis.kill()
        assert (await installation.check_ready())["redis"] == "degraded"
        assert (await finding())[0] is Verdict.WARNING
        await installation.close()
