"""Signs of life: leases are renewed, cancels delivered, lines taken, by the owner only."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.domain.execution import ExecutionStatus, live_execution
from taskforge.domain.ids import WorkerId
from taskforge.domain.job import JobStatus
from taskforge.domain.outcome import Lost, Released, Succeeded
from taskforge.domain.worker import Incidents, Usage
from taskforge.ports.jobs import BeatAnswer, IdleBeat
from tests.conformance.stage import LEASE, NOON, OTHER_PROJECT, OTHER_WORKER, beat_of, line

if TYPE_CHECKING:
    from taskforge.domain.execution import LogLine
    from taskforge.domain.job import ClaimedJob
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


async def test_a_beat_renews_the_lease(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    stage.clock.advance(20)
    answer = await stage.beat(beat_of(job), lease=40)
    assert answer == BeatAnswer(frozenset({job.execution_id}), frozenset(), drain=False)
    stored = await stage.job(job.id)
    assert stored.lease_until == NOON + timedelta(seconds=60)
    assert (stored.started_at, stored.heartbeat_at) == (None, None)


async def test_what_the_handler_did_so_far_is_seen_on_the_job(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    stage.clock.advance(1)
    await stage.beat(beat_of(job, started=True))
    stage.clock.advance(1)
    await stage.beat(
        beat_of(job, started=True, signed=True, progress='{"done":1,"total":2}', state='{"page":1}')
    )
    stage.clock.advance(1)
    await stage.beat(beat_of(job, started=True))
    stored = await stage.job(job.id)
    assert stored.started_at == NOON + timedelta(seconds=1), "the first time counts"
    assert stored.heartbeat_at == NOON + timedelta(seconds=2)
    assert stored.progress == {"done": 1, "total": 2}
    assert stored.state == {"page": 1}
    live = live_execution(stored)
    assert live is not None
    assert (live.id, live.status) == (job.execution_id, ExecutionStatus.RUNNING)


async def test_a_beat_without_jobs_is_a_sign_of_the_worker(stage: Stage) -> None:
    worker = await stage.know("t")
    stage.clock.advance(20)
    assert await stage.beat(worker=worker) == BeatAnswer(frozenset(), frozenset(), drain=False, capacity=10)
    assert await stage.workers.resize(stage.project, worker, 3)
    assert (await stage.beat(worker=worker)).capacity == 3
    assert not await stage.workers.resize(OTHER_PROJECT, worker, 4)
    [row] = await stage.workers.list(stage.project)
    assert row.last_heartbeat == NOON + timedelta(seconds=20)


async def test_an_unknown_worker_may_beat_for_nothing(stage: Stage) -> None:
    answer = await stage.beat(worker=WorkerId(UUID(int=0xDEAD)))
    assert answer == BeatAnswer(frozenset(), frozenset(), drain=False)


async def test_a_stale_beat_renews_nothing_and_says_so(stage: Stage) -> None:
    queue = await stage.queue()
    old = await stage.start(queue)
    assert await stage.finish(old, Lost(blamed=False))
    new = await stage.claim_one(queue, worker=OTHER_WORKER)
    before = await stage.job(old.id)
    stage.clock.advance(10)
    answer = await stage.beat(beat_of(old, started=True, signed=True, progress="1", state="1"))
    assert answer.alive == frozenset()
    assert await stage.job(old.id) == before
    mixed = await stage.beat(beat_of(old), beat_of(new), worker=OTHER_WORKER)
    assert mixed.alive == {new.execution_id}


async def test_a_beat_for_what_has_ended_revives_nothing(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    assert await stage.finish(job, Succeeded())
    assert (await stage.beat(beat_of(job))).alive == frozenset()
    assert await stage.status(job.id) is JobStatus.SUCCEEDED


async def test_a_late_beat_keeps_the_job_as_long_as_nobody_took_it(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    stage.clock.advance(LEASE * 3)
    assert (await stage.beat(beat_of(job))).alive == {job.execution_id}
    assert await stage.jobs.expired_leases([], None, 10) == []


async def test_a_cancel_is_delivered_with_every_answer_until_the_end(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    [other_id] = await stage.add(queue)
    other = await stage.claim_one(queue)
    assert other.id == other_id
    assert await stage.jobs.cancel(stage.project, job.id) is JobStatus.PROCESSING
    for _ in range(2):
        answer = await stage.beat(beat_of(job), beat_of(other))
        assert answer.alive == {job.execution_id, other.execution_id}
        assert answer.cancel == {job.execution_id}


async def test_a_worker_that_is_asked_to_leave_hears_of_it(stage: Stage) -> None:
    worker = await stage.know("t")
    at = "0" if stage.dialect == "sqlite" else "'2026-01-01'"
    await stage.sql(f"UPDATE workers SET drain_requested_at = {at} WHERE id = '{worker}'")
    assert (await stage.beat(worker=worker)).drain


async def test_a_worker_that_was_given_up_hears_of_it(stage: Stage) -> None:
    worker = await stage.know("t")
    await stage.workers.stop(worker)
    assert (await stage.beat(worker=worker)).drain


async def test_many_beats_at_once(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 300)
    jobs = await stage.claim(queue, free=300)
    stage.clock.advance(10)
    answer = await stage.beat(*(beat_of(job) for job in jobs))
    assert answer.alive == {job.execution_id for job in jobs}
    stage.clock.advance(25)
    assert await stage.jobs.expired_leases([], None, 10) == []


def _fenced(job: ClaimedJob, *lines: LogLine) -> list[tuple[UUID, int, UUID, LogLine]]:
    return [(job.id, job.claim_seq, job.execution_id, found) for found in lines]


async def test_lines_of_a_live_execution_are_seen_at_once(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    lines = [line(1, "one"), line(2, "two", "error", '{"k":1}')]
    assert await stage.jobs.append_lines(_fenced(job, *lines)) == {job.execution_id}
    stored = await stage.history.logs(stage.project, job_id=job.id)
    assert [
        (found.execution_id, found.seq, found.level, found.message, found.metadata) for found in stored
    ] == [
        (job.execution_id, 1, "info", "one", None),
        (job.execution_id, 2, "error", "two", {"k": 1}),
    ]
    assert stored[0].logged_at == NOON


async def test_a_line_sent_twice_is_stored_once(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    await stage.jobs.append_lines(_fenced(job, line(1, "one")))
    assert await stage.jobs.append_lines(_fenced(job, line(1, "one"), line(2, "two"))) == {job.execution_id}
    assert await stage.messages(job.id) == ["one", "two"]


async def test_lines_need_the_whole_fence(stage: Stage) -> None:
    queue = await stage.queue()
    old = await stage.start(queue)
    assert await stage.finish(old, Released())
    assert await stage.jobs.append_lines(_fenced(old, line(1, "after the end"))) == frozenset()
    new = await stage.claim_one(queue)
    wrong = [
        *_fenced(old, line(1, "old owner")),
        *_fenced(new._replace(claim_seq=old.claim_seq), line(1, "old number")),
        *_fenced(new._replace(execution_id=old.execution_id), line(1, "old execution")),
    ]
    assert await stage.jobs.append_lines([*wrong, *_fenced(new, line(1, "the owner"))]) == {new.execution_id}
    assert await stage.jobs.append_lines([]) == frozenset()
    assert await stage.messages(old.id) == ["the owner"]


async def test_whoever_asks_what_there_is_to_do_beats_by_it(stage: Stage) -> None:
    worker = await stage.know("t")
    stage.clock.advance(20)
    usage = Usage(12.5, 1_000_000, 0.5)
    outlook = await stage.jobs.outlook(
        "none", 10**15, beat=IdleBeat(worker, Incidents(stale_writes=2), usage)
    )
    assert outlook.answer == BeatAnswer(frozenset(), frozenset(), drain=False, capacity=10)
    assert not outlook.ready
    [stored] = await stage.workers.list(stage.project)
    assert stored.last_heartbeat == stage.clock.time
    assert stored.incidents == Incidents(stale_writes=2)
    [sample] = await stage.sql("SELECT cpu_percent, memory_bytes, memory_percent FROM worker_samples")
    assert tuple(sample) == (12.5, 1_000_000, 0.5)
    await stage.workers.set_drain(stage.project, worker, drain=True)
    stage.clock.advance(20)
    await stage.add(await stage.queue())
    outlook = await stage.jobs.outlook("none", 10**15, beat=IdleBeat(worker))
    assert outlook.ready
    assert outlook.answer is not None
    assert outlook.answer.drain
    [stored] = await stage.workers.list(stage.project)
    assert (stored.last_heartbeat, stored.incidents) == (stage.clock.time, Incidents(stale_writes=2))
    assert (await stage.jobs.outlook("none", 10**15)).answer is None


async def test_one_that_was_given_up_comes_back_by_asking(stage: Stage) -> None:
    worker = await stage.know("t")
    stage.clock.advance(1000)
    assert await stage.workers.forget([], 10**6) == [worker]
    outlook = await stage.jobs.outlook("none", 10**15, beat=IdleBeat(worker))
    assert outlook.answer == BeatAnswer(frozenset(), frozenset(), drain=False, capacity=10)
