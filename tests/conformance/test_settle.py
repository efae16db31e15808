"""Ending attempts: each kind of end, and every way to have lost the right to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.domain.execution import ExecutionStatus, Reason
from taskforge.domain.ids import WorkerId
from taskforge.domain.job import MAX_LOSSES, Hold, JobStatus
from taskforge.domain.log_level import LogLevel
from taskforge.domain.outcome import Cancelled, Failed, Lost, Released, Snoozed, Succeeded
from tests.conformance.stage import (
    BOOM,
    LEASE,
    NOON,
    OTHER_WORKER,
    WORKER,
    beat_of,
    line,
    plain_policy,
    settlement,
)

if TYPE_CHECKING:
    from typing import Any

    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.outcome import Outcome
    from taskforge.ports.jobs import Settlement
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

LATER = NOON + timedelta(seconds=5)


async def test_success_ends_the_job_and_writes_the_execution(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    stage.clock.advance(5)
    assert await stage.finish(job, Succeeded('{"sum":3}'))
    stored = await stage.job(job.id)
    assert stored.status is JobStatus.SUCCEEDED
    assert (stored.completed_at, stored.lease_until, stored.attempt_count) == (LATER, None, 1)
    [execution] = await stage.executions(job.id)
    assert (execution.id, execution.job_id, execution.queue_id) == (job.execution_id, job.id, queue.id)
    assert (execution.status, execution.reason) == (ExecutionStatus.SUCCEEDED, None)
    assert execution.output == {"sum": 3}
    assert (execution.worker_id, execution.job_type, execution.attempt_number) == (WORKER, "t", 1)
    assert execution.claimed_at == NOON
    assert execution.started_at == NOON + timedelta(milliseconds=1)
    assert execution.finished_at == LATER
    assert execution.duration_ms == 2.0
    [ending] = await stage.history.endings(stage.project, [job.id])
    assert (ending.status, ending.output, ending.error_type) == (JobStatus.SUCCEEDED, '{"sum":3}', None)


async def test_a_failure_with_attempts_left_is_due_again_after_its_delay(stage: Stage) -> None:
    queue = await stage.queue(aging_seconds=60)
    job = await stage.start(queue, priority=2)
    stage.clock.advance(5)
    assert await stage.finish(job, Failed(BOOM, retry_after=10), lines=[line(1, "own")])
    stored = await stage.job(job.id)
    assert (stored.status, stored.hold) == (JobStatus.SCHEDULED, None)
    assert stored.scheduled_for == LATER + timedelta(seconds=10)
    assert (stored.attempt_count, stored.completed_at, stored.lease_until) == (1, None, None)
    [execution] = await stage.executions(job.id)
    assert (execution.status, execution.reason) == (ExecutionStatus.RETRY_SCHEDULED, Reason.ERROR)
    assert (execution.error_type, execution.error_message, execution.traceback) == (
        "ValueError",
        "boom",
        "Traceback ...",
    )
    lines = await stage.history.logs(stage.project, job_id=job.id)
    assert [found.message for found in lines] == [
        "own",
        "attempt 1 of 3 failed: ValueError: boom; attempt 2 follows in 10.0 s",
    ]
    assert (lines[1].level, lines[1].logged_at) == (LogLevel.WARN, LATER)
    stage.clock.advance(10)
    await stage.jobs.promote(None, 10)
    again = await stage.claim_one(queue)
    due = LATER + timedelta(seconds=10)
    assert again.rank == round(due.timestamp() * 1_000_000) - 2 * 60_000_000


@pytest.mark.parametrize("with_dead_letters", [False, True])
async def test_a_failure_without_attempts_left(stage: Stage, with_dead_letters: bool) -> None:
    letters = await stage.queue("letters")
    queue = await stage.queue()
    job = await stage.start(queue)
    policy = plain_policy(1, dead_letters=letters if with_dead_letters else None)
    assert await stage.finish(job, Failed(BOOM), policy=policy)
    stored = await stage.job(job.id)
    assert (stored.status, stored.completed_at, stored.attempt_count) == (JobStatus.FAILED, NOON, 1)
    [execution] = await stage.executions(job.id)
    if with_dead_letters:
        assert (stored.dead_letter_queue_id, stored.dead_lettered_at) == (letters.id, NOON)
        assert execution.status is ExecutionStatus.DEAD_LETTER
        assert stored.queue_id == queue.id, "it stays in its queue"
    else:
        assert (stored.dead_letter_queue_id, stored.dead_lettered_at) == (None, None)
        assert execution.status is ExecutionStatus.FAILED
    assert await stage.history.dead_letter_count(stage.project, letters.id) == with_dead_letters
    assert await stage.claim(queue, letters) == []
    [ending] = await stage.history.endings(stage.project, [job.id])
    assert (ending.status, ending.error_type, ending.error_message, ending.traceback) == (
        JobStatus.FAILED,
        "ValueError",
        "boom",
        "Traceback ...",
    )


async def test_a_snooze_and_a_release_spend_no_attempt(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    assert await stage.finish(job, Snoozed(3))
    stored = await stage.job(job.id)
    assert (stored.status, stored.attempt_count) == (JobStatus.SCHEDULED, 0)
    assert stored.scheduled_for == NOON + timedelta(seconds=3)
    stage.clock.advance(3)
    await stage.jobs.promote(None, 10)
    job = await stage.claim_one(queue)
    assert job.attempt == 1
    assert await stage.finish(job, Released())
    stored = await stage.job(job.id)
    assert (stored.status, stored.attempt_count, stored.claim_seq) == (JobStatus.PENDING, 0, 2)
    latest, first = await stage.executions(job.id)
    assert (first.status, first.reason, first.attempt_number) == (
        ExecutionStatus.CANCELLED,
        Reason.SNOOZED,
        1,
    )
    assert (latest.status, latest.reason, latest.attempt_number) == (
        ExecutionStatus.CANCELLED,
        Reason.RELEASED,
        1,
    )


async def test_a_cancel_is_an_end(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    await stage.jobs.cancel(stage.project, job.id)
    assert await stage.finish(job, Cancelled("requested"))
    stored = await stage.job(job.id)
    assert (stored.status, stored.completed_at, stored.cancel_requested_at) == (
        JobStatus.CANCELLED,
        NOON,
        None,
    )
    [execution] = await stage.executions(job.id)
    assert (execution.status, execution.reason) == (ExecutionStatus.CANCELLED, Reason.CANCELLED)


async def test_a_job_that_finished_before_the_cancel_came_has_finished(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    await stage.jobs.cancel(stage.project, job.id)
    assert await stage.finish(job, Succeeded("1"))
    assert await stage.status(job.id) is JobStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("outcome", "execution_status", "reason"),
    [
        (Failed(BOOM), ExecutionStatus.FAILED, Reason.ERROR),
        (Snoozed(5), ExecutionStatus.CANCELLED, Reason.SNOOZED),
        (Released(), ExecutionStatus.CANCELLED, Reason.RELEASED),
        (Lost(blamed=True), ExecutionStatus.FAILED, Reason.WORKER_LOST),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_a_cancel_that_the_worker_had_not_heard_of_is_not_forgotten(
    stage: Stage, outcome: Outcome, execution_status: ExecutionStatus, reason: Reason
) -> None:
    """The request was accepted: whatever would run the job again has to end it instead."""
    job = await stage.start(await stage.queue())
    await stage.jobs.cancel(stage.project, job.id)
    assert await stage.finish(job, outcome)
    stored = await stage.job(job.id)
    assert stored.status is JobStatus.CANCELLED
    assert (stored.completed_at, stored.hold, stored.cancel_requested_at) == (NOON, None, None)
    [execution] = await stage.executions(job.id)
    assert (execution.status, execution.reason) == (execution_status, reason)
    stage.clock.advance(60)
    assert await stage.jobs.promote(None, 10) == 0


async def test_losses_bury_at_the_third(stage: Stage) -> None:
    letters = await stage.queue("letters")
    queue = await stage.queue()
    policy = plain_policy(1, dead_letters=letters)
    job = await stage.start(queue)
    for losses in range(1, MAX_LOSSES + 1):
        assert await stage.finish(job, Lost(blamed=True), policy=policy)
        stored = await stage.job(job.id)
        assert stored.losses == losses
        if losses < MAX_LOSSES:
            assert (stored.status, stored.hold, stored.attempt_count) == (
                JobStatus.PENDING,
                Hold.SUSPECT,
                0,
            )
            [job] = await stage.claim(queue)
    assert (stored.status, stored.attempt_count) == (JobStatus.FAILED, 0)
    assert stored.dead_letter_queue_id == letters.id
    statuses = [execution.status for execution in await stage.executions(job.id)]
    assert statuses == [ExecutionStatus.DEAD_LETTER, ExecutionStatus.FAILED, ExecutionStatus.FAILED]


async def test_an_end_keeps_the_checkpoint_unless_there_is_a_new_one(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    assert await stage.finish(job, Snoozed(0), state='{"a":1}')
    await stage.jobs.promote(None, 1)
    job = await stage.claim_one(queue)
    assert await stage.finish(job, Succeeded())
    assert (await stage.job(job.id)).state == {"a": 1}


# Stale writers


def _stale_seq(found: Settlement) -> Settlement:
    return found._replace(claim_seq=found.claim_seq - 1)


def _future_seq(found: Settlement) -> Settlement:
    return found._replace(claim_seq=found.claim_seq + 1)


def _other_execution(found: Settlement) -> Settlement:
    return found._replace(execution_id=UUID(int=5))


def _other_job(found: Settlement) -> Settlement:
    return found._replace(job_id=UUID(int=5))


@pytest.mark.parametrize("broken", [_stale_seq, _future_seq, _other_execution, _other_job])
async def test_a_wrong_fence_changes_nothing_and_is_not_answered(stage: Stage, broken: Any) -> None:
    job = await stage.start(await stage.queue())
    before = await stage.job(job.id)
    wrong = broken(settlement(job, Failed(BOOM), lines=[line(1, "late")], state="{}"))
    assert await stage.settle(wrong) == frozenset()
    assert await stage.job(job.id) == before
    assert await stage.executions(job.id) == []
    assert await stage.messages(job.id) == []


@pytest.mark.parametrize(
    "end", [Succeeded(), Failed(BOOM, final=True), Failed(BOOM), Snoozed(9), Released(), Cancelled("x")]
)
async def test_nothing_ends_twice(stage: Stage, end: Outcome) -> None:
    job = await stage.start(await stage.queue())
    assert await stage.finish(job, end)
    before = await stage.job(job.id)
    stage.clock.advance(1)
    for second in (Succeeded("2"), Failed(BOOM), Released()):
        assert not await stage.finish(job, second, lines=[line(1, "late")])
    assert await stage.job(job.id) == before
    assert len(await stage.executions(job.id)) == 1
    assert "late" not in await stage.messages(job.id)


async def test_the_old_owner_cannot_end_the_attempt_of_the_new_one(stage: Stage) -> None:
    queue = await stage.queue()
    old = await stage.start(queue)
    assert await stage.finish(old, Lost(blamed=False))
    new = await stage.claim_one(queue, worker=OTHER_WORKER)
    assert not await stage.finish(old, Succeeded("old"))
    assert await stage.finish(new, Succeeded('"new"'))
    [latest, _] = await stage.executions(old.id)
    assert (latest.output, latest.worker_id) == ("new", OTHER_WORKER)


async def test_the_same_claim_seq_with_another_execution_is_another_fence(stage: Stage) -> None:
    """After a restored backup a number can come again; an execution id cannot."""
    queue = await stage.queue()
    old = await stage.start(queue)
    assert await stage.finish(old, Released())
    await stage.sql(f"UPDATE jobs SET claim_seq = 0 WHERE id = '{old.id}'")
    new = await stage.claim_one(queue)
    assert new.claim_seq == old.claim_seq
    assert not await stage.finish(old, Succeeded())
    assert await stage.finish(new, Succeeded())


async def test_a_batch_settles_what_it_may_and_answers_just_that(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 6)
    jobs = await stage.claim(queue, free=6)
    assert await stage.finish(jobs[0], Released())
    ends: list[Outcome] = [
        Succeeded(),
        Failed(BOOM),
        Succeeded(),
        Snoozed(1),
        Cancelled("c"),
        Failed(BOOM, final=True),
    ]
    batch = [settlement(job, end) for job, end in zip(jobs, ends, strict=True)]
    settled = await stage.settle(*batch)
    assert settled == {job.execution_id for job in jobs[1:]}
    counts = await stage.history.counts(stage.project)
    assert {status: count for status, count in counts.items() if count} == {
        JobStatus.PENDING: 1,
        JobStatus.SCHEDULED: 2,
        JobStatus.SUCCEEDED: 1,
        JobStatus.CANCELLED: 1,
        JobStatus.FAILED: 1,
    }


async def test_a_batch_of_a_thousand_with_lines(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 1000)
    jobs = await stage.claim(queue, free=1000)
    assert len(jobs) == 1000
    settled = await stage.settle(
        *(settlement(job, Succeeded(str(n)), lines=[line(1, "one")]) for n, job in enumerate(jobs))
    )
    assert settled == {job.execution_id for job in jobs}
    assert (await stage.history.counts(stage.project))[JobStatus.SUCCEEDED] == 1000
    assert await stage.sql("SELECT count(*) FROM executions") == [(1000,)]
    assert await stage.sql("SELECT count(*) FROM log_lines") == [(1000,)]


async def test_an_empty_batch(stage: Stage) -> None:
    assert await stage.settle() == frozenset()


async def test_two_settlers_of_the_same_attempts_one_wins(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 60)
    jobs = await stage.claim(queue, free=60)
    batches = [
        [settlement(job, end) for job in jobs]
        for end in (Succeeded(), Failed(BOOM, final=True), Released(), Cancelled("c"))
    ]
    answers = await asyncio.gather(
        *(stage.settle(*(batch if n % 2 else batch[::-1])) for n, batch in enumerate(batches))
    )
    assert sum(len(answer) for answer in answers) == 60
    assert frozenset().union(*answers) == {job.execution_id for job in jobs}
    assert await stage.sql("SELECT count(*) FROM executions") == [(60,)]


async def test_a_long_error_message_is_no_obstacle(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    assert await stage.finish(job, Failed(replace(BOOM, message="x" * 9_990)))
    assert len((await stage.messages(job.id))[0]) == 10_000
    assert (await stage.executions(job.id))[0].error_message == "x" * 9_990


async def test_lines_that_were_sent_before_are_not_doubled_by_the_end(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    sent = line(1, "one")
    await stage.jobs.append_lines([(job.id, job.claim_seq, job.execution_id, sent)])
    assert await stage.finish(job, Succeeded(), lines=[sent, line(2, "two", metadata='{"k":[1]}')])
    lines = await stage.history.logs(stage.project, job_id=job.id)
    assert [(found.seq, found.message, found.metadata) for found in lines] == [
        (1, "one", None),
        (2, "two", {"k": [1]}),
    ]


# The guard of a loss


def _lost(job: ClaimedJob, *, blamed: bool = True) -> Settlement:
    return settlement(job, Lost(blamed=blamed), lost_only=True)


async def test_a_lease_that_still_runs_is_not_lost(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    stage.clock.advance(LEASE)
    assert await stage.settle(_lost(job)) == frozenset(), "it ends after its lease, not with it"
    stage.clock.advance(0.000_001)
    assert await stage.settle(_lost(job)) == {job.execution_id}


async def test_a_lease_that_was_renewed_after_it_was_seen_expired_is_not_lost(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    stage.clock.advance(LEASE + 1)
    [seen] = await stage.jobs.expired_leases([], None, 10)
    assert seen.execution_id == job.execution_id
    await stage.beat(beat_of(job))
    assert await stage.settle(_lost(job)) == frozenset()
    assert await stage.finish(job, Succeeded())


async def test_a_dead_worker_s_job_is_lost_at_once_and_only_its_own(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    [other] = await stage.add(queue, 1)
    neighbour = await stage.claim_one(queue, worker=OTHER_WORKER)
    assert neighbour.id == other
    assert await stage.settle(_lost(job), _lost(neighbour), dead=[WORKER]) == {job.execution_id}
    assert await stage.settle(_lost(neighbour), dead=[WorkerId(UUID(int=99))]) == frozenset()
    assert await stage.status(neighbour.id) is JobStatus.PROCESSING
