"""The scheduler's sleep: until what is due, until it hears of a change, and no longer than it may."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.ports.signals import Hint, Topic
from taskforge.runtime.scheduler import Scheduler
from tests.support.eventually import eventually

pytestmark = pytest.mark.anyio
PROJECT = UUID(int=1)


class Ticking:
    """Counts looks; each answers ``wait``."""

    def __init__(self, wait: float | None) -> None:
        self.wait = wait
        self.begun = 0
        self.looks: list[float] = []
        self.fails = 0

    async def begin(self) -> None:
        self.begun += 1

    async def look(self) -> float | None:
        self.looks.append(asyncio.get_running_loop().time())
        if self.fails:
            self.fails -= 1
            raise RuntimeError("no")
        return self.wait


async def test_it_sleeps_until_something_is_due() -> None:
    ticking = Ticking(0.05)
    async with Scheduler(ticking, LocalSignals(Hub()), poll=60):
        await eventually(lambda: _at_least(ticking, 3))
    assert ticking.begun == 1
    gaps = [later - earlier for earlier, later in zip(ticking.looks, ticking.looks[1:], strict=False)]
    assert min(gaps) >= 0.049


async def test_it_wakes_when_a_schedule_changes_and_not_for_jobs() -> None:
    ticking, signals = Ticking(None), LocalSignals(Hub())
    async with Scheduler(ticking, signals, poll=60):
        await eventually(lambda: _at_least(ticking, 1))
        signals.publish(Hint(Topic.READY, PROJECT))
        signals.publish(Hint(Topic.FINISHED, PROJECT))
        await asyncio.sleep(0.05)
        assert len(ticking.looks) == 1
        signals.publish(Hint(Topic.SCHEDULE, PROJECT))
        await eventually(lambda: _at_least(ticking, 2))


async def test_many_changes_of_nobody_knows_what_are_one_look() -> None:
    hub = Hub()
    ticking = Ticking(None)
    async with Scheduler(ticking, LocalSignals(hub), poll=60):
        await eventually(lambda: _at_least(ticking, 1))
        for _ in range(60):
            hub.tell(None)
            await asyncio.sleep(0.01)
        await eventually(lambda: _at_least(ticking, 2))
    assert len(ticking.looks) <= 3


async def test_it_looks_from_time_to_time_whatever_it_is_told() -> None:
    ticking = Ticking(3600.0)
    async with Scheduler(ticking, LocalSignals(Hub()), poll=0.05, poll_without_hints=0.05):
        await eventually(lambda: _at_least(ticking, 3))


async def test_it_outlives_errors() -> None:
    ticking = Ticking(0.01)
    ticking.fails = 1
    async with Scheduler(ticking, LocalSignals(Hub()), poll=0.05):
        await eventually(lambda: _at_least(ticking, 3))
    assert ticking.begun == 1


async def test_it_tells_for_how_long_it_could_not_look() -> None:
    ticking = Ticking(None)
    ticking.fails = 1_000_000
    scheduler = Scheduler(ticking, LocalSignals(Hub()), poll=0.05)
    assert scheduler.stalled() == 0
    async with scheduler:
        await eventually(lambda: _at_least(ticking, 2))
        assert scheduler.stalled() > 0
        ticking.fails = 0
        await eventually(lambda: _is_well(scheduler))


def _is_well(scheduler: Scheduler) -> None:
    assert scheduler.stalled() == 0


def _at_least(ticking: Ticking, count: int) -> None:
    assert len(ticking.looks) >= count
