"""Waiting for no longer than so many seconds."""

import asyncio
import threading
import time
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from taskforge.ports import waits
from taskforge.ports.waits import within

pytestmark = pytest.mark.anyio

SECONDS = 0.2
LONG = 60.0


async def never() -> None:
    await asyncio.Event().wait()


async def test_who_gets_no_answer_is_told_so_in_time() -> None:
    before = time.monotonic()
    with pytest.raises(TimeoutError), within(SECONDS):
        await never()
    assert SECONDS <= time.monotonic() - before < LONG


async def test_an_answer_that_a_blocked_loop_hears_late_is_one() -> None:
    """A handler that blocks the loop is no outage of the database."""

    async def block() -> None:
        time.sleep(3 * SECONDS)  # noqa: ASYNC251 - that is the point

    loop = asyncio.get_running_loop()
    answer: asyncio.Future[int] = loop.create_future()
    database = threading.Timer(SECONDS / 2, loop.call_soon_threadsafe, [answer.set_result, 7])
    with within(SECONDS):
        database.start()
        blocking = asyncio.create_task(block())
        assert await answer == 7
    await blocking


async def test_one_who_cancels_is_not_told_of_time() -> None:
    waiting = asyncio.Event()

    async def ask() -> None:
        with within(LONG):
            waiting.set()
            await never()

    asking = asyncio.create_task(ask())
    await waiting.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_each_step_has_its_time() -> None:
    async def work() -> None:
        with within(SECONDS) as wait:
            for _ in range(16):
                wait.anew()
                await asyncio.to_thread(time.sleep, SECONDS / 4)
            await never()

    before = time.monotonic()
    with pytest.raises(TimeoutError):
        await work()
    assert time.monotonic() - before >= 5 * SECONDS


async def test_what_goes_on_waiting_is_given_up_again() -> None:
    """A connection is put in order after a statement: that may find nobody there either."""
    given_up: list[str] = []

    async def answered(what: str) -> None:
        try:
            await never()
        except asyncio.CancelledError:
            given_up.append(what)
            raise

    async def work() -> None:
        with within(SECONDS):
            try:
                await answered("the statement")
            finally:
                await answered("cleaning up")

    task = asyncio.current_task()
    assert task is not None
    with pytest.raises(TimeoutError):
        await work()
    assert given_up == ["the statement", "cleaning up"]
    assert task.cancelling() == 0


async def test_all_who_wait_on_one_loop_are_looked_at_by_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer of its own costs a wait four calls of the system and another turn of the loop."""
    loop = asyncio.get_running_loop()
    timers: list[float] = []
    monkeypatch.setattr(waits, "_waits", WeakKeyDictionary())
    set_timer = loop.call_later

    def call_later(delay: float, *rest: Any) -> asyncio.TimerHandle:
        timers.append(delay)
        return set_timer(delay, *rest)

    monkeypatch.setattr(loop, "call_later", call_later)
    for _ in range(100):
        with within(SECONDS):
            pass
    assert timers == [waits.LOOK_SECONDS]


async def test_one_who_comes_while_others_wait_has_its_own_time() -> None:
    waiting = asyncio.Event()

    async def ask(seconds: float) -> float:
        before = time.monotonic()
        waiting.set()
        with pytest.raises(TimeoutError), within(seconds):
            await never()
        return time.monotonic() - before

    first = asyncio.create_task(ask(4 * SECONDS))
    await waiting.wait()
    assert await ask(SECONDS) >= SECONDS
    assert await first >= 4 * SECONDS
