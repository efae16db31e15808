"""How many jobs a worker asks for at once."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from taskforge.ports.link import Attempt, Work
from taskforge.runtime.worker.claimer import LEAST_PORTION, Claimer
from taskforge.runtime.worker.slots import Slots

if TYPE_CHECKING:
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
