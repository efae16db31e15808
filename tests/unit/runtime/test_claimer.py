"""How many jobs a worker asks for at once, and what comes without being asked for."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from taskforge.ports.link import Attempt, Work
from taskforge.runtime.worker.claimer import LEAST_PORTION, Claimer
from taskforge.runtime.worker.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge.ports.link import Link

pytestmark = pytest.mark.anyio

ATTEMPT = cast("Attempt", SimpleNamespace(job=SimpleNamespace(slots=1)))


async def asked(concurrency: int, *, is_divisible: bool, times: int = 3) -> list[int]:
    """What is asked for by a claimer of so many slots, while its platform gives all of it and no handler takes one."""
    found: list[int] = []

    class Generous:
        poll_interval = 60.0

        async def claim(self, free: int, suspects: int) -> Work:
            found.append(free)
            if len(found) == times:
                claimer.close()
            return Work([ATTEMPT] * free, datetime.now(UTC), None, is_divisible=is_divisible)

    def start(*_: Any) -> None: ...

    claimer = Claimer(cast("Link", Generous()), Slots(concurrency), start)
    await claimer.run()
    return found


async def test_half_of_many_slots_is_asked_for_so_that_the_next_claim_is_on_its_way() -> None:
    # at first it is not known whether anybody's turn depends on it
    assert await asked(200, is_divisible=True) == [200, 100, 100]


async def test_all_is_asked_for_where_turns_depend_on_it() -> None:
    assert await asked(200, is_divisible=False) == [200, 200, 200]


async def test_few_slots_are_asked_for_at_once() -> None:
    assert await asked(LEAST_PORTION, is_divisible=True) == [LEAST_PORTION] * 3


class Quiet:
    """A platform without work, at which a claim stands by; ``is_certain`` says whether it can be withdrawn."""

    poll_interval = 60.0

    def __init__(self) -> None:
        self.claims = 0
        self.is_certain = True
        self.standing: list[Callable[[Work | None, float], None]] = []
        self.started: list[tuple[int, float]] = []
        self.claimer = Claimer(cast("Link", self), Slots(2), self._start)

    def lull(self) -> float:
        return 60.0

    async def claim(self, free: int, suspects: int) -> Work:
        self.claims += 1
        return Work([], datetime.now(UTC), None)

    def stand_by(
        self, suspects: int, take: Callable[[Work | None, float], None]
    ) -> Callable[[], bool] | None:
        self.standing.append(take)
        return lambda: self.is_certain

    def bring(self, work: Work | None) -> None:
        """Answer the claim that stands by."""
        self.is_certain = True
        self.standing[-1](work, 4.5)

    async def settle_down(self) -> None:
        """Let the claimer do all that it can."""
        for _ in range(20):
            await asyncio.sleep(0)

    def _start(self, work: Work, asked: float, _came: float) -> None:
        self.started.append((len(work.attempts), asked))


async def test_what_comes_by_itself_is_begun_and_more_is_asked_for() -> None:
    quiet = Quiet()
    running = asyncio.create_task(quiet.claimer.run())
    await quiet.settle_down()
    assert (quiet.claims, len(quiet.standing)) == (1, 1)
    quiet.bring(Work([ATTEMPT], datetime.now(UTC), None))
    assert quiet.started == [(1, 4.5)]
    await quiet.settle_down()
    assert (quiet.claims, len(quiet.standing)) == (2, 2)
    quiet.claimer.close()
    await running


async def test_after_an_answer_that_does_not_come_it_asks() -> None:
    quiet = Quiet()
    running = asyncio.create_task(quiet.claimer.run())
    await quiet.settle_down()
    quiet.bring(None)
    await quiet.settle_down()
    assert (quiet.claims, quiet.started) == (2, [])
    quiet.claimer.close()
    await running


@pytest.mark.parametrize("is_closed", [False, True])
async def test_no_claim_is_sent_and_no_end_is_made_while_one_is_being_answered(is_closed: bool) -> None:
    quiet = Quiet()
    running = asyncio.create_task(quiet.claimer.run())
    await quiet.settle_down()
    quiet.is_certain = False
    if is_closed:
        quiet.claimer.close()
    else:
        quiet.claimer.wake()
    await quiet.settle_down()
    assert quiet.claims == 1
    assert not running.done()
    quiet.bring(Work([ATTEMPT], datetime.now(UTC), None))
    await quiet.settle_down()
    assert quiet.started == [(1, 4.5)]
    assert running.done() == is_closed
    quiet.claimer.close()
    await running


async def test_without_a_free_slot_nothing_stands_by() -> None:
    quiet = Quiet()
    slots = Slots(1)
    claimer = Claimer(cast("Link", quiet), slots, quiet._start)
    running = asyncio.create_task(claimer.run())
    await quiet.settle_down()
    quiet.standing.clear()
    slots.running = 1
    claimer.wake()
    await quiet.settle_down()
    assert not quiet.standing
    claimer.close()
    slots.running = 0
    slots.settle(())
    await running
