"""Timeouts, cancels and lost leases; the heartbeat that brings them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import threading
import time
import types
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.errors import Unavailable
from taskforge.domain.outcome import Cancelled, Failed, Released, Succeeded
from taskforge.sdk.context import Context  # noqa: TC001 - read when a task is registered
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from taskforge.runtime.worker.worker import Worker
    from tests.unit.runtime.fake_link import FakeLink
    from tests.unit.runtime.scene import Scene

pytestmark = pytest.mark.anyio


def has_ended(worker: Worker) -> None:
    """Nothing runs there any more."""
    assert worker.running == 0


def timed_out(outcome: object, seconds: str) -> bool:
    """Whether an outcome is a timeout that says so."""
    return (
        isinstance(outcome, Failed)
        and outcome.timed_out
        and outcome.error.type == "TimeoutError"
        and outcome.error.message == f"no end after {seconds} s"
    )


async def test_an_async_task_is_stopped_at_its_timeout(link: FakeLink, scene: Scene) -> None:
    @scene.task
    async def forever() -> None:
        await asyncio.Event().wait()

    @scene.task
    async def quick() -> None: ...

    link.add("quick", timeout=60)
    slow = link.add("forever", timeout=0.05)
    async with scene.worker():
        await link.settled(2)
    assert timed_out(link.outcomes()[slow], "0.05")


async def test_a_thread_task_is_interrupted_at_its_timeout(link: FakeLink, scene: Scene) -> None:
    cleaned = threading.Event()

    @scene.task
    def forever() -> None:
        try:
            while True:
                time.sleep(0.001)
        except Exception:
            pytest.fail("the interrupt is no Exception")
        finally:
            cleaned.set()

    @scene.task
    def after() -> int:
        return 1

    slow = link.add("forever", timeout=0.05)
    async with scene.worker(concurrency=1):
        await link.settled(1)
        assert cleaned.is_set()
        following = [link.add("after") for _ in range(20)]
        link.hint()
        await link.settled(21)
    outcomes = link.outcomes()
    assert timed_out(outcomes[slow], "0.05")
    assert all(outcomes[execution] == Succeeded("1") for execution in following)


async def test_a_task_that_swallows_its_timeout_is_timed_out_and_gives_up_its_slot(
    link: FakeLink, scene: Scene
) -> None:
    release = asyncio.Event()

    @scene.task
    async def stubborn() -> str:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return "done after all"

    @scene.task
    async def quick() -> None: ...

    execution = link.add("stubborn", timeout=0.02)
    async with scene.worker(stop_grace=0.05, concurrency=1) as worker:
        await link.settled(1)
        assert timed_out(link.outcomes()[execution], "0.02")
        assert worker.is_spent
        assert worker.running == 1
        others = [link.add("quick") for _ in range(3)]
        link.hint()
        await link.settled(4)
        release.set()
        await eventually(lambda: has_ended(worker))
    assert all(link.outcomes()[other] == Succeeded(None) for other in others)
    assert len(link.reports) == 4
    assert worker.in_hand == worker.running == 0


async def test_a_task_that_swallows_its_timeout_and_returns_is_timed_out(
    link: FakeLink, scene: Scene
) -> None:
    @scene.task
    async def stubborn() -> str:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return "late"

    execution = link.add("stubborn", timeout=0.02)
    async with scene.worker():
        await link.settled(1)
    assert timed_out(link.outcomes()[execution], "0.02")


@pytest.mark.parametrize("is_cancelled", [False, True])
async def test_a_stuck_thread_is_reported_after_a_grace_and_replaced(
    link: FakeLink, scene: Scene, monkeypatch: pytest.MonkeyPatch, is_cancelled: bool
) -> None:
    monkeypatch.setattr("taskforge.runtime.worker.executor.CANCEL_GRACE", 0.05)
    entered, release = threading.Event(), threading.Event()

    @scene.task
    def stuck() -> None:
        entered.set()
        release.wait(20)

    @scene.task
    def quick() -> None: ...

    execution = link.add("stuck", timeout=60 if is_cancelled else 0.02)
    async with scene.worker(stop_grace=0.05, concurrency=1) as worker:
        await asyncio.to_thread(entered.wait, 5)
        if is_cancelled:
            link.cancel.add(execution)
            link.hint_cancel()
        await link.settled(1)
        assert worker.running == 1
        assert worker.is_spent
        others = [link.add("quick") for _ in range(3)]
        link.hint()
        await link.settled(4)
        release.set()
        await eventually(lambda: has_ended(worker))
    outcome = link.outcomes()[execution]
    assert outcome == Cancelled("requested") if is_cancelled else timed_out(outcome, "0.02")
    assert all(link.outcomes()[other] == Succeeded(None) for other in others)
    assert worker.in_hand == worker.running == 0


async def test_a_cancel_stops_an_async_task_at_once(link: FakeLink, scene: Scene) -> None:
    entered = asyncio.Event()

    @scene.task
    async def forever() -> None:
        entered.set()
        await asyncio.Event().wait()

    execution = link.add("forever")
    async with scene.worker():
        await entered.wait()
        link.cancel.add(execution)
        link.hint_cancel()
        await link.settled(1)
    assert link.outcomes() == {execution: Cancelled("requested")}


async def test_a_cancelled_thread_sees_it_and_may_finish(link: FakeLink, scene: Scene) -> None:
    entered = threading.Event()

    @scene.task
    def loop(ctx: Context, finish: bool) -> str:
        entered.set()
        while not ctx.cancelled:
            time.sleep(0.001)
        if finish:
            return "finished"
        raise RuntimeError("stopped half way")

    finished, stopped = link.add("loop", '{"finish": true}'), link.add("loop", '{"finish": false}')
    async with scene.worker():
        await asyncio.to_thread(entered.wait, 5)
        link.cancel |= {finished, stopped}
        link.hint_cancel()
        await link.settled(2)
    assert link.outcomes() == {finished: Succeeded('"finished"'), stopped: Cancelled("requested")}


async def test_a_lost_lease_stops_the_handler_and_reports_nothing(link: FakeLink, scene: Scene) -> None:
    stopped = asyncio.Event()
    entered = asyncio.Event()

    @scene.task
    async def forever() -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    execution = link.add("forever")
    async with scene.worker() as worker:
        await entered.wait()
        link.lost.add(execution)
        link.hint_cancel()
        async with asyncio.timeout(5):
            await stopped.wait()
        await link.until(lambda: True)
    assert link.reports == []
    assert worker.in_hand == 0


async def test_without_an_answer_for_a_lease_the_jobs_are_handed_back(link: FakeLink, scene: Scene) -> None:
    @scene.task
    async def forever() -> None:
        await asyncio.Event().wait()

    link.lease, link.beat_interval = 0.3, 0.05
    link.errors["beat"].extend(Unavailable("away") for _ in range(1000))
    link.add("forever")
    async with scene.worker():
        await link.settled(1)
    assert [report.outcome for report in link.reports] == [Released()]


async def test_a_blocked_event_loop_still_beats(link: FakeLink, scene: Scene) -> None:
    link.lease, link.beat_interval = 0.6, 0.1
    beats_before = beats_after = 0

    @scene.task
    async def blocks() -> None:
        nonlocal beats_before, beats_after
        beats_before = len(link.beats)
        time.sleep(2)  # noqa: ASYNC251
        beats_after = len(link.beats)

    execution = link.add("blocks")
    async with scene.worker():
        await link.settled(1)
    assert beats_after - beats_before >= 5
    assert link.outcomes() == {execution: Succeeded(None)}
    while_blocked = [beat for batch in link.beats[beats_before:beats_after] for beat in batch]
    assert {beat.execution_id for beat in while_blocked} == {execution}
    assert all(beat.started for beat in while_blocked)


async def test_progress_state_and_start_are_told_early(link: FakeLink, scene: Scene) -> None:
    release, begin = asyncio.Event(), asyncio.Event()

    @scene.task
    async def job(ctx: Context) -> None:
        await begin.wait()
        ctx.progress(1, 2, "half")
        ctx.state["page"] = 1
        await release.wait()

    link.add("job")
    async with scene.worker():
        await link.until(lambda: link.beats)
        assert link.beats[0][0].started
        assert not link.beats[0][0].signed
        begin.set()
        await link.until(lambda: any(beat.state for batch in link.beats for beat in batch))
        release.set()
    beats = [beat for batch in link.beats for beat in batch]
    assert any(beat.signed and beat.progress == '{"done":1,"total":2,"message":"half"}' for beat in beats)
    assert any(beat.state == '{"page":1}' for beat in beats)


async def test_signs_are_told_again_after_a_failed_beat(link: FakeLink, scene: Scene) -> None:
    release = asyncio.Event()

    @scene.task
    async def job(ctx: Context) -> None:
        ctx.progress(1)
        await release.wait()

    link.beat_interval = 0.05
    link.errors["beat"].append(Unavailable("away"))
    link.add("job")
    async with scene.worker():
        await link.until(lambda: any(beat.progress for batch in link.beats for beat in batch))
        release.set()


async def test_timeouts_of_many_jobs_come_in_time(link: FakeLink, scene: Scene) -> None:
    ended: list[float] = []

    @scene.task
    async def forever(begun: float) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(time.monotonic())

    begun = time.monotonic()
    for number in range(50):
        link.add("forever", f'{{"begun": {begun}}}', timeout=0.3 - number * 0.005)
    async with scene.worker(concurrency=50):
        await link.settled(50)
    assert all(isinstance(report.outcome, Failed) and report.outcome.timed_out for report in link.reports)
    assert ended[0] - begun >= 0.055
    assert ended[-1] - begun < 20


async def test_interrupts_at_the_very_end_of_a_thread_task_never_hit_the_next(
    link: FakeLink, scene: Scene
) -> None:
    @scene.task
    def near(seconds: float) -> int:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            pass
        return 1

    @scene.task
    def innocent() -> int:
        return sum(range(2000)) and 2

    chance = random.Random(11)
    nearly, innocents = [], []
    for _ in range(300):
        nearly.append(link.add("near", f'{{"seconds": {0.004 + chance.random() * 0.002}}}', timeout=0.005))
        innocents.append(link.add("innocent"))
    async with scene.worker(concurrency=3) as worker:
        await link.until(lambda: len(link.reports) == 600, 60)
    outcomes = link.outcomes()
    assert len(link.reports) == len(outcomes) == 600
    assert all(outcomes[execution] == Succeeded("2") for execution in innocents)
    assert all(
        outcomes[execution] == Succeeded("1") or timed_out(outcomes[execution], "0.005")
        for execution in nearly
    )
    assert {type(outcomes[execution]) for execution in nearly} == {Succeeded, Failed}
    assert worker.in_hand == 0


async def test_everything_at_once_ends_each_attempt_once(link: FakeLink, scene: Scene) -> None:
    chance = random.Random(5)

    @scene.task
    async def loop_job(seconds: float) -> None:
        await asyncio.sleep(seconds)

    @scene.task
    def thread_job(ctx: Context, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end and not ctx.cancelled:
            time.sleep(0.001)
        ctx.log.info("done")

    executions = [
        link.add(
            chance.choice(["loop_job", "thread_job"]),
            f'{{"seconds": {chance.random() * 0.02}}}',
            timeout=chance.choice([0.01, 60]),
        )
        for _ in range(600)
    ]
    link.cancel |= set(chance.sample(executions, 100))
    link.beat_interval = 0.01
    for verb in ("claim", "settle", "beat", "log"):
        link.errors[verb].extend(Unavailable("away") for _ in range(3))
    async with scene.worker(concurrency=16) as worker:
        await link.until(lambda: len(link.reports) == 600, 60)
    assert {report.execution_id for report in link.reports} == set(executions)
    assert len(link.reports) == 600
    assert worker.in_hand == worker.running == 0


async def test_a_thread_is_not_interrupted_inside_an_import_or_a_log_handler(
    link: FakeLink, scene: Scene
) -> None:
    reached: list[str] = []

    def inside_logging(end: float) -> None:
        while time.monotonic() < end:
            pass
        reached.append("end of logging")

    code = inside_logging.__code__.replace(co_filename=logging.__file__)
    protected = types.FunctionType(code, globals(), "protected", None, inside_logging.__closure__)

    @scene.task
    def job() -> None:
        protected(time.monotonic() + 0.1)
        while True:
            time.sleep(0.001)

    execution = link.add("job", timeout=0.02)
    async with scene.worker():
        await link.settled(1)
    assert reached == ["end of logging"]
    assert timed_out(link.outcomes()[execution], "0.02")
