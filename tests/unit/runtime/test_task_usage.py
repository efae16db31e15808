"""What executions use, measured on this process."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.domain.ids import QueueId
from taskforge.domain.worker import TaskUsage
from taskforge.runtime.worker.processes.memory import ChildMeter, resident_bytes
from taskforge.runtime.worker.task_usage import EACH, Metered, TaskMeter

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.runtime.fake_link import FakeLink
    from tests.unit.runtime.scene import Scene

QUEUE = QueueId(UUID(int=1))
pytestmark = pytest.mark.anyio


def work(seconds: float, clock: Callable[[], float] = time.thread_time) -> None:
    """Keep one processor busy for so long."""
    end = clock() + seconds
    while clock() < end:
        pass


def test_executions_add_up_by_queue_and_type_until_they_are_taken() -> None:
    meter = TaskMeter()
    meter.add(QUEUE, "t", 5_000_000)
    meter.add(QUEUE, "t", 3_000_999, 70)
    meter.add(QUEUE, "u", -1)
    assert meter.take() == [
        TaskUsage(QUEUE, "t", 2, 8_000, 5_000, 70),
        TaskUsage(QUEUE, "u", 1, 0, 0, None),
    ]
    assert meter.take() == []


def test_each_tenth_of_a_type_is_measured_and_the_first() -> None:
    meter = TaskMeter()
    measured = [meter.is_measured("t") for _ in range(2 * EACH)]
    assert [number for number, is_measured in enumerate(measured) if is_measured] == [0, EACH]
    assert meter.is_measured("u")


async def test_only_its_own_turns_count() -> None:
    async def handler() -> str:
        work(0.02)
        await asyncio.sleep(0.01)
        work(0.02)
        return "done"

    async def others() -> None:
        for _ in range(5):
            work(0.02)
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    metered = Metered(handler())
    assert await metered == "done"
    await beside
    assert 0.04 <= metered.cpu_ns / 1e9 < 0.07


async def test_errors_and_cancellations_come_through() -> None:
    seen: list[str] = []

    async def fails() -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    async def waits() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def awaits(metered: Metered) -> object:
        return await metered

    with pytest.raises(ValueError, match="no"):
        await Metered(fails())
    metered = Metered(waits())
    waiting = asyncio.create_task(awaits(metered))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert seen == ["cancelled"]
    assert metered.cpu_ns > 0


async def test_a_worker_tells_what_its_executions_used(link: FakeLink, scene: Scene) -> None:
    @scene.task
    def blocks() -> None:
        work(0.03)

    @scene.task
    async def awaits() -> None:
        work(0.02)

    for name in ("blocks", "awaits", "awaits"):
        link.add(name, "{}")
    async with scene.worker():
        await link.until(lambda: len(link.reports) == 3)
    [usage] = link.usages
    found = {task.job_type: task for task in usage.tasks}
    assert {name: task.executions for name, task in found.items()} == {"blocks": 1, "awaits": 1}
    assert 30_000 <= found["blocks"].cpu_us < 60_000
    assert 20_000 <= found["awaits"].most_cpu_us < 50_000
    assert found["blocks"].peak_memory_bytes is None


def test_a_child_s_attempt_has_its_own_peak() -> None:
    ChildMeter()
    block = bytearray(60_000_000)
    block[::4096] = b"x" * len(block[::4096])
    meter = ChildMeter()
    del block
    work(0.02, time.process_time)
    cpu, with_block = meter.take()
    assert cpu >= 20_000_000
    _, without = ChildMeter().take()
    assert with_block - without > 50_000_000
    assert abs(without - resident_bytes()) < 20_000_000
