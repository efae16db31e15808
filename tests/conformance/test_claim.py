"""Claiming: what may run, in which order, by one owner only."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.ids import WorkerId
from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.outcome import Failed, Lost, Released, Snoozed
from taskforge.domain.queue import QueueState
from taskforge.ports.jobs import ClaimRequest
from taskforge.storage.jobs import SqlJobStore
from tests.conformance.stage import (
    BOOM,
    LEASE,
    NOON,
    OTHER_WORKER,
    WORKER,
    make_engine,
    plain_policy,
)

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.outcome import Outcome
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


async def test_the_owner_gets_all_it_has_to_know(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    [job_id] = await stage.add(
        queue,
        1,
        payload='{"a":1}',
        priority=4,
        max_attempts=7,
        retry_policy='{"base":2.0}',
        timeout_ms=500,
        deadline=NOON + timedelta(hours=1),
    )
    stage.clock.advance(2)
    [claimed] = await stage.claim(queue)
    assert (claimed.id, claimed.queue_id, claimed.job_type) == (job_id, queue.id, "t")
    assert (claimed.payload, claimed.priority, claimed.attempt, claimed.max_attempts) == ('{"a":1}', 4, 1, 7)
    assert (claimed.retry_policy, claimed.timeout_ms, claimed.losses) == ('{"base":2.0}', 500, 0)
    assert (claimed.claim_seq, claimed.manual_retries, claimed.state) == (1, 0, None)
    assert claimed.deadline == NOON + timedelta(hours=1)
    assert claimed.claimed_at == NOON + timedelta(seconds=2)
    assert claimed.execution_id.version == 7
    job = await stage.job(job_id)
    assert job.status is JobStatus.PROCESSING
    assert (job.execution_id, job.worker_id, job.claim_seq) == (claimed.execution_id, WORKER, 1)
    assert job.lease_until == NOON + timedelta(seconds=2 + LEASE)
    assert (job.attempt_count, job.started_at, job.heartbeat_at) == (1, None, None)


async def test_a_rehearsal_changes_nothing(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    runs, waits = await stage.start(queue), (await stage.add(queue, 1))[0]
    before = [await stage.job(runs.id), await stage.job(waits)]
    asked = ClaimRequest(stage.project, WORKER, [queue.id], ["t"], 10, 1, 1_000_000)
    for _ in range(2):
        await stage.jobs.rehearse(asked)
    assert [await stage.job(runs.id), await stage.job(waits)] == before
    assert [job.id for job in await stage.claim(queue)] == [waits]


async def test_an_answer_without_jobs_still_tells_time_and_version(stage: Stage) -> None:
    queue = await stage.queue()
    batch = await stage.claim_batch(queue)
    assert list(batch.jobs) == []
    assert batch.now == NOON
    assert batch.next_due_at is None
    assert batch.config_version == await stage.config_version()
    await stage.write(replace(queue, priority=3))
    assert (await stage.claim_batch(queue)).config_version == batch.config_version + 1
    assert list((await stage.claim_batch()).jobs) == []


async def test_higher_priority_goes_first_then_due_time_then_id(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    low = await stage.add(queue, 2, priority=0)
    [early] = await stage.add(queue, 1, priority=5, scheduled_for=NOON - timedelta(hours=1))
    same = await stage.add(queue, 3, priority=5)
    [top] = await stage.add(queue, 1, priority=9)
    stage.clock.advance(60)
    [late] = await stage.add(queue, 1, priority=5)
    assert await stage.order(queue) == [top, early, *same, late, *low]


async def test_a_batch_takes_the_first_ones(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = await stage.add(queue, 20)
    assert {job.id for job in await stage.claim(queue, free=7)} == set(ids[:7])
    assert {job.id for job in await stage.claim(queue, free=100)} == set(ids[7:])
    assert await stage.claim(queue) == []


async def test_no_free_slot_no_job(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue)
    assert await stage.claim(queue, free=0) == []


async def test_with_aging_a_level_of_priority_is_worth_so_much_waiting(stage: Stage) -> None:
    queue = await stage.queue(aging_seconds=60)
    await stage.know("t")
    [old] = await stage.add(queue, 1, priority=0)
    stage.clock.advance(59)
    [urgent] = await stage.add(queue, 1, priority=1)
    stage.clock.advance(2)
    [too_late] = await stage.add(queue, 1, priority=1)
    assert await stage.order(queue) == [urgent, old, too_late]


async def test_between_queues_priority_is_strict(stage: Stage) -> None:
    lowly, high, middle = (
        await stage.queue("lowly", priority=0),
        await stage.queue("high", priority=9),
        await stage.queue("middle", priority=5),
    )
    await stage.know("t")
    [a], [b], [c] = (
        await stage.add(lowly, 1, priority=9),
        await stage.add(high, 1, priority=0),
        await stage.add(middle, 1, priority=5),
    )
    assert await stage.order(lowly, high, middle) == [b, c, a]
    assert {job.id for job in await stage.claim(lowly, high)} == set()


async def test_a_batch_over_several_queues_fills_up_from_the_next(stage: Stage) -> None:
    first, second = await stage.queue("first", priority=1), await stage.queue("second")
    await stage.know("t")
    ids = [*await stage.add(first, 3), *await stage.add(second, 5)]
    assert {job.id for job in await stage.claim(second, first, free=5)} == set(ids[:5])


async def test_only_the_queues_and_types_that_were_asked_for(stage: Stage) -> None:
    mine, other = await stage.queue("mine"), await stage.queue("other")
    await stage.know("t", "u")
    [t], [u] = await stage.add(mine, 1, "t"), await stage.add(mine, 1, "u")
    await stage.add(other, 1, "t")
    assert await stage.order(mine, types=["t"]) == [t]
    assert await stage.order(mine, types=[]) == []
    assert await stage.order(mine, types=["x", "u"]) == [u]


async def test_a_paused_queue_hands_nothing_out_and_a_closed_one_does(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = await stage.add(queue, 2)
    await stage.write(replace(queue, state=QueueState.PAUSED))
    assert await stage.claim(queue) == []
    await stage.write(replace(queue, state=QueueState.CLOSED))
    assert await stage.order(queue) == ids


async def test_what_had_to_start_or_finish_by_now_is_not_started(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 1, expires_at=NOON + timedelta(seconds=10))
    await stage.add(queue, 1, deadline=NOON + timedelta(seconds=10))
    [good] = await stage.add(queue, 1, deadline=NOON + timedelta(seconds=11))
    stage.clock.advance(10)
    assert await stage.order(queue) == [good]


async def test_an_expiry_no_longer_counts_once_the_job_has_started(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue, expires_at=NOON + timedelta(seconds=10))
    stage.clock.advance(20)
    assert await stage.finish(job, Released())
    assert await stage.order(queue) == [job.id]


async def test_a_job_is_never_early(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    [job_id] = await stage.add(queue, 1, delay_us=5_000_000)
    for passed in (4.999_999, 0.000_001):
        assert await stage.claim(queue) == []
        assert await stage.jobs.promote(None, 10) == 0
        stage.clock.advance(passed)
    assert await stage.claim(queue) == [], "it is due, but must be promoted first"
    assert await stage.jobs.promote(None, 10) == 1
    assert await stage.order(queue) == [job_id]


async def test_it_tells_when_the_next_job_is_due_in_the_queues_that_were_asked_for(stage: Stage) -> None:
    first, second, paused = (
        await stage.queue("first"),
        await stage.queue("second"),
        await stage.queue("paused", state=QueueState.PAUSED),
    )
    await stage.add(first, 1, delay_us=30_000_000)
    await stage.add(first, 1, delay_us=20_000_000)
    await stage.add(second, 1, delay_us=10_000_000)
    await stage.add(paused, 1, delay_us=1_000_000)
    assert (await stage.claim_batch(first)).next_due_at == NOON + timedelta(seconds=20)
    assert (await stage.claim_batch(first, second)).next_due_at == NOON + timedelta(seconds=10)
    assert (await stage.claim_batch(paused)).next_due_at is None


async def test_what_no_worker_knew_is_let_go_when_its_type_is_known(stage: Stage) -> None:
    queue = await stage.queue()
    [job_id] = await stage.add(queue)
    assert await stage.claim(queue) == []
    assert await stage.jobs.release_holds(10) == 0
    await stage.know("t")
    assert await stage.jobs.release_holds(10) == 1
    assert await stage.jobs.release_holds(10) == 0
    assert await stage.order(queue) == [job_id]


async def _lose(stage: Stage, count: int) -> list[UUID]:
    """Jobs that have each lost a worker once."""
    queue = await stage.queues.find(stage.project, "default") or await stage.queue()
    await stage.know("t")
    ids = await stage.add(queue, count)
    for job in await stage.claim(queue, free=count):
        assert await stage.finish(job, Lost(blamed=True))
    return ids


async def test_suspects_are_handed_out_one_at_a_time(stage: Stage) -> None:
    ids = await _lose(stage, 3)
    queue = await stage.queues.find(stage.project, "default")
    assert queue is not None
    innocent = await stage.add(queue, 2)
    assert {(await stage.job(job_id)).hold for job_id in ids} == {Hold.SUSPECT}
    claimed = await stage.claim(queue, free=10, suspects=1)
    assert len([job for job in claimed if job.losses]) == 1
    assert {job.id for job in claimed if not job.losses} == set(innocent)
    assert await stage.claim(queue, free=10, suspects=0) == []
    [second] = await stage.claim(queue, free=10, suspects=1, worker=OTHER_WORKER)
    assert second.losses == 1


async def test_a_suspect_takes_a_slot_of_the_free_ones(stage: Stage) -> None:
    await _lose(stage, 1)
    queue = await stage.queues.find(stage.project, "default")
    assert queue is not None
    await stage.add(queue, 5)
    assert await stage.claim(queue, free=0, suspects=1) == []
    assert len(await stage.claim(queue, free=3, suspects=1)) == 3


async def test_suspects_of_several_queues_are_handed_out_one_at_a_time(stage: Stage) -> None:
    await stage.know("t")
    queues = [await stage.queue(name) for name in ("one", "two")]
    for queue in queues:
        await stage.add(queue)
        assert await stage.finish(await stage.claim_one(queue), Lost(blamed=True))
    assert len(await stage.claim(*queues, free=10, suspects=1)) == 1


@pytest.mark.parametrize("outcome", [Failed(BOOM), Snoozed(1), Released()], ids=lambda o: type(o).__name__)
async def test_a_suspect_stays_one_after_an_attempt_that_ended_otherwise(
    stage: Stage, outcome: Outcome
) -> None:
    await _lose(stage, 2)
    queue = await stage.queues.find(stage.project, "default")
    assert queue is not None
    for _ in range(2):
        [job] = await stage.claim(queue, free=10, suspects=1)
        assert await stage.finish(job, outcome, policy=plain_policy(9))
    stage.clock.advance(60)
    await stage.jobs.promote(None, 10)
    assert len(await stage.claim(queue, free=10, suspects=1)) == 1


async def test_a_claim_after_a_retry_has_a_new_fence_and_the_checkpoint(stage: Stage) -> None:
    queue = await stage.queue()
    first = await stage.start(queue)
    assert await stage.finish(first, Failed(BOOM), state='{"page":3}')
    stage.clock.advance(1)
    await stage.jobs.promote(None, 10)
    second = await stage.claim_one(queue)
    assert (second.id, second.claim_seq, second.attempt) == (first.id, 2, 2)
    assert second.execution_id != first.execution_id
    assert second.state == '{"page":3}'
    job = await stage.job(first.id)
    assert (job.started_at, job.heartbeat_at, job.progress) == (None, None, None)


async def test_fifty_claimers_at_once_never_share_a_job(stage: Stage, database_url: str) -> None:
    queue, urgent = await stage.queue(), await stage.queue("urgent", priority=5)
    await stage.know("t")
    ids = [*await stage.add(queue, 400), *await stage.add(urgent, 100)]
    engines = [make_engine(database_url, stage.clock, pool_size=10) for _ in range(4)]
    claimed: list[tuple[UUID, UUID]] = []

    async def take(number: int) -> None:
        jobs = SqlJobStore(engines[number % len(engines)])
        request: ClaimRequest = _request(stage, number, queue.id, urgent.id)
        misses = 0
        while misses < 2:
            got = (await jobs.claim(request)).jobs
            claimed.extend((job.id, job.execution_id) for job in got)
            misses = 0 if got else misses + 1

    await asyncio.gather(*(take(number) for number in range(50)))
    for engine in engines:
        await engine.close()
    assert Counter(job_id for job_id, _ in claimed) == Counter(ids)
    assert len({execution_id for _, execution_id in claimed}) == len(ids)


def _request(stage: Stage, number: int, *queue_ids: UUID) -> ClaimRequest:
    from taskforge.domain.ids import QueueId
    from taskforge.ports.jobs import ClaimRequest

    return ClaimRequest(
        stage.project,
        WorkerId(stage.mint()),
        [QueueId(queue_id) for queue_id in queue_ids],
        ["t"],
        1 + number % 7,
        1,
        30_000_000,
    )
