"""Many sides at once: whatever wins, the rows tell one story."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.errors import NotFound, QueueClosed
from taskforge.domain.execution import ExecutionStatus, Reason
from taskforge.domain.job import JobStatus
from taskforge.domain.outcome import Failed, Lost, Released, Succeeded
from tests.conformance.stage import BOOM, LEASE, OTHER_WORKER, Stage, beat_of, line, settlement
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from uuid import UUID

    from taskforge.domain.outcome import Outcome
    from taskforge.domain.queue import Queue

pytestmark = pytest.mark.anyio


async def test_beats_lines_and_cancels_while_the_same_jobs_end(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = await stage.add(queue, 200)
    jobs = await stage.claim(queue, free=200)
    lines = [(job.id, job.claim_seq, job.execution_id, line(1, "x")) for job in jobs]
    results = await asyncio.gather(
        *(stage.beat(*(beat_of(job, signed=True, progress="1") for job in jobs)) for _ in range(4)),
        stage.jobs.append_lines(lines),
        *(stage.jobs.cancel(stage.project, job.id) for job in jobs[::10]),
        stage.settle(*(settlement(job, Succeeded("1")) for job in jobs[:100])),
        stage.settle(*(settlement(job, Released()) for job in reversed(jobs[50:]))),
    )
    first, second = results[-2], results[-1]
    assert isinstance(first, frozenset)
    assert isinstance(second, frozenset)
    assert not first & second
    assert first | second == {job.execution_id for job in jobs}
    for job_id, job in zip(ids, sorted(jobs, key=lambda job: job.id), strict=True):
        [execution] = await stage.executions(job_id)
        status = await stage.status(job_id)
        if job.execution_id in first:
            assert (status, execution.reason) == (JobStatus.SUCCEEDED, None)
        else:
            assert execution.reason is Reason.RELEASED
            assert status in (JobStatus.PENDING, JobStatus.CANCELLED)


async def test_recovery_and_late_workers_fight_over_expired_leases(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 100)
    jobs = await stage.claim(queue, free=100)
    stage.clock.advance(LEASE + 1)
    lost = [settlement(job, Lost(blamed=False), lost_only=True) for job in jobs]
    beats, *settled = await asyncio.gather(
        stage.beat(*(beat_of(job) for job in jobs)),
        stage.settle(*lost),
        stage.settle(*reversed(lost)),
        stage.settle(*(settlement(job, Succeeded()) for job in jobs)),
    )
    again = await stage.claim(queue, free=200, worker=OTHER_WORKER)
    rescued = {job.id for job in again}
    assert sum(len(answer) for answer in settled) == 100
    counts = await stage.history.counts(stage.project)
    assert counts[JobStatus.PROCESSING] == len(rescued)
    assert counts[JobStatus.SUCCEEDED] == 100 - len(rescued)
    assert len(beats.alive) <= 100


async def test_a_queue_that_goes_while_jobs_come_leaves_no_orphan(
    stage: Stage,
) -> None:
    """Either the queue stays because of the job, or the job is refused because the queue is gone."""
    queues: list[Queue] = [await stage.queue(f"q{number}") for number in range(40)]
    jobs = [stage.new(queue) for queue in queues]

    async def add(number: int) -> bool:
        try:
            await stage.jobs.accept_all(stage.project, [jobs[number]])
        except (NotFound, QueueClosed):
            return False
        return True

    async def remove(number: int) -> bool:
        return not await stage.queues.delete(stage.project, queues[number].id)

    added = [add(number) for number in range(40)]
    removed = [remove(number) for number in range(40)]
    mixed = await asyncio.gather(*(one for pair in zip(added, removed, strict=True) for one in pair))
    for number in range(40):
        was_added, was_removed = mixed[2 * number], mixed[2 * number + 1]
        assert was_added != was_removed, f"queue {number}: accepted {was_added}, deleted {was_removed}"


# What happens between a statement's first look at a row and its turn to change it (PostgreSQL; SQLite has no between)


async def _meanwhile(
    stage: Stage, change: str, act: Callable[[], Coroutine[Any, Any, frozenset[UUID]]]
) -> frozenset[UUID]:
    """Act while another transaction, which has changed these rows already, comes to its commit."""
    await stage.sql("BEGIN")
    await stage.sql(f"UPDATE jobs SET {change}")
    acting = asyncio.create_task(act())

    async def is_waiting() -> None:
        assert await stage.sql(
            "SELECT 1 FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )

    await eventually(is_waiting)
    assert not acting.done()
    await stage.sql("COMMIT")
    return await acting


@pytest.fixture
async def postgres_stage(postgres_url: str, anyio_backend: str) -> AsyncIterator[Stage]:
    stage = Stage(postgres_url)
    yield stage
    await stage.close()


async def test_a_lease_renewed_at_the_last_moment_is_not_lost(postgres_stage: Stage) -> None:
    stage = postgres_stage
    queue = await stage.queue()
    jobs = [await stage.start(queue) for _ in range(3)]
    stage.clock.advance(LEASE + 1)
    lost = [settlement(job, Lost(blamed=True), lost_only=True) for job in jobs]
    assert await _meanwhile(stage, "lease_until = '2027-01-01'", lambda: stage.settle(*lost)) == frozenset()
    for job in jobs:
        assert await stage.status(job.id) is JobStatus.PROCESSING
        assert await stage.executions(job.id) == []


OTHERWISE = {
    "claim_seq = claim_seq + 1": JobStatus.PROCESSING,
    "execution_id = gen_random_uuid()": JobStatus.PROCESSING,
    "status = 'pending', lease_until = NULL": JobStatus.PENDING,
}
"""What another has made of a job at the last moment, and its status then."""


@pytest.mark.parametrize("outcome", [Succeeded(), Failed(BOOM)], ids=["succeeded", "failed"])
@pytest.mark.parametrize("change", OTHERWISE)
async def test_a_fence_that_changes_at_the_last_moment_is_seen(
    postgres_stage: Stage, outcome: Outcome, change: str
) -> None:
    """Nothing is told of an end that has not come about: no status, no execution, and it is counted nowhere."""
    stage = postgres_stage
    queue = await stage.queue()
    jobs = [await stage.start(queue) for _ in range(3)]
    ends = [settlement(job, outcome) for job in jobs]
    assert await _meanwhile(stage, change, lambda: stage.settle(*ends)) == frozenset()
    for job in jobs:
        assert await stage.status(job.id) is OTHERWISE[change]
    for table in ("executions", "attempt_deltas", "failure_deltas"):
        assert await stage.sql(f"SELECT * FROM {table}") == []


@pytest.mark.parametrize(
    "change",
    [
        "claim_seq = claim_seq + 1",
        "execution_id = gen_random_uuid()",
        "status = 'pending', lease_until = NULL",
    ],
)
async def test_a_line_that_comes_while_the_job_changes_hands_is_refused(
    postgres_stage: Stage, change: str
) -> None:
    stage = postgres_stage
    job = await stage.start(await stage.queue())
    said = [(job.id, job.claim_seq, job.execution_id, line(1, "too late"))]
    assert await _meanwhile(stage, change, lambda: stage.jobs.append_lines(said)) == frozenset()
    assert await stage.sql("SELECT message FROM log_lines") == []


async def test_a_line_that_comes_while_its_owner_beats_is_taken(postgres_stage: Stage) -> None:
    stage = postgres_stage
    job = await stage.start(await stage.queue())
    said = [(job.id, job.claim_seq, job.execution_id, line(1, "in time"))]
    assert await _meanwhile(stage, "progress = '1'", lambda: stage.jobs.append_lines(said)) == {
        job.execution_id
    }
    assert await stage.settle(settlement(job, Succeeded())) == {job.execution_id}


async def test_what_was_written_at_the_last_moment_does_not_hinder_the_owner(postgres_stage: Stage) -> None:
    stage = postgres_stage
    queue = await stage.queue()
    jobs = [await stage.start(queue) for _ in range(4)]
    ends = [settlement(job, Succeeded() if number % 2 else Released()) for number, job in enumerate(jobs)]
    settled = await _meanwhile(
        stage, "lease_until = '2027-01-01', progress = '1'", lambda: stage.settle(*ends)
    )
    assert settled == {job.execution_id for job in jobs}
    for job in jobs:
        assert len(await stage.executions(job.id)) == 1


async def test_a_cancel_at_the_last_moment_is_not_forgotten(postgres_stage: Stage) -> None:
    stage = postgres_stage
    job = await stage.start(await stage.queue())
    end = settlement(job, Failed(BOOM))
    settled = await _meanwhile(stage, "cancel_requested_at = clock_timestamp()", lambda: stage.settle(end))
    assert settled == {job.execution_id}
    assert await stage.status(job.id) is JobStatus.CANCELLED
    [execution] = await stage.executions(job.id)
    assert execution.status is ExecutionStatus.FAILED
