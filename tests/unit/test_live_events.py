"""Live events: folded, resumable over a bounded ring, and a reset for whoever has missed some."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.ports.signals import Hint, Topic
from taskforge.services.live import Change, Kind, LiveEvent, LiveEvents

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

pytestmark = pytest.mark.anyio

PROJECT, QUEUE = UUID(int=1), UUID(int=2)


def everything(change: Change) -> bool:
    return True


class Scene:
    """Live events of a ring of five, and the signals that they come from."""

    def __init__(self) -> None:
        self.signals = LocalSignals(Hub())
        self.live = LiveEvents(self.signals, kept=5, fold=0.01)

    def tell(self, *queues: int, topic: Topic = Topic.FINISHED) -> None:
        for queue in queues:
            self.signals.publish(Hint(topic, PROJECT, UUID(int=queue)))


@pytest.fixture
async def scene(anyio_backend: str) -> Scene:
    return Scene()


async def _next(stream: AsyncGenerator[LiveEvent, None]) -> LiveEvent:
    async with asyncio.timeout(10):
        return await anext(stream)


async def _queues(stream: AsyncGenerator[LiveEvent, None], count: int) -> list[int]:
    found = [await _next(stream) for _ in range(count)]
    return [event.change.queue_id.int for event in found if event.change and event.change.queue_id]


async def test_it_begins_with_a_reset_and_goes_on_with_what_happens(scene: Scene) -> None:
    stream = scene.live.follow(everything)
    assert (await _next(stream)).change is None
    scene.tell(7)
    event = await _next(stream)
    assert event.change == Change(Kind.JOB, "finished", PROJECT, UUID(int=7))
    await stream.aclose()


async def test_hints_of_a_moment_are_one_event(scene: Scene) -> None:
    stream = scene.live.follow(everything)
    await _next(stream)
    scene.tell(*[7] * 50, 8)
    assert await _queues(stream, 2) == [7, 8]
    await stream.aclose()


async def test_it_goes_on_where_a_stream_ended(scene: Scene) -> None:
    stream = scene.live.follow(everything)
    await _next(stream)
    scene.tell(1, 2, 3)
    last = await _next(stream)
    await stream.aclose()
    again = scene.live.follow(everything, last.id)
    assert await _queues(again, 2) == [2, 3]
    await again.aclose()


@pytest.mark.parametrize(
    "after", ["", "x", "other-1", "-1", "{epoch}-99", "{epoch}-x", "{epoch}-²", "{epoch}"]
)
async def test_an_id_that_says_nothing_gets_a_reset(scene: Scene, after: str) -> None:
    stream = scene.live.follow(everything)
    epoch = (await _next(stream)).id.partition("-")[0]
    again = scene.live.follow(everything, after.format(epoch=epoch))
    assert (await _next(again)).change is None
    await stream.aclose()
    await again.aclose()


async def test_who_was_away_for_too_long_gets_a_reset(scene: Scene) -> None:
    stream = scene.live.follow(everything)
    last = await _next(stream)
    scene.tell(*range(10))
    assert (await _next(stream)).change is None, "ten in a moment are more than the ring holds"
    scene.tell(99)
    assert await _queues(stream, 1) == [99]
    again = scene.live.follow(everything, last.id)
    assert (await _next(again)).change is None
    await stream.aclose()
    await again.aclose()


async def test_a_slow_reader_gets_a_reset_and_not_the_memory(scene: Scene) -> None:
    stream = scene.live.follow(everything)
    await _next(stream)
    scene.tell(1, 2)
    assert await _queues(stream, 1) == [1]
    watcher = scene.live.follow(lambda change: change.queue_id == UUID(int=66))
    await _next(watcher)
    scene.tell(61, 62, 63, 64, 65, 66)
    await _next(watcher)
    assert (await _next(stream)).change is None
    await stream.aclose()
    await watcher.aclose()


async def test_what_may_be_anything_is_told_of_every_kind(scene: Scene) -> None:
    stream = scene.live.follow(everything)
    await _next(stream)
    scene.signals._hub.tell(None)
    kinds = [(await _next(stream)).change for _ in Kind]
    assert [(change.kind, change.topic) for change in kinds if change] == [(kind, "any") for kind in Kind]
    await stream.aclose()


async def test_only_what_is_wanted_comes(scene: Scene) -> None:
    stream = scene.live.follow(lambda change: change.kind is Kind.WORKER)
    await _next(stream)
    scene.tell(1, 2, 3)
    scene.tell(4, topic=Topic.WORKER)
    assert await _queues(stream, 1) == [4]
    await stream.aclose()
    scene.live.close()
