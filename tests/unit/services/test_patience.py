"""How long whoever enqueues waits for the database."""

import asyncio
import threading
import time

import pytest

from taskforge.domain.errors import Unavailable
from taskforge.services.submission import answered_within

pytestmark = pytest.mark.anyio

SECONDS = 0.2


async def test_who_gets_no_answer_is_told_so_in_time() -> None:
    before = time.monotonic()
    with pytest.raises(Unavailable, match="has not answered within"):
        async with answered_within(SECONDS):
            await asyncio.sleep(60)
    assert SECONDS <= time.monotonic() - before < 30


async def test_an_answer_that_a_blocked_loop_hears_late_is_one() -> None:
    """A handler that blocks the loop is no outage of the database."""

    async def block() -> None:
        time.sleep(3 * SECONDS)  # noqa: ASYNC251 - that is the point

    loop = asyncio.get_running_loop()
    answer: asyncio.Future[int] = loop.create_future()
    database = threading.Timer(SECONDS / 2, loop.call_soon_threadsafe, [answer.set_result, 7])
    async with answered_within(SECONDS):
        database.start()
        blocking = asyncio.create_task(block())
        assert await answer == 7
    await blocking


async def test_one_who_cancels_is_not_told_of_the_database() -> None:
    async def ask() -> None:
        async with answered_within(SECONDS):
            await asyncio.sleep(60)

    asking = asyncio.create_task(ask())
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
