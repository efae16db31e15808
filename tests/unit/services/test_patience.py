"""How long whoever enqueues waits for the database."""

import asyncio
import threading
import time
from typing import Any
from weakref import WeakKeyDictionary

import pytest

from taskforge.domain.errors import Unavailable
from taskforge.services import patience
from taskforge.services.patience import answered_within, done_within

pytestmark = pytest.mark.anyio

SECONDS = 0.2


async def test_who_gets_no_answer_is_told_so_in_time() -> None:
    before = time.monotonic()
    with pytest.raises(Unavailable, match="has not answered within"), answered_within(SECONDS):
        await asyncio.sleep(60)
    assert SECONDS <= time.monotonic() - before < 30


async def test_an_answer_that_a_blocked_loop_hears_late_is_one() -> None:
    """A handler that blocks the loop is no outage of the database."""

    async def block() -> None:
        time.sleep(3 * SECONDS)  # noqa: ASYNC251 - that is the point

    loop = asyncio.get_running_loop()
    answer: asyncio.Future[int] = loop.create_future()
    database = threading.Timer(SECONDS / 2, loop.call_soon_threadsafe, [answer.set_result, 7])
    with answered_within(SECONDS):
        database.start()
        blocking = asyncio.create_task(block())
        assert await answer == 7
    await blocking


async def test_one_who_cancels_is_not_told_of_the_database() -> None:
    async def ask() -> None:
        with answered_within(SECONDS):
            await asyncio.sleep(60)

    asking = asyncio.create_task(ask())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_what_is_done_at_once_sets_no_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once() -> int:
        return 7

    async def fails() -> int:
        raise Unavailable("the disk is full")

    monkeypatch.setattr(patience, "answered_within", None)
    assert await done_within(SECONDS, at_once()) == 7
    with pytest.raises(Unavailable, match="disk"):
        await done_within(SECONDS, fails())


async def test_work_that_waits_goes_on_to_its_end() -> None:
    async def work() -> list[int]:
        found = []
        for number in range(3):
            await asyncio.sleep(0 if number % 2 else 0.001)
            found.append(number)
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 0.001)
        except TimeoutError:
            return found
        return []

    assert await done_within(20, work()) == [0, 1, 2]


async def test_work_that_is_given_up_hears_of_it() -> None:
    ended: list[str] = []
    waits = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0)
        try:
            waits.set()
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    with pytest.raises(Unavailable, match="has not answered within"):
        await done_within(SECONDS, work())
    waits.clear()
    asking = asyncio.create_task(done_within(SECONDS * 100, work()))
    await waits.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert ended == ["work", "work"]


async def test_all_who_wait_on_one_loop_are_looked_at_by_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A timer of its own costs a wait four calls of the system and another turn of the loop."""
    loop = asyncio.get_running_loop()
    timers: list[float] = []
    monkeypatch.setattr(patience, "_waits", WeakKeyDictionary())
    set_timer = loop.call_later

    def call_later(delay: float, *rest: Any) -> asyncio.TimerHandle:
        timers.append(delay)
        return set_timer(delay, *rest)

    monkeypatch.setattr(loop, "call_later", call_later)
    for _ in range(100):
        with answered_within(SECONDS):
            pass
    assert timers == [patience.LOOK_SECONDS]


async def test_one_who_comes_while_others_wait_has_its_own_time() -> None:
    async def ask(seconds: float) -> float:
        before = time.monotonic()
        with pytest.raises(Unavailable), answered_within(seconds):
            await asyncio.sleep(60)
        return time.monotonic() - before

    first = asyncio.create_task(ask(4 * SECONDS))
    await asyncio.sleep(SECONDS)
    assert await ask(SECONDS) >= SECONDS
    assert await first >= 4 * SECONDS
