"""Each guard by itself: a statement refuses what it must refuse even if its caller looked in vain, or not at all.

`python -m tests.proof.mutate` takes the guards away one by one; these tests notice what others leave to the caller.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from taskforge.domain.job import ClaimedJob, Hold, JobStatus
from taskforge.domain.outcome import ErrorReport, Failed, Lost, Outcome, Released, Succeeded
from taskforge.domain.pause import PauseKind
from taskforge.domain.queue import QueueState
from taskforge.storage.engine import One
from tests.conformance.stage import NOON, beat_of, line, plain_policy

if TYPE_CHECKING:
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

NOBODY = UUID("00000000-0000-7000-8000-00000000dead")
FORGED = {
    "another number": lambda job: job._replace(claim_seq=job.claim_seq + 1),
    "another run": lambda job: job._replace(execution_id=NOBODY),
}
OUTCOMES: list[Outcome] = [Succeeded("1"), Released(), Failed(ErrorReport("E", "e")), Lost(blamed=True)]


@pytest.mark.parametrize("forge", FORGED.values(), ids=list(FORGED))
@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
async def test_half_a_fence_settles_nothing(stage: Stage, forge: object, outcome: Outcome) -> None:
    job = await stage.start(await stage.queue())
    assert not await stage.finish(_forged(forge, job), outcome)
    assert await stage.status(job.id) is JobStatus.PROCESSING
    assert await stage.executions(job.id) == []
    assert await stage.finish(job, outcome)


@pytest.mark.parametrize("forge", FORGED.values(), ids=list(FORGED))
async def test_half_a_fence_neither_beats_nor_logs(stage: Stage, forge: object) -> None:
    job = await stage.start(await stage.queue())
    forged = _forged(forge, job)
    answer = await stage.beat(beat_of(forged, signed=True, progress='{"done": 1}', state='{"by": "them"}'))
    assert answer.alive == frozenset()
    stored = await stage.job(job.id)
    assert (stored.progress, stored.state) == (None, None)
    other = await stage.start(await stage.queue("other"))
    assert other.claim_seq == job.claim_seq
    written = [
        (one.id, one.claim_seq, one.execution_id, line(1, text))
        for one, text in ((forged, "not mine"), (other, "mine"))
    ]
    assert await stage.jobs.append_lines(written) == {other.execution_id}
    assert [row[0] for row in await stage.sql("SELECT message FROM log_lines")] == ["mine"]


async def test_a_line_that_comes_after_the_end_is_not_taken(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    assert await stage.finish(job, Succeeded("1"))
    late = (job.id, job.claim_seq, job.execution_id, line(1, "late"))
    assert await stage.jobs.append_lines([late]) == frozenset()
    assert await stage.messages(job.id) == []


def _forged(forge: object, job: ClaimedJob) -> ClaimedJob:
    assert callable(forge)
    forged = forge(job)
    assert isinstance(forged, ClaimedJob)
    return forged


@pytest.mark.parametrize(
    ("statement", "statuses"),
    [
        ("cancel_waiting_job", {JobStatus.PENDING, JobStatus.SCHEDULED}),
        ("request_cancel", {JobStatus.PROCESSING}),
        ("retry_job", {JobStatus.FAILED, JobStatus.CANCELLED}),
        ("delete_job", set(JobStatus) - {JobStatus.PROCESSING}),
    ],
)
async def test_a_person_s_change_holds_to_its_statuses_and_project(
    stage: Stage, statement: str, statuses: set[JobStatus]
) -> None:
    other = await stage.other_project()
    queue = await stage.queue()
    [pending] = await stage.add(queue, 1, "untouched")
    [scheduled] = await stage.add(queue, 1, "untouched", delay_us=10_000_000)
    [cancelled] = await stage.add(queue, 1, "untouched")
    await stage.jobs.cancel(stage.project, (await stage.job(cancelled)).id)
    succeeded = await stage.start(queue)
    assert await stage.finish(succeeded, Succeeded("1"))
    failed = await stage.bury(queue)
    running = (await stage.start(queue)).id
    for job_id in (pending, scheduled, cancelled, succeeded.id, failed, running):
        status = await stage.status(job_id)
        values = {"job_id": job_id, "queue_id": None}
        assert await stage.engine.call(One(statement, {"project_id": other, **values})) == []
        changed = await stage.engine.call(One(statement, {"project_id": stage.project, **values}))
        assert bool(changed) == (status in statuses), status


async def test_a_failure_stays_one_though_a_cancel_was_asked_for(stage: Stage) -> None:
    """Only what would run again is cancelled instead."""
    job = await stage.start(await stage.queue())
    await stage.jobs.cancel(stage.project, job.id)
    assert await stage.finish(job, Failed(ErrorReport("E", "e")), policy=plain_policy(1))
    assert await stage.status(job.id) is JobStatus.FAILED


async def test_what_ends_while_its_type_is_paused_is_held_no_more(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    await stage.pauses.create(stage.project, PauseKind.TYPE, "t", None, "test")
    assert await stage.finish(job, Failed(ErrorReport("E", "e")), policy=plain_policy(1))
    ended = await stage.job(job.id)
    assert (ended.status, ended.hold) == (JobStatus.FAILED, None)


async def test_a_suspect_is_not_claimed_from_a_paused_queue(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    assert await stage.finish(job, Lost(blamed=True))
    await stage.write(replace(queue, state=QueueState.PAUSED))
    assert await stage.claim(queue) == []
    assert (await stage.job(job.id)).hold is Hold.SUSPECT


async def test_a_suspect_is_not_claimed_when_it_is_too_late(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue, deadline=NOON + timedelta(seconds=10))
    assert await stage.finish(job, Lost(blamed=True))
    stage.clock.advance(11)
    assert await stage.claim(queue) == []


async def test_what_is_due_next_is_said_of_scheduled_jobs_of_the_project_only(stage: Stage) -> None:
    other = await stage.other_project()
    ours, theirs = await stage.queue(), await stage.queue("theirs", project=other)
    await stage.know("t")
    await stage.add(ours, 1, delay_us=5_000_000)
    await stage.add(theirs, 1, delay_us=1_000_000)
    assert (await stage.claim_batch(ours, theirs)).next_due_at == NOON.replace(second=5)
    stage.clock.advance(6)
    await stage.jobs.promote(stage.project, 10)
    assert (await stage.claim_batch(ours, free=0)).next_due_at is None


async def test_the_configuration_s_version_is_the_project_s(stage: Stage) -> None:
    other = await stage.other_project()
    queue = await stage.queue()
    before = (await stage.claim_batch(queue)).config_version
    theirs = await stage.queue("theirs", project=other)
    await stage.queue("ours")
    await stage.queue("ours too")
    assert (await stage.claim_batch(queue)).config_version == before + 2
    assert (await stage.claim_batch(theirs, project=other)).config_version == before


async def test_a_suspect_of_another_project_is_not_claimed(stage: Stage) -> None:
    other = await stage.other_project()
    queue = await stage.queue()
    job = await stage.start(queue)
    assert await stage.finish(job, Lost(blamed=True))
    assert await stage.claim(queue, project=other) == []
    assert (await stage.claim_one(queue)).id == job.id


@pytest.mark.parametrize("count", [1, 2, 3], ids=["one", "alike", "unlike"])
async def test_a_task_that_only_another_project_knows_has_no_worker_here(stage: Stage, count: int) -> None:
    other = await stage.other_project()
    await stage.know("theirs", project=other)
    queue = await stage.queue()
    jobs = [stage.new(queue, "theirs", priority=number if count == 3 else 0) for number in range(count)]
    await stage.jobs.accept(stage.project, jobs)
    assert [(await stage.job(job.id)).hold for job in jobs] == [Hold.NO_WORKER] * count
    await stage.jobs.cancel(stage.project, (await stage.job(jobs[0].id)).id)
    await stage.jobs.retry(stage.project, (await stage.job(jobs[0].id)).id, None)
    assert (await stage.job(jobs[0].id)).hold is Hold.NO_WORKER
    assert await stage.jobs.release_holds(10) == 0


@pytest.mark.parametrize("count", [1, 2, 3], ids=["one", "alike", "unlike"])
async def test_nothing_gets_into_a_closed_queue_or_another_project_s(stage: Stage, count: int) -> None:
    other = await stage.other_project()
    queue, closed = await stage.queue(), await stage.queue("closed", state=QueueState.CLOSED)
    for project, into in ((other, queue), (stage.project, closed)):
        jobs = [stage.new(into, priority=number if count == 3 else 0) for number in range(count)]
        assert await stage.jobs.accept(project, jobs) == frozenset()
    assert await stage.sql("SELECT id FROM jobs") == []


@pytest.mark.parametrize("settings", [{}, {"max_concurrent_jobs": 5}], ids=["plain", "ruled"])
async def test_what_is_held_is_not_claimed(stage: Stage, settings: dict[str, Any]) -> None:
    queue = await stage.queue(**settings)
    await stage.know("t")
    await stage.add(queue, 1)
    for hold in ("no_worker", "paused", "key"):
        await stage.sql(f"UPDATE jobs SET hold = '{hold}', concurrency_limit = 1")
        assert await stage.claim(queue) == []


async def test_what_has_another_status_is_not_pruned(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    assert await stage.finish(job, Succeeded("1"))
    values = {"job_ids": [job.id], "cutoff": NOON + timedelta(hours=1)}
    assert await stage.engine.call(One("prune_jobs", {**values, "status": "failed"})) == []
    assert len(await stage.engine.call(One("prune_jobs", {**values, "status": "succeeded"}))) == 1
