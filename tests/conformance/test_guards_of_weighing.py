"""What a look at jobs that are weighed one by one leaves out: a fair queue's lines, and a queue of heavy jobs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.ids import JobId
from taskforge.domain.keys import JobKeys
from taskforge.domain.outcome import Lost, Succeeded
from tests.conformance.stage import NOON

if TYPE_CHECKING:
    from taskforge.domain.queue import Queue
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

KINDS = pytest.mark.parametrize("is_fair", [True, False], ids=["fair", "heavy"])


async def weighed(stage: Stage, is_fair: bool) -> Queue:
    """A queue that weighs its jobs; there are none."""
    await stage.know("t")
    queue = await stage.queue(policy="fair" if is_fair else "aged")
    if not is_fair:
        heavy = JobId(await stage.add_keyed(queue, JobKeys(slots=2)))
        assert await stage.jobs.cancel(stage.project, heavy)
    found = await stage.queues.get(queue.project_id, queue.id)
    assert found is not None
    assert found.has_rule
    return found


@KINDS
async def test_what_has_waited_too_long_is_not_weighed(stage: Stage, is_fair: bool) -> None:
    queue = await weighed(stage, is_fair)
    await stage.add(queue, 1, expires_at=NOON + timedelta(seconds=10))
    stage.clock.advance(11)
    [left] = await stage.add(queue, 1)
    assert await stage.order(queue) == [left]


@KINDS
async def test_a_suspect_that_has_waited_too_long_is_not_weighed(stage: Stage, is_fair: bool) -> None:
    queue = await weighed(stage, is_fair)
    await stage.add(queue, 1, deadline=NOON + timedelta(seconds=10))
    assert await stage.finish(await stage.claim_one(queue), Lost(blamed=True))
    stage.clock.advance(11)
    assert await stage.claim(queue) == []


@KINDS
async def test_another_project_weighs_nothing_of_ours(stage: Stage, is_fair: bool) -> None:
    other = await stage.other_project()
    queue = await weighed(stage, is_fair)
    [job] = await stage.add(queue, 1)
    assert await stage.claim(queue, project=other) == []
    assert await stage.order(queue) == [job]


@KINDS
async def test_a_queue_that_was_paused_just_now_weighs_nothing(stage: Stage, is_fair: bool) -> None:
    queue = await weighed(stage, is_fair)
    await stage.add(queue, 1)
    await stage.sql("UPDATE queues SET state = 'paused', paused_at = created_at")
    assert await stage.claim(queue) == []


@KINDS
async def test_only_what_is_planned_is_told_as_due(stage: Stage, is_fair: bool) -> None:
    queue = await weighed(stage, is_fair)
    await stage.add(queue, 1, delay_us=1_000_000)
    stage.clock.advance(2)
    await stage.jobs.promote(stage.project, 10)
    assert await stage.finish(await stage.claim_one(queue), Succeeded())
    await stage.add(queue, 1)
    assert (await stage.claim_batch(queue, free=1)).next_due_at is None  # one look, which fills the worker


@KINDS
async def test_the_version_is_that_of_the_project(stage: Stage, is_fair: bool) -> None:
    other = await stage.other_project()
    queue = await weighed(stage, is_fair)
    await stage.add(queue, 1)
    await stage.sql(f"UPDATE projects SET config_version = 7000 WHERE id = '{other}'")
    await stage.sql(f"UPDATE projects SET config_version = 70 WHERE id = '{stage.project}'")
    assert (await stage.claim_batch(queue)).config_version == 70
