"""What recovery asks of the store: promote, find what is lost, expire, let go."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.outcome import Failed, Lost, Snoozed
from tests.conformance.stage import BOOM, LEASE, NOON, OTHER_WORKER, WORKER

if TYPE_CHECKING:
    from uuid import UUID

    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


async def test_promoting_takes_what_is_due_up_to_the_limit(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 5, delay_us=1_000_000)
    [later] = await stage.add(queue, 1, delay_us=1_000_001)
    assert await stage.jobs.promote(None, 10) == 0
    stage.clock.advance(1)
    assert await stage.jobs.promote(stage.project, 3) == 3
    assert await stage.jobs.promote(stage.project, 3) == 2
    assert await stage.jobs.promote(stage.project, 3) == 0
    assert await stage.status(later) is JobStatus.SCHEDULED


async def test_promoting_does_not_let_go_what_is_held(stage: Stage) -> None:
    queue = await stage.queue()
    [job_id] = await stage.add(queue, 1, delay_us=1)
    stage.clock.advance(1)
    assert await stage.jobs.promote(None, 10) == 1
    job = await stage.job(job_id)
    assert (job.status, job.hold) == (JobStatus.PENDING, Hold.NO_WORKER)
    assert await stage.claim(queue) == []


async def test_promoters_at_once_promote_each_job_once(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.add(queue, 200, delay_us=1)
    stage.clock.advance(1)
    first = await asyncio.gather(*(stage.jobs.promote(None, 60) for _ in range(8)))
    rest = await stage.jobs.promote(None, 1000)
    assert sum(first) + rest == 200
    assert (await stage.history.counts(stage.project))[JobStatus.PENDING] == 200


async def test_a_due_retry_is_promoted_like_any_other(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    assert await stage.finish(job, Snoozed(1))
    stage.clock.advance(1)
    assert await stage.jobs.promote(None, 10) == 1
    assert (await stage.claim_one(queue)).id == job.id


async def test_expired_leases_come_with_what_a_decision_needs(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue, max_attempts=7)
    stage.clock.advance(LEASE)
    assert await stage.jobs.expired_leases([], None, 10) == []
    stage.clock.advance(0.000_001)
    await stage.jobs.cancel(stage.project, job.id)
    [lease] = await stage.jobs.expired_leases([], None, 10)
    assert (lease.job_id, lease.project_id, lease.queue_id) == (job.id, stage.project, queue.id)
    assert (lease.claim_seq, lease.execution_id, lease.worker_id) == (1, job.execution_id, WORKER)
    assert (lease.attempt, lease.losses, lease.max_attempts, lease.manual_retries) == (1, 0, 7, 0)
    assert lease.cancel_requested is True
    assert lease.has_suspect_neighbour is False


async def test_expired_leases_come_in_pages_by_id(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = await stage.add(queue, 25)
    await stage.claim(queue, free=25)
    stage.clock.advance(LEASE + 1)
    seen: list[UUID] = []
    after: UUID | None = None
    while page := await stage.jobs.expired_leases([], after, 10):
        assert len(page) <= 10
        seen += [lease.job_id for lease in page]
        after = page[-1].job_id
    assert seen == ids


async def test_a_dead_worker_s_jobs_need_not_wait_for_their_lease(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = await stage.add(queue, 2)
    await stage.claim_one(queue, worker=WORKER)
    await stage.claim_one(queue, worker=OTHER_WORKER)
    leases = await stage.jobs.expired_leases([OTHER_WORKER], None, 10)
    assert [lease.job_id for lease in leases] == [ids[1]]


async def test_a_suspect_on_the_same_worker_is_told_of(stage: Stage) -> None:
    queue = await stage.queue()
    suspect = await stage.start(queue)
    assert await stage.finish(suspect, Lost(blamed=True))
    await stage.add(queue, 2)
    claimed = await stage.claim(queue, free=2, worker=WORKER)
    assert suspect.id in {job.id for job in claimed}
    await stage.claim_one(queue, worker=OTHER_WORKER)
    stage.clock.advance(LEASE + 1)
    leases = {lease.job_id: lease for lease in await stage.jobs.expired_leases([], None, 10)}
    for lease in leases.values():
        expected = lease.worker_id == WORKER and lease.job_id != suspect.id
        assert lease.has_suspect_neighbour is expected


async def test_waiting_too_long_fails_with_its_reason(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ten, twenty = NOON + timedelta(seconds=10), NOON + timedelta(seconds=20)
    [start] = await stage.add(queue, 1, expires_at=ten)
    [finish] = await stage.add(queue, 1, deadline=ten)
    [both] = await stage.add(queue, 1, expires_at=ten, deadline=twenty)
    [scheduled] = await stage.add(queue, 1, expires_at=ten, scheduled_for=twenty)
    [fine] = await stage.add(queue, 1, expires_at=twenty)
    assert await stage.jobs.expire_waiting(10) == 0
    stage.clock.advance(10)
    assert await stage.jobs.expire_waiting(10) == 4
    assert await stage.jobs.expire_waiting(10) == 0
    for job_id, reason in (
        (start, "queue_timeout"),
        (finish, "deadline"),
        (both, "queue_timeout"),
        (scheduled, "queue_timeout"),
    ):
        job = await stage.job(job_id)
        assert (job.status, job.failure, job.completed_at, job.hold) == (JobStatus.FAILED, reason, ten, None)
        [ending] = await stage.history.endings(stage.project, [job_id])
        assert (ending.status, ending.error_type) == (JobStatus.FAILED, reason)
    assert await stage.order(queue) == [fine]


async def test_waiting_for_a_retry_past_the_deadline_fails_and_a_running_job_does_not(stage: Stage) -> None:
    queue = await stage.queue()
    deadline = NOON + timedelta(seconds=10)
    retried = await stage.start(queue, deadline=deadline, expires_at=deadline)
    running = await stage.start(queue, deadline=deadline)
    assert await stage.finish(retried, Failed(BOOM, retry_after=60))
    stage.clock.advance(10)
    assert await stage.jobs.expire_waiting(10) == 1
    assert (await stage.job(retried.id)).failure == "deadline"
    assert await stage.status(running.id) is JobStatus.PROCESSING


async def test_expiring_keeps_to_its_limit(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.add(queue, 5, expires_at=NOON)
    assert [await stage.jobs.expire_waiting(2) for _ in range(4)] == [2, 2, 1, 0]


async def test_letting_go_keeps_to_its_limit_and_to_the_known_types(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.add(queue, 3, "t")
    [scheduled] = await stage.add(queue, 1, "t", delay_us=1_000)
    [unknown] = await stage.add(queue, 1, "u")
    await stage.know("t")
    assert [await stage.jobs.release_holds(3) for _ in range(3)] == [3, 1, 0]
    assert (await stage.job(scheduled)).hold is None
    assert (await stage.job(unknown)).hold is Hold.NO_WORKER


async def test_letting_go_does_not_free_suspects(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    assert await stage.finish(job, Lost(blamed=True))
    assert await stage.jobs.release_holds(10) == 0
    assert (await stage.job(job.id)).hold is Hold.SUSPECT


async def test_a_round_moves_no_more_than_it_was_asked_for_of_all_queues_and_types(stage: Stage) -> None:
    queues = [await stage.queue(name) for name in ("one", "two")]
    await stage.know("a", "b")
    for queue in queues:
        await stage.add(queue, 2, "a", delay_us=1)
    stage.clock.advance(1)
    assert await stage.jobs.promote(None, 2) == 2
    for job_type in ("c", "d"):
        await stage.add(queues[0], 2, job_type)
    await stage.know("a", "b", "c", "d")
    assert await stage.jobs.release_holds(2) == 2
