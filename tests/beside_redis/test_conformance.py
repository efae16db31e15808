"""A part of the conformance suite, with jobs handed out by ready queues in Redis: what a claim promises does not change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.beside_redis.stage import RedisStage
from tests.conformance.test_claim import *  # noqa: F403 - its tests are collected here again
from tests.conformance.test_control import (  # noqa: F401 - collected here again
    test_a_rescheduled_job_leaves_its_place_to_another,
    test_a_retry_goes_to_the_end_of_its_priority,
    test_cancel_and_claim_at_once_leave_one_truth,
    test_delete_and_claim_at_once_leave_one_truth,
    test_reschedule,
)
from tests.conformance.test_pauses import (  # noqa: F401 - collected here again
    test_a_retry_by_hand_is_held,
    test_a_type_is_held_at_once_and_from_birth_and_let_go,
    test_who_comes_back_is_held,
)
from tests.conformance.test_rules import (  # noqa: F401 - collected here again
    test_both_rules_hold,
    test_no_more_run_than_the_limit,
    test_queues_with_and_without_rules_are_served_in_one_order,
    test_who_does_not_know_of_the_rule_gets_nothing_of_the_queue,
)
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
