"""A lone job is handed to a worker that waits, instead of calling all of them to fetch it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.coordination.redis_queues import RedisReadyQueues
from taskforge.coordination.redis_server import RedisServer
from taskforge.coordination.redis_signals import HANDED_SECONDS, RedisSignals
from taskforge.domain.ids import ProjectId, QueueId
from taskforge.ports.dispatch import Offer, Pulled
from taskforge.ports.signals import Hint, Topic
from tests.beside_redis.test_queue import at_work
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


class Process:
    """What a process has of Redis: it hears, and pulls."""

    def __init__(self, url: str, project: ProjectId, queues: list[QueueId]) -> None:
        hub = Hub()
        self.project, self.queues = project, queues
        self.heard: list[Hint | None] = []
        self.server = RedisServer(url)
        self.signals = RedisSignals(hub, self.server, LocalSignals(hub))
        self.ready = RedisReadyQueues(self.server)
        self.signals.subscribe(self.heard.append)

    async def pull(self, wanted: int = 10, *types: str) -> list[UUID]:
        return list((await self.ready.pull(self.project, self.queues, types or ("t", "other"), wanted)).jobs)

    async def offer(self, *types: str, queue: int = 0) -> bool:
        offers = [Offer(uuid4(), job_type, None, 0, 0) for job_type in types]
        self.last = [offer.job_id for offer in offers]
        return await self.ready.offer(self.project, self.queues[queue], offers)

    async def hears(self) -> None:
        await eventually(lambda: self._is_hearing())

    def _is_hearing(self) -> None:
        assert self.signals._hears


@pytest.fixture
async def here(redis_url: str, anyio_backend: str) -> AsyncIterator[tuple[Process, Process]]:
    """A worker's process, and one that enqueues."""
    project, queues = ProjectId(uuid4()), [QueueId(uuid4()), QueueId(uuid4())]
    worker, other = (Process(redis_url, project, queues) for _ in range(2))
    for queue in queues:
        await worker.ready.place(project, queue, [], whole=True)
    await worker.hears()
    yield worker, other
    await worker.signals.close()
    await other.signals.close()


async def test_the_worker_that_waits_has_it_without_asking(here: tuple[Process, Process]) -> None:
    worker, other = here
    assert not await other.offer("t"), "nobody waits yet"
    assert await worker.pull() == other.last
    assert await other.offer("t")
    await eventually(lambda: _has(worker, 1))
    assert await worker.ready.size(worker.project, worker.queues[0]) == 0
    first = other.last
    assert not await other.offer("t"), "it was handed one and has not asked since"
    assert await worker.pull(10, "other") == [], "it is for another worker of the process"
    assert await worker.pull() == first
    assert await worker.pull() == other.last
    worker.heard.clear()
    await asyncio.sleep(1.2 * HANDED_SECONDS)
    assert not [hint for hint in worker.heard if hint is not None and hint.topic is Topic.READY]


async def test_nobody_is_handed_what_he_does_not_know_or_has_no_room_for(
    here: tuple[Process, Process],
) -> None:
    worker, other = here
    await worker.pull(10, "t")
    assert not await other.offer("else")
    assert not await other.offer("t"), "another one is before it"
    assert await other.offer("t", queue=1)
    await worker.pull(1, "t")
    await worker.pull(1, "t", "else")
    assert await worker.ready.size(worker.project, worker.queues[0]) <= 1
    await worker.pull(10)
    await worker.pull(1)
    assert not await other.offer("t"), "one free slot is too few for two queues that wait for nobody"
    assert await worker.pull() == other.last
    assert not await other.offer("t", "t"), "several are left to all"


async def test_a_worker_that_is_gone_is_not_waited_for(here: tuple[Process, Process]) -> None:
    worker, other = here
    await worker.pull()
    for keeper in worker.signals._keepers.values():
        keeper.cancel()
    await asyncio.wait(set(worker.signals._keepers.values()))
    assert not await other.offer("t")
    assert await other.ready.size(other.project, other.queues[0]) == 1


async def test_one_that_is_not_taken_is_left_to_all(here: tuple[Process, Process]) -> None:
    worker, other = here
    await other.hears()
    await worker.pull()
    assert await other.offer("t")
    hint = Hint(Topic.READY, worker.project, worker.queues[0])

    def are_told() -> None:
        assert hint in worker.heard
        assert hint in other.heard

    await eventually(are_told)
    assert worker.server.handed == []


async def test_a_job_of_an_idle_worker_is_claimed_without_a_pull(
    postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(postgres_url, redis_url) as here:
        answers: list[bool] = []
        ready = await here.ready()
        offer, pull = ready.offer, ready.pull
        waits = asyncio.Event()

        async def offered(*asked: object) -> bool:
            answers.append(await offer(*asked))
            return answers[-1]

        async def pulled(*asked: object) -> Pulled:
            found: Pulled = await pull(*asked)
            if not found.jobs:
                waits.set()
            return found

        monkeypatch.setattr(ready, "offer", offered)
        monkeypatch.setattr(ready, "pull", pulled)
        for _ in range(20):
            waits.clear()
            await here.add(1)
            await here.all_ran()
            await waits.wait()
        assert sum(answers) >= 15


def _has(process: Process, count: int) -> None:
    assert len(process.server.handed) == count
