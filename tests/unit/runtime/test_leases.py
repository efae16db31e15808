"""How long a worker trusts in its leases, what it does with claims that come late, and what it counts."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.errors import TooSlow
from taskforge.domain.outcome import Failed, Released, Succeeded

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.sdk.context import Context
    from tests.unit.runtime.fake_link import FakeLink
    from tests.unit.runtime.scene import Scene

pytestmark = pytest.mark.anyio


async def _hang(beats: object, incidents: object = None) -> None:
    await asyncio.Event().wait()


async def test_a_heartbeat_that_hangs_does_not_keep_the_worker_from_seeing_that_its_lease_is_over(
    link: FakeLink, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    link.lease, link.beat_interval = 2.0, 0.3
    stopped: list[float] = []

    @scene.task
    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(time.monotonic())

    monkeypatch.setattr(link, "beat", _hang)
    began = time.monotonic()
    link.add("forever")
    async with scene.worker():
        await link.settled(1)
    assert [report.outcome for report in link.reports] == [Released()]
    assert stopped[0] - began < 20


async def test_a_claim_that_was_too_long_on_its_way_is_not_started(link: FakeLink, scene: Scene) -> None:
    link.lease, link.beat_interval = 0.3, 0.1
    started: list[int] = []

    @scene.task
    async def job() -> None:
        started.append(1)

    link.add("job")
    link.claim_gate.clear()
    async with scene.worker():
        await asyncio.sleep(0.4)
        link.claim_gate.set()
        await link.settled(1)
    assert [report.outcome for report in link.reports] == [Released()]
    assert started == []


async def test_what_has_waited_past_its_lease_is_not_begun(
    link: FakeLink, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    link.lease, link.beat_interval = 0.3, 0.1
    began: list[int] = []

    @scene.task
    async def stand() -> None:
        time.sleep(0.5)  # noqa: ASYNC251 - as a process that is frozen

    @scene.task
    async def later() -> None:
        began.append(1)

    monkeypatch.setattr(link, "beat", _hang)
    link.add("stand")
    id = link.add("later")
    async with scene.worker():
        await link.settled(2)
    assert [report.outcome for report in link.reports if report.execution_id == id] == [Released()]
    assert began == []


async def test_what_came_too_late_is_counted_and_told(link: FakeLink, scene: Scene) -> None:
    link.beat_interval = 0.1

    @scene.task
    async def job() -> None: ...

    link.lost.add(link.add("job"))
    link.add("job")
    async with scene.worker():
        await link.settled(2)
        await link.until(lambda: link.incidents.stale_writes)
    assert (link.incidents.leases_lost, link.incidents.stale_writes) == (1, 1)


async def test_lines_that_are_refused_stop_the_handler(link: FakeLink, scene: Scene) -> None:
    stopped = asyncio.Event()

    @scene.task
    async def talker(ctx: Context) -> None:
        ctx.log.info("hello")
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    execution = link.add("talker")
    link.lost.add(execution)
    async with scene.worker() as worker:
        async with asyncio.timeout(10):
            await stopped.wait()
        assert worker.id is not None
    assert execution in link.forgotten
    assert link.reports == []


async def test_a_batch_that_takes_too_long_is_sent_in_parts(link: FakeLink, scene: Scene) -> None:
    begun, all_begun = 0, asyncio.Event()

    @scene.task
    async def job() -> None:
        nonlocal begun
        begun += 1
        if begun == 8:
            all_begun.set()
        await all_begun.wait()

    for _ in range(8):
        link.add("job")
    sizes: list[int] = []
    settle = link.settle

    async def limited(reports: list[object]) -> object:
        sizes.append(len(reports))
        if len(reports) > 2:
            raise TooSlow("canceling statement due to statement timeout")
        return await settle(reports)  # type: ignore[arg-type]

    link.settle = limited  # type: ignore[method-assign,assignment]
    async with scene.worker(concurrency=8):
        await link.settled(8)
    assert max(sizes) > 2
    assert all(isinstance(report.outcome, Succeeded) for report in link.reports)
    assert len(link.reports) == 8


@pytest.mark.parametrize("kind", ["async", "thread"])
async def test_a_silent_attempt_ends_when_its_queue_demands_a_sign_of_life(
    link: FakeLink, scene: Scene, kind: str
) -> None:
    @scene.task
    async def quiet() -> None:
        await asyncio.Event().wait()

    @scene.task
    def quiet_in_thread() -> None:
        for _ in range(1000):
            time.sleep(0.01)

    @scene.task
    async def lively(ctx: Context) -> str:
        for _ in range(20):
            await asyncio.sleep(0.05)
            ctx.heartbeat()
        return "done"

    silent = link.add("quiet" if kind == "async" else "quiet_in_thread")
    loud = link.add("lively")
    link.waiting = type(link.waiting)(attempt._replace(heartbeat_timeout=0.5) for attempt in link.waiting)
    async with scene.worker():
        await link.settled(2)
    outcome = link.outcomes()[silent]
    assert isinstance(outcome, Failed)
    assert outcome.timed_out
    assert outcome.error.type == "HeartbeatTimeout"
    assert "no sign of life for 0.5 s" in outcome.error.message
    assert link.outcomes()[loud] == Succeeded('"done"')


async def test_a_beat_leaves_out_leases_that_are_fresh_unless_a_cancel_may_wait(
    link: FakeLink, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskforge.runtime.worker.heartbeat.FRESH_PART", 1e6)
    link.beat_interval = 0.05

    @scene.task
    async def forever() -> None:
        await asyncio.Event().wait()

    @scene.task
    async def short() -> None: ...

    def told() -> list[UUID]:
        return [beat.execution_id for beats in link.beats for beat in beats]

    runs = link.add("forever")
    link.add("short")
    link.settle_gate.clear()
    async with scene.worker(grace=0.0):
        try:
            await link.until(lambda: len(link.beats) >= 6)
            before = told()
            assert before in ([], [runs])  # that it has begun is told once
            link.hint_cancel()
            await link.until(lambda: len(told()) > len(before))
            assert set(told()) == {runs}
        finally:
            link.settle_gate.set()
