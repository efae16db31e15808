"""What the conformance suite says of claims, holds, rules, turns and steering, with jobs handed out by ready queues in Redis.

The whole suite goes by Redis in a soak (`tests/conformance/conftest.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.beside_redis.stage import RedisStage
from tests.conformance.test_claim import *  # noqa: F403 - its tests are collected here again
from tests.conformance.test_concurrency_keys import *  # noqa: F403 - its tests are collected here again
from tests.conformance.test_control import *  # noqa: F403 - its tests are collected here again
from tests.conformance.test_pauses import *  # noqa: F403 - its tests are collected here again
from tests.conformance.test_priority_delays import *  # noqa: F403 - its tests are collected here again
from tests.conformance.test_requirements import *  # noqa: F403 - its tests are collected here again
from tests.conformance.test_rules import *  # noqa: F403 - its tests are collected here again
from tests.conformance.test_sharing import *  # noqa: F403 - its tests are collected here again
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from taskforge.coordination.redis_server import RedisServer
    from taskforge.domain.queue import Queue
    from tests.beside_redis.stage import Dispatching

pytestmark = pytest.mark.anyio
del test_an_answer_without_jobs_still_tells_time_and_version  # noqa: F821 - there is nothing to be asked then
del test_a_job_is_never_early  # noqa: F821 - it is promoted by the claim
del test_it_tells_when_the_next_job_is_due_in_the_queues_that_were_asked_for  # noqa: F821 - by the clock of Redis
del test_a_fair_queue_beside_others_costs_one_statement_more_than_a_plain_one  # noqa: F821 - ids come from Redis, in other statements
del test_fifty_claimers_at_once_never_share_a_job  # noqa: F821 - it claims past the stage


@pytest.fixture
async def stage(database_url: str, server: RedisServer) -> AsyncIterator[RedisStage]:
    """The stores over a fresh database, and ready queues with nothing in them."""
    stage = RedisStage(database_url, server)
    yield stage
    await stage.close()


async def test_what_the_record_hands_out_is_not_offered_any_more(stage: RedisStage) -> None:
    """And that so many are there already is enough for a queue to be whole."""
    queue = await stage.queue("emails")
    here = stage.dispatching()
    await stage.know("t")
    jobs = [stage.new(queue) for _ in range(6)]
    await stage.jobs.accept_all(stage.project, jobs)
    await here.directory.refresh()
    here.offering.offer(jobs[:5])
    await eventually(lambda: _holds(here, queue, 5))
    assert (await here.ready.incomplete(stage.project, [queue.id])) == [queue.id]
    await here.agreement.round(1)
    await _holds(here, queue, 6)
    here.dispatch.heard(None)  # so it asks the record
    batch = await stage.claim_batch(queue, free=4)
    assert len(batch.jobs) == 4
    await eventually(lambda: _holds(here, queue, 2))
    assert len((await stage.claim_batch(queue)).jobs) == 2


async def _holds(here: Dispatching, queue: Queue, jobs: int) -> None:
    assert await here.ready.size(here.directory.project_id, queue.id) == jobs
