"""The clock of the database jumps: nothing starts early, nobody loses a lease early, late writers stay out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskforge.domain.job import JobStatus
from taskforge.domain.outcome import Lost, Succeeded
from tests.conformance.stage import beat_of

if TYPE_CHECKING:
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

HOURS = 2 * 3600


async def test_back_two_hours_leases_last_longer_and_nothing_is_due_again(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.add(queue, 1, "later", delay_us=5_000_000)
    running = await stage.start(queue)
    stage.clock.advance(-HOURS)
    assert await stage.jobs.expired_leases([], None, 10) == []
    assert await stage.jobs.promote(stage.project, 10) == 0
    assert (await stage.beat(beat_of(running))).alive == {running.execution_id}
    stage.clock.advance(29)
    assert await stage.jobs.expired_leases([], None, 10) == []
    assert await stage.finish(running, Succeeded("1"))


async def test_forward_two_hours_leases_end_and_late_writers_stay_out(stage: Stage) -> None:
    queue = await stage.queue()
    sleeper = await stage.start(queue)
    stage.clock.advance(HOURS)
    [expired] = await stage.jobs.expired_leases([], None, 10)
    assert expired.job_id == sleeper.id
    assert await stage.finish(sleeper, Lost(blamed=False), lost_only=True)
    owner = await stage.claim_one(queue)
    assert not await stage.finish(sleeper, Succeeded('"late"'))
    assert (await stage.beat(beat_of(sleeper))).alive == frozenset()
    assert await stage.finish(owner, Succeeded('"mine"'))
    assert await stage.status(owner.id) is JobStatus.SUCCEEDED
