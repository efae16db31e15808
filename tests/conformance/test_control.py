"""What people do to jobs, in every status."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.domain.errors import NotFound
from taskforge.domain.ids import JobId
from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.keys import JobKeys
from taskforge.domain.outcome import Cancelled, Failed, Lost, Succeeded
from tests.conformance.stage import BOOM, NOON, line, plain_policy

if TYPE_CHECKING:
    from taskforge.domain.outcome import Outcome
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

STATUSES = list(JobStatus)
NOBODY = JobId(UUID(int=404))


async def _job_in(stage: Stage, status: JobStatus) -> JobId:
    """A job in this status, in the queue `default`; it has one execution if it is finished."""
    queue = await stage.queue()
    if status is JobStatus.PENDING:
        return JobId((await stage.add(queue))[0])
    if status is JobStatus.SCHEDULED:
        return JobId((await stage.add(queue, 1, delay_us=60_000_000))[0])
    job = await stage.start(queue)
    ends: dict[JobStatus, Outcome] = {
        JobStatus.SUCCEEDED: Succeeded(),
        JobStatus.FAILED: Failed(BOOM, final=True),
        JobStatus.CANCELLED: Cancelled("c"),
    }
    if status in ends:
        assert await stage.finish(job, ends[status], lines=[line(1, "own")])
    return job.id


@pytest.mark.parametrize("status", STATUSES)
async def test_cancel(stage: Stage, status: JobStatus) -> None:
    job_id = await _job_in(stage, status)
    before = await stage.job(job_id)
    stage.clock.advance(1)
    assert await stage.jobs.cancel(stage.project, job_id) is status
    after = await stage.job(job_id)
    if status.is_finished:
        assert after == before
    elif status is JobStatus.PROCESSING:
        assert after.status is JobStatus.PROCESSING
        assert after.cancel_requested_at == NOON + timedelta(seconds=1)
        assert after.lease_until == before.lease_until
    else:
        assert (after.status, after.completed_at) == (JobStatus.CANCELLED, NOON + timedelta(seconds=1))
        assert after.hold is None
        assert await stage.jobs.cancel(stage.project, job_id) is JobStatus.CANCELLED


async def test_asking_a_running_job_twice_keeps_the_first_time(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    for _ in range(2):
        await stage.jobs.cancel(stage.project, job.id)
        stage.clock.advance(1)
    assert (await stage.job(job.id)).cancel_requested_at == NOON


@pytest.mark.parametrize("status", STATUSES)
async def test_retry(stage: Stage, status: JobStatus) -> None:
    job_id = await _job_in(stage, status)
    before = await stage.job(job_id)
    stage.clock.advance(1)
    assert await stage.jobs.retry(stage.project, job_id, None) is status
    after = await stage.job(job_id)
    if status not in (JobStatus.FAILED, JobStatus.CANCELLED):
        assert after == before
        return
    assert (after.status, after.completed_at, after.hold) == (JobStatus.PENDING, None, None)
    assert after.attempt_count == before.attempt_count == 1
    assert after.max_attempts == 2 * before.max_attempts
    queue = await stage.queues.get(stage.project, after.queue_id)
    assert queue is not None
    again = await stage.claim_one(queue)
    assert (again.id, again.attempt, again.claim_seq, again.manual_retries) == (job_id, 2, 2, 1)


async def test_a_retry_by_hand_forgets_limits_losses_and_the_dead_letter(stage: Stage) -> None:
    letters, queue = await stage.queue("letters"), await stage.queue()
    job = await stage.start(
        queue, deadline=NOON + timedelta(seconds=9), expires_at=NOON + timedelta(seconds=9)
    )
    for _ in range(3):
        assert await stage.finish(job, Lost(blamed=True), policy=plain_policy(1, dead_letters=letters))
        found = await stage.claim(queue)
        job = found[0] if found else job
    assert (await stage.job(job.id)).dead_letter_queue_id == letters.id
    stage.clock.advance(100)
    assert await stage.jobs.retry(stage.project, job.id, None) is JobStatus.FAILED
    after = await stage.job(job.id)
    assert (after.losses, after.hold, after.dead_letter_queue_id, after.dead_lettered_at) == (
        0,
        None,
        None,
        None,
    )
    assert (after.expires_at, after.timeout_at, after.failure, after.scheduled_for) == (
        None,
        None,
        None,
        None,
    )
    assert await stage.jobs.expire_waiting(10) == 0
    assert await stage.order(queue) == [job.id]


async def test_a_job_that_expired_can_be_retried(stage: Stage) -> None:
    queue = await stage.queue()
    [job_id] = await stage.add(queue, 1, expires_at=NOON)
    assert await stage.jobs.expire_waiting(10) == 1
    await stage.know("t")
    assert await stage.jobs.retry(stage.project, JobId(job_id), None) is JobStatus.FAILED
    job = await stage.job(job_id)
    assert (job.status, job.failure) == (JobStatus.PENDING, None)


async def test_a_retry_of_an_unknown_type_is_held(stage: Stage) -> None:
    queue = await stage.queue()
    [job_id] = await stage.add(queue)
    await stage.jobs.cancel(stage.project, JobId(job_id))
    await stage.jobs.retry(stage.project, JobId(job_id), None)
    assert (await stage.job(job_id)).hold is Hold.NO_WORKER


async def test_a_retry_goes_to_the_end_of_its_priority(stage: Stage) -> None:
    queue = await stage.queue()
    job_id = await stage.bury(queue)
    stage.clock.advance(1)
    [low] = await stage.add(queue)
    [high] = await stage.add(queue, 1, priority=1)
    stage.clock.advance(1)
    await stage.jobs.retry(stage.project, JobId(job_id), None)
    assert await stage.order(queue) == [high, low, job_id]


async def test_redrive_into_another_queue(stage: Stage) -> None:
    queue, other = await stage.queue(), await stage.queue("other", aging_seconds=0)
    job_id = await stage.bury(queue, priority=3)
    assert await stage.jobs.retry(stage.project, JobId(job_id), other.id) is JobStatus.FAILED
    assert (await stage.job(job_id)).queue_id == other.id
    assert await stage.claim(queue) == []
    again = await stage.claim_one(other)
    assert again.rank == round(NOON.timestamp() * 1e6), "by the aging of the new queue"


async def test_without_its_queue_a_job_cannot_be_retried(stage: Stage) -> None:
    queue = await stage.queue()
    job_id = JobId(await stage.bury(queue))
    assert await stage.queues.delete(stage.project, queue.id) == {}
    before = await stage.job(job_id)
    with pytest.raises(NotFound):
        await stage.jobs.retry(stage.project, job_id, None)
    assert await stage.job(job_id) == before
    assert before.queue_name == ""
    other = await stage.queue("other")
    await stage.jobs.retry(stage.project, job_id, other.id)
    assert await stage.order(other) == [job_id]


async def test_two_retries_at_once_are_one(stage: Stage) -> None:
    job_id = JobId(await stage.bury(await stage.queue()))
    answers = await asyncio.gather(*(stage.jobs.retry(stage.project, job_id, None) for _ in range(8)))
    assert Counter(answers) == {JobStatus.FAILED: 1, JobStatus.PENDING: 7}
    assert (await stage.job(job_id)).max_attempts == 6


@pytest.mark.parametrize("status", STATUSES)
async def test_delete(stage: Stage, status: JobStatus) -> None:
    job_id = await _job_in(stage, status)
    before = await stage.job(job_id)
    assert await stage.jobs.delete(stage.project, job_id) is status
    if status is JobStatus.PROCESSING:
        assert await stage.job(job_id) == before
        return
    assert await stage.history.job(stage.project, job_id) is None
    for table in ("jobs", "executions", "log_lines"):
        assert await stage.sql(f"SELECT count(*) FROM {table}") == [(0,)]
    assert await stage.jobs.delete(stage.project, job_id) is None


async def test_delete_takes_the_record_of_that_job_alone(stage: Stage) -> None:
    queue = await stage.queue()
    first, second = await stage.start(queue), await stage.start(queue)
    for job in (first, second):
        assert await stage.finish(job, Succeeded(), lines=[line(1, "own")])
    await stage.jobs.delete(stage.project, first.id)
    assert len(await stage.executions(second.id)) == 1
    assert await stage.messages(second.id) == ["own"]


@pytest.mark.parametrize("status", STATUSES)
async def test_reschedule(stage: Stage, status: JobStatus) -> None:
    await stage.know("t")
    job_id = await _job_in(stage, status)
    before = await stage.job(job_id)
    due = NOON + timedelta(seconds=50)
    assert await stage.jobs.reschedule(stage.project, job_id, due) is status
    if status not in (JobStatus.PENDING, JobStatus.SCHEDULED):
        assert await stage.job(job_id) == before
        return
    queue = await stage.queues.get(stage.project, before.queue_id)
    assert queue is not None
    after = await stage.job(job_id)
    assert (after.status, after.scheduled_for) == (JobStatus.SCHEDULED, due)
    await stage.jobs.promote(stage.project, 100)
    assert await stage.claim(queue) == []
    stage.clock.advance(50)
    await stage.jobs.promote(stage.project, 100)
    assert (await stage.claim_one(queue)).id == job_id


async def test_a_rescheduled_job_leaves_its_place_to_another(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    keys = JobKeys(concurrency_key="k", concurrency_limit=1)
    first, second = await stage.add_keyed(queue, keys), await stage.add_keyed(queue, keys)
    await stage.jobs.reschedule(stage.project, JobId(first), NOON + timedelta(seconds=50))
    assert (await stage.job(first)).hold is Hold.KEY
    assert (await stage.claim_one(queue)).id == second
    assert await stage.claim(queue) == []


async def test_a_retry_may_bring_another_payload(stage: Stage) -> None:
    job_id = JobId(await stage.bury(await stage.queue()))
    await stage.jobs.retry(stage.project, job_id, None, '{"now": 1}')
    assert (await stage.job(job_id)).payload == {"now": 1}
    assert await stage.jobs.retry(stage.project, job_id, None, '{"now": 2}') is JobStatus.PENDING
    assert (await stage.job(job_id)).payload == {"now": 1}


async def test_nobody_s_job(stage: Stage) -> None:
    assert await stage.jobs.cancel(stage.project, NOBODY) is None
    assert await stage.jobs.retry(stage.project, NOBODY, None) is None
    assert await stage.jobs.delete(stage.project, NOBODY) is None
    assert await stage.jobs.reschedule(stage.project, NOBODY, NOON) is None


async def test_cancel_and_claim_at_once_leave_one_truth(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = await stage.add(queue, 60)
    claims = [stage.claim(queue, free=5) for _ in range(12)]
    cancels = [stage.jobs.cancel(stage.project, JobId(job_id)) for job_id in ids]
    results = await asyncio.gather(*claims, *cancels)
    claimed = {job.id for jobs in results[:12] if isinstance(jobs, list) for job in jobs}
    for job_id, answer in zip(ids, results[12:], strict=True):
        job = await stage.job(job_id)
        if job_id in claimed:
            assert job.status is JobStatus.PROCESSING
            assert (job.cancel_requested_at is not None) == (answer is JobStatus.PROCESSING)
        else:
            assert (job.status, answer) == (JobStatus.CANCELLED, JobStatus.PENDING)


async def test_delete_and_claim_at_once_leave_one_truth(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = await stage.add(queue, 60)
    claims = [stage.claim(queue, free=5) for _ in range(12)]
    deletes = [stage.jobs.delete(stage.project, JobId(job_id)) for job_id in ids]
    results = await asyncio.gather(*claims, *deletes)
    claimed = {job.id for jobs in results[:12] if isinstance(jobs, list) for job in jobs}
    left = {job_id for job_id in ids if await stage.history.job(stage.project, job_id) is not None}
    assert left == claimed
