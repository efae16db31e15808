"""Loop: periodic, undying, woken, stopped."""

from __future__ import annotations

import asyncio
import logging
import random
from functools import partial

import pytest

from taskforge.domain.errors import Unavailable
from taskforge.ports.jobs import Chore, Outlook
from taskforge.runtime.backoff import Backoff
from taskforge.runtime.loop import Loop
from taskforge.runtime.loops.alert import alert_loops
from taskforge.runtime.loops.recover import recovery_loop, recovery_round
from taskforge.runtime.wakeup import Wakeup

pytestmark = pytest.mark.anyio


class Counter:
    """An activity that counts its calls, fails when told, and notices overlaps."""

    def __init__(self) -> None:
        self.calls = 0
        self.fail_next = 0
        self.inside = 0
        self.changed = asyncio.Event()

    async def __call__(self) -> None:
        assert self.inside == 0, "calls overlap"
        self.inside += 1
        try:
            self.calls += 1
            self.changed.set()
            await asyncio.sleep(0)
            if self.fail_next:
                self.fail_next -= 1
                raise ValueError("broken")
        finally:
            self.inside -= 1

    async def reach(self, calls: int) -> None:
        async with asyncio.timeout(5):
            while self.calls < calls:
                self.changed.clear()
                await self.changed.wait()


async def test_calls_at_once_and_then_by_interval() -> None:
    counter = Counter()
    async with Loop("test", counter, 0.01):
        await counter.reach(5)


async def test_the_first_call_may_come_later_and_is_brought_forward_as_any() -> None:
    counter, meanwhile = Counter(), Counter()
    async with Loop("test", counter, 0.001, first=3600.0) as loop, Loop("meanwhile", meanwhile, 0.001):
        await meanwhile.reach(5)
        assert counter.calls == 0
        loop.wake()
        await counter.reach(3)
    async with Loop("test", counter, 3600.0, first=0.001):
        await counter.reach(4)
    async with Loop("test", counter, 3600.0, first=3600.0):
        pass
    assert counter.calls == 4


async def test_wake_brings_the_next_call_forward() -> None:
    counter = Counter()
    async with Loop("test", counter, 3600.0) as loop:
        await counter.reach(1)
        loop.wake()
        await counter.reach(2)


async def test_an_error_is_logged_and_the_loop_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    counter = Counter()
    counter.fail_next = 2
    with caplog.at_level(logging.ERROR):
        async with Loop("test", counter, 0.01) as loop:
            await counter.reach(4)
            assert loop.is_running
    assert len([record for record in caplog.records if "loop test failed" in record.message]) == 2


async def test_a_cancellation_that_is_not_ours_does_not_end_it() -> None:
    counter = Counter()

    async def activity() -> None:
        await counter()
        if counter.calls == 1:
            raise asyncio.CancelledError

    async with Loop("test", activity, 0.01):
        await counter.reach(3)


async def test_stop_lets_a_call_end() -> None:
    entered, leave = asyncio.Event(), asyncio.Event()
    ended = False

    async def activity() -> None:
        nonlocal ended
        entered.set()
        await leave.wait()
        ended = True

    loop = Loop("test", activity, 3600.0)
    loop.start()
    await entered.wait()
    stopping = asyncio.create_task(loop.stop())
    await asyncio.sleep(0)
    leave.set()
    await stopping
    assert ended
    assert not loop.is_running


async def test_stop_cancels_a_call_that_hangs() -> None:
    entered = asyncio.Event()

    async def activity() -> None:
        entered.set()
        await asyncio.Event().wait()

    loop = Loop("test", activity, 3600.0)
    loop.start()
    await entered.wait()
    await loop.stop(deadline=0.01)
    assert not loop.is_running


async def test_stress_start_wake_fail_stop_in_any_order() -> None:
    chance = random.Random(7)
    counter = Counter()
    loop = Loop("stress", counter, 0.001, max_backoff=0.002)
    logging.getLogger("taskforge.runtime.loop").disabled = True
    try:
        for _ in range(500):
            match chance.randrange(6):
                case 0:
                    loop.start()
                case 1:
                    await loop.stop()
                    assert not loop.is_running
                    assert counter.inside == 0
                case 2:
                    counter.fail_next = chance.randrange(3)
                case 3:
                    before = counter.calls
                    loop.start()
                    loop.wake()
                    await counter.reach(before + 1)
                case 4:
                    await asyncio.gather(loop.stop(), loop.stop())
                case _:
                    loop.wake()
                    await asyncio.sleep(0)
        await loop.stop()
    finally:
        logging.getLogger("taskforge.runtime.loop").disabled = False
    calls = counter.calls
    await asyncio.sleep(0.01)
    assert counter.calls == calls


async def test_a_round_of_recovery_wakes_whose_chore_waits_and_sweeps() -> None:
    woken: list[Chore] = []
    swept: list[Outlook] = []
    no = False
    outlook = Outlook(no, no, no, no, no, no, no, no, [], frozenset({Chore.SEAL, Chore.FOLD}))

    async def look() -> Outlook:
        return outlook

    async def sweep(found: Outlook) -> None:
        swept.append(found)
        raise Unavailable("the rest waits")

    wake = {chore: partial(woken.append, chore) for chore in (Chore.SEAL, Chore.ALERT)}
    with pytest.raises(Unavailable):
        await recovery_round(look, sweep, wake)()
    assert (woken, swept) == ([Chore.SEAL], [outlook])


async def test_a_look_at_rules_comes_again_once_however_often_it_was_woken() -> None:
    looked = Counter()
    period = 0.05

    async def look() -> int:
        await looked()
        return 0

    def due_in() -> float:
        return period + max(0, 21 - looked.calls) * period / 10

    alerting, _ = alert_loops(look, due_in, Counter())
    clock = asyncio.get_running_loop()
    async with alerting:
        for number in range(1, 22):
            alerting.wake()
            await looked.reach(number)
        begun, before = clock.time(), looked.calls
        await looked.reach(before + 10)
        assert clock.time() - begun >= 8 * period


async def test_backoff_doubles_to_its_cap_and_begins_again() -> None:
    backoff = Backoff(1.0, 4.0, random=lambda: 1.0)
    assert [backoff.delay() for _ in range(4)] == [1.0, 2.0, 4.0, 4.0]
    backoff.reset()
    assert backoff.delay() == 1.0
    assert Backoff(1.0, 4.0, random=lambda: 0.0).delay() == 0.5


async def test_a_wakeup_remembers_and_times_out() -> None:
    wakeup = Wakeup()
    wakeup.set()
    assert await wakeup.wait(10)
    assert not await wakeup.wait(0.001)
    asyncio.get_running_loop().call_soon(wakeup.set)
    assert await wakeup.wait()
    assert not await wakeup.wait(0)


async def test_what_cannot_be_reached_takes_a_line_and_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    calls = asyncio.Event()

    async def look() -> None:
        if caplog.records:
            calls.set()
        raise Unavailable("PostgreSQL cannot be reached")

    with caplog.at_level(logging.WARNING):
        async with Loop("test", look, 0.001):
            await calls.wait()
    record = caplog.records[0]
    assert "PostgreSQL cannot be reached" in record.getMessage()
    assert (record.levelno, record.exc_info) == (logging.WARNING, None)


def test_recovery_looks_again_soon_after_an_outage() -> None:
    async def look() -> None:
        raise AssertionError

    loop = recovery_loop(look, 10.0)
    assert max(loop._backoff.delay() for _ in range(20)) <= 10.0
