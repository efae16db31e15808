"""How long whoever enqueues waits for the database."""

import asyncio

import pytest

from taskforge.domain.errors import Unavailable
from taskforge.services import patience
from taskforge.services.patience import answered_within, done_within

pytestmark = pytest.mark.anyio

SECONDS = 0.2


@pytest.mark.parametrize("error", [None, TimeoutError("no connection became free")])
async def test_who_gets_no_answer_is_told_of_the_database(error: Exception | None) -> None:
    async def ask() -> None:
        with answered_within(SECONDS):
            if error is not None:
                raise error
            await asyncio.Event().wait()

    with pytest.raises(Unavailable, match=r"has not answered within 0\.2 s") as told:
        await ask()
    assert "is it running" in (told.value.hint or "")


async def test_another_error_is_told_as_it_is() -> None:
    with pytest.raises(ValueError, match="no number"), answered_within(SECONDS):
        raise ValueError("no number")


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
            await asyncio.sleep(0 if number % 2 else 0.001)  # in another turn of the loop, and by its clock
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
