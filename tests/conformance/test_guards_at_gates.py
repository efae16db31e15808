"""What a claim that holds the gates of several queues leaves out: each has a limit, and nothing is weighed."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.outcome import Lost, Succeeded
from tests.conformance.stage import NOON

if TYPE_CHECKING:
    from taskforge.domain.queue import Queue
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


async def limited(stage: Stage) -> tuple[Queue, Queue]:
    """Two queues with limits: who claims from both at once holds their gates."""
    await stage.know("t")
    return await stage.queue("one", max_concurrent_jobs=10), await stage.queue("two", max_concurrent_jobs=10)


async def test_at_a_gate_what_has_waited_too_long_is_left(stage: Stage) -> None:
    one, two = await limited(stage)
    await stage.add(one, 1, expires_at=NOON + timedelta(seconds=10))
    stage.clock.advance(11)
    [left] = await stage.add(one, 1)
    assert [job.id for job in await stage.claim(one, two)] == [left]


async def test_at_a_gate_a_suspect_that_has_waited_too_long_is_left(stage: Stage) -> None:
    one, two = await limited(stage)
    await stage.add(one, 1, deadline=NOON + timedelta(seconds=10))
    assert await stage.finish(await stage.claim_one(one), Lost(blamed=True))
    stage.clock.advance(11)
    assert await stage.claim(one, two) == []


async def test_at_a_gate_a_suspect_that_is_planned_waits_for_its_time(stage: Stage) -> None:
    one, two = await limited(stage)
    await stage.add(one, 1, delay_us=60_000_000)
    await stage.sql("UPDATE jobs SET hold = 'suspect', losses = 1")
    assert await stage.claim(one, two) == []


async def test_at_a_gate_what_is_held_is_left(stage: Stage) -> None:
    one, two = await limited(stage)
    await stage.add(one, 1)
    await stage.sql("UPDATE jobs SET hold = 'paused'")
    assert await stage.claim(one, two) == []


async def test_at_a_gate_only_what_is_planned_is_told_as_due(stage: Stage) -> None:
    one, two = await limited(stage)
    await stage.add(one, 1, delay_us=1_000_000)
    stage.clock.advance(2)
    await stage.jobs.promote(stage.project, 10)
    assert await stage.finish(await stage.claim_one(one), Succeeded())
    await stage.add(one, 1)
    assert (await stage.claim_batch(one, two, free=1)).next_due_at is None


async def test_at_a_gate_suspects_are_handed_out_one_at_a_time(stage: Stage) -> None:
    one, two = await limited(stage)
    await stage.add(one, 2)
    for job in await stage.claim(one):
        assert await stage.finish(job, Lost(blamed=True))
    assert len(await stage.claim(one, two, suspects=1)) == 1
