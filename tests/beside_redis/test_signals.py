"""Hints by Redis: they arrive, they are folded, and without it those of the database go on."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge import TaskForge
from taskforge.coordination.local import Hub, LocalSignals
from taskforge.coordination.redis_lines import Listener
from taskforge.coordination.redis_server import RedisServer
from taskforge.coordination.redis_signals import RedisSignals
from taskforge.ports.signals import EVERYTHING, Hint, Topic
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from tests.support.redis_server import RedisProcess

pytestmark = pytest.mark.anyio
PROJECT = UUID(int=5)


class Ear:
    """One process: its hub, its signals, and what it has heard."""

    def __init__(self, url: str, topics: Collection[Topic] = EVERYTHING) -> None:
        self.hub = Hub()
        self.beside = LocalSignals(self.hub)
        self.server = RedisServer(url)
        self.signals = RedisSignals(self.hub, self.server, self.beside)
        self.heard: list[Hint | None] = []
        self.signals.subscribe(self.heard.append, topics)

    async def hears(self) -> None:
        """Wait until it hears others."""
        await eventually(lambda: _true(self.signals._hears))


def _true(value: bool) -> None:
    assert value


async def test_hints_reach_other_processes_once_and_folded(redis_url: str) -> None:
    one, other = Ear(redis_url), Ear(redis_url)
    await one.hears()
    await other.hears()
    hint = Hint(Topic.READY, PROJECT, UUID(int=9))
    for _ in range(50):
        one.signals.publish(hint)
    one.signals.publish(Hint(Topic.FINISHED, PROJECT))
    one.signals.publish(Hint(Topic.QUEUE, PROJECT), elsewhere=False)
    await eventually(lambda: _true({hint, Hint(Topic.FINISHED, PROJECT)} <= set(other.heard)))
    assert other.heard.count(hint) < 25
    assert Hint(Topic.QUEUE, PROJECT) not in other.heard
    assert one.heard.count(hint) == 50  # its own, at once, and not once more by way of Redis
    for ear in (one, other):
        await ear.signals.close()


async def test_a_cancel_that_is_swallowed_does_not_keep_it_from_closing(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `asyncio.wait_for` swallows one that comes with its answer, before Python 3.12."""
    hear, swallowed = Listener.hear, 0

    async def swallowing(self: Listener, seconds: float) -> Sequence[str] | None:
        nonlocal swallowed
        try:
            return await hear(self, seconds)
        except asyncio.CancelledError:
            if swallowed:
                raise
            swallowed += 1
            return None

    monkeypatch.setattr(Listener, "hear", swallowing)
    ear = Ear(redis_url)
    await ear.hears()
    async with asyncio.timeout(10):
        await ear.signals.close()
    assert swallowed == 1


async def test_who_does_not_want_to_know_of_ends_is_not_told(redis_url: str) -> None:
    """Workers tell of ends all the time, and have no use for those of others."""
    one, worker = Ear(redis_url), Ear(redis_url, {Topic.READY})
    await one.hears()
    await worker.hears()
    one.signals.publish(Hint(Topic.FINISHED, PROJECT))
    one.signals.publish(Hint(Topic.READY, PROJECT))
    await eventually(lambda: _true(Hint(Topic.READY, PROJECT) in worker.heard))
    worker.signals.subscribe(worker.heard.append, {Topic.FINISHED})  # it waits for a result now
    await worker.hears()
    assert Hint(Topic.FINISHED, PROJECT) not in worker.heard
    one.signals.publish(Hint(Topic.FINISHED, PROJECT))
    await eventually(lambda: _true(Hint(Topic.FINISHED, PROJECT) in worker.heard))
    for ear in (one, worker):
        await ear.signals.close()


async def test_while_redis_is_away_the_database_tells(private_redis: RedisProcess) -> None:
    """Frozen, killed, and there again with nothing in it."""
    ear = Ear(private_redis.url)
    told: list[Hint] = []
    publish = ear.beside.publish

    def noted(hint: Hint, *, elsewhere: bool = True) -> None:
        if elsewhere:
            told.append(hint)
        publish(hint, elsewhere=elsewhere)

    ear.beside.publish = noted  # type: ignore[method-assign]
    await ear.hears()
    private_redis.freeze()
    hint = Hint(Topic.READY, PROJECT)
    ear.signals.publish(hint)
    assert told == []
    await eventually(lambda: _true(told == [hint]))
    private_redis.thaw()
    private_redis.kill()

    def is_left_alone() -> None:
        ear.signals.publish(hint)
        assert not ear.server.is_answering

    await eventually(is_left_alone)
    assert ear.signals.inline(hint) is None  # what LocalSignals says
    private_redis.start()
    await eventually(lambda: _true(ear.server.is_answering))
    await ear.hears()
    ear.heard.clear()
    other = Ear(private_redis.url)
    await other.hears()
    other.signals.publish(hint)
    await eventually(lambda: _true(hint in ear.heard))
    for each in (ear, other):
        await each.signals.close()


async def test_a_worker_hears_by_redis_what_another_process_enqueues(
    redis_url: str, database_url: str
) -> None:
    async with (
        TaskForge(database_url, redis_url=redis_url) as app,
        TaskForge(database_url, redis_url=redis_url) as producer,
    ):
        ran = asyncio.Event()

        async def note() -> int:
            ran.set()
            return os.getpid()

        app.task(name="note")(note)
        elsewhere = producer.task(name="note")(note)
        async with app.worker():
            handle = await elsewhere.aenqueue()
            assert await handle.aresult(timeout=20) == os.getpid()
    assert ran.is_set()
