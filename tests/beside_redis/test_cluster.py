"""A cluster of two servers: all of a tenant lies in one slot, so every script and command is served by one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
import redis as redis_package
import redis.asyncio as redis_asyncio

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.coordination.redis_leases import RedisLeaseStore
from taskforge.coordination.redis_queues import RedisReadyQueues
from taskforge.coordination.redis_rates import RedisRates
from taskforge.coordination.redis_server import RedisServer
from taskforge.coordination.redis_signals import RedisSignals
from taskforge.domain.ids import ProjectId, QueueId
from taskforge.domain.rates import Rate
from taskforge.ports.dispatch import Offer, Waiting
from taskforge.ports.signals import Hint, Topic
from taskforge.services.limits import OwnRates
from tests.support.eventually import eventually
from tests.support.redis_server import HOW_TO_GET, RedisProcess, find_program

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.anyio
SLOTS = 16_384
HIGHEST_PORT = 55_000
"""The nodes speak with each other at a port that is 10,000 higher."""
PROJECTS = [ProjectId(UUID(int=number)) for number in range(1, 7)]
ONE, OTHER = (QueueId(UUID(int=number)) for number in (0x91, 0x92))


def _node(program: str, folder: Path) -> RedisProcess:
    while (node := RedisProcess(program, folder)).port > HIGHEST_PORT:
        pass
    return node


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Sequence[RedisProcess]]:
    """Each of two servers has half of the slots."""
    program = find_program()
    if program is None:
        pytest.skip(f"no Redis: {HOW_TO_GET}")
    nodes = [_node(program, tmp_path) for _ in range(2)]
    try:
        for number, node in enumerate(nodes):
            node.start("--cluster-enabled", "yes", "--cluster-config-file", f"nodes-{node.port}.conf")
            with redis_package.Redis.from_url(node.url) as found:
                client: Any = found
                client.execute_command(
                    "CLUSTER", "ADDSLOTS", *range(number * SLOTS // 2, (number + 1) * SLOTS // 2)
                )
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", nodes[0].port)
        yield nodes
    finally:
        for node in nodes:
            node.kill()


async def _is_one(nodes: Sequence[RedisProcess]) -> None:
    """Raises AssertionError until every server knows who has which slots."""
    for node in nodes:
        async with redis_asyncio.Redis.from_url(node.url) as found:
            client: Any = found
            assert len(await client.execute_command("CLUSTER SLOTS")) == len(nodes)
            assert (await client.execute_command("CLUSTER INFO"))["cluster_state"] == "ok"


async def test_what_is_done_for_a_tenant_is_done_in_one_slot(cluster: Sequence[RedisProcess]) -> None:
    await eventually(lambda: _is_one(cluster))
    server = RedisServer(f"{cluster[0].url}?cluster=true")
    ready, leases, rates = RedisReadyQueues(server), RedisLeaseStore(server), RedisRates(server, OwnRates())
    for project in PROJECTS:
        jobs = [UUID(int=number) for number in range(4)]
        await ready.offer(
            project, ONE, [Offer(jobs[0], "t", None, 0, 0), Offer(jobs[1], "t", None, 10**9, 0)]
        )
        await ready.place(project, ONE, [], whole=True)
        await ready.place(project, OTHER, [Waiting(jobs[2], OTHER, "t", 1, None)], [jobs[3]], whole=True)
        assert set((await ready.pull(project, [ONE, OTHER], ["t"], 5)).jobs) == {jobs[0], jobs[2]}
        assert await ready.incomplete(project, [ONE, OTHER]) == []
        assert await ready.lacking(project, ONE, [Waiting(jobs[2], ONE, "t", 1, None)]) != []
        assert await ready.head(project, ONE, 5) == []
        assert set(await ready.others(project, [])) == {ONE, OTHER}
        await ready.drop(project, OTHER)
        assert [await ready.is_news(project, version) for version in (1, 1, 2)] == [False, False, True]
        assert await ready.turn(project, "compare", 30)
        await ready.end_turn(project, "compare")
        assert await leases.acquire(project, "n", UUID(int=1), 30) is not None
        assert await leases.renew(project, "n", UUID(int=1), 30)
        await leases.release(project, "n", UUID(int=1))
        assert (await rates.ask(project, Rate(0.001, 1))).wait == 0
    await server.check()
    await server.eviction_policy()
    await server.close()
    await _hints_go_from_node_to_node(cluster)


async def _hints_go_from_node_to_node(cluster: Sequence[RedisProcess]) -> None:
    hubs = [Hub(), Hub()]
    here, there = (
        RedisSignals(hub, RedisServer(f"{node.url}?cluster=true"), LocalSignals(hub))
        for hub, node in zip(hubs, cluster, strict=True)
    )
    heard: list[Hint | None] = []
    there.subscribe(heard.append)
    hint = Hint(Topic.READY, PROJECTS[0], ONE)

    def hears() -> None:
        assert there._hears

    def is_heard() -> None:
        here.publish(hint)
        assert hint in heard

    await eventually(hears)
    await eventually(is_heard)
    for signals in (here, there):
        await signals.close()
