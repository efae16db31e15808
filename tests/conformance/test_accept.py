"""Accepting jobs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from taskforge import TaskForge
from taskforge.domain.errors import NotFound, QueueClosed, TaskforgeError
from taskforge.domain.ids import JobId
from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.queue import QueueState
from taskforge.services import patience
from tests.conformance.stage import NOON

if TYPE_CHECKING:
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


async def test_all_that_was_said_is_stored(stage: Stage) -> None:
    queue = await stage.queue()
    new = stage.new(
        queue,
        "mail.send",
        payload='{"to":["a","é\\u0041"],"n":1.5}',
        priority=7,
        max_attempts=5,
        timeout_ms=1500,
        scheduled_for=NOON + timedelta(microseconds=1),
        expires_at=NOON + timedelta(hours=1),
        deadline=NOON + timedelta(hours=2),
        tags='["a","b"]',
    )
    assert await stage.jobs.accept(stage.project, [new]) == {new.id}
    job = await stage.job(new.id)
    assert job.payload == {"to": ["a", "éA"], "n": 1.5}
    assert (job.queue_id, job.queue_name, job.project_id) == (queue.id, "default", stage.project)
    assert (job.job_type, job.priority, job.max_attempts) == ("mail.send", 7, 5)
    assert (job.status, job.scheduled_for) == (JobStatus.SCHEDULED, NOON + timedelta(microseconds=1))
    assert (job.expires_at, job.timeout_at) == (NOON + timedelta(hours=1), NOON + timedelta(hours=2))
    assert (job.created_at, job.updated_at, job.completed_at) == (NOON, NOON, None)
    assert tuple(job.tags) == ("a", "b")
    assert (job.attempt_count, job.losses, job.claim_seq, job.execution_id) == (0, 0, 0, None)


async def test_a_batch_stores_what_single_calls_would(stage: Stage) -> None:
    """Whether its jobs have all but id and payload in common, or differ in each of their fields."""
    queue, other = await stage.queue(), await stage.queue("other", aging_seconds=60)
    fields: dict[str, Any] = {
        "priority": 7,
        "max_attempts": 5,
        "retry_policy": '{"base":1.0}',
        "timeout_ms": 1500,
        "scheduled_for": NOON + timedelta(hours=1),
        "expires_at": NOON + timedelta(hours=2),
        "deadline": NOON + timedelta(hours=3),
        "tags": '["a","é"]',
    }
    alike = [stage.new(queue, "a", payload=f'{{"n":"{sign}"}}', **fields) for sign in ("é", "\\u0041", "'")]
    mixed = [stage.new(queue, **{name: value}) for name, value in fields.items()]
    mixed += [stage.new(queue), stage.new(queue, delay_us=5), stage.new(other, "b", priority=3)]
    for batch in (alike, mixed):
        assert await stage.jobs.accept(stage.project, batch) == {job.id for job in batch}
        for job in batch:
            twin = job._replace(id=stage.mint())
            await stage.jobs.accept(stage.project, [twin])
            assert await stage.job(twin.id) == replace(await stage.job(job.id), id=JobId(twin.id))


async def test_due_now_or_before_is_pending_at_once(stage: Stage) -> None:
    queue = await stage.queue()
    past, now, never, delayed, at_once = (
        stage.new(queue, scheduled_for=NOON - timedelta(days=1)),
        stage.new(queue, scheduled_for=NOON),
        stage.new(queue),
        stage.new(queue, delay_us=1),
        stage.new(queue, delay_us=0),
    )
    await stage.jobs.accept_all(stage.project, [past, now, never, delayed, at_once])
    assert await stage.status(past.id) is JobStatus.PENDING
    assert await stage.status(now.id) is JobStatus.PENDING
    assert await stage.status(at_once.id) is JobStatus.PENDING
    assert (await stage.job(never.id)).scheduled_for is None
    job = await stage.job(delayed.id)
    assert (job.status, job.scheduled_for) == (JobStatus.SCHEDULED, NOON + timedelta(microseconds=1))


async def test_a_type_that_no_worker_knows_is_held(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("known")
    [known], [unknown] = await stage.add(queue, 1, "known"), await stage.add(queue, 1, "unknown")
    [later] = await stage.add(queue, 1, "unknown", delay_us=10)
    assert (await stage.job(known)).hold is None
    assert (await stage.job(unknown)).hold is Hold.NO_WORKER
    assert (await stage.job(later)).hold is Hold.NO_WORKER


async def test_it_is_idempotent_by_id(stage: Stage) -> None:
    queue = await stage.queue()
    job, other = stage.new(queue, payload='{"n":1}'), stage.new(queue)
    assert await stage.jobs.accept(stage.project, [job]) == {job.id}
    again = job._replace(payload='{"n":2}')
    assert await stage.jobs.accept(stage.project, [again, other]) == {job.id, other.id}
    await stage.jobs.accept_all(stage.project, [again, other])
    assert (await stage.job(job.id)).payload == {"n": 1}
    assert sum((await stage.history.counts(stage.project)).values()) == 2


async def test_a_job_that_already_runs_is_not_put_back_by_a_repeated_accept(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    new = stage.new(queue)
    await stage.jobs.accept(stage.project, [new])
    claimed = await stage.claim_one(queue)
    assert await stage.jobs.accept(stage.project, [new]) == {new.id}
    job = await stage.job(new.id)
    assert (job.status, job.claim_seq) == (JobStatus.PROCESSING, claimed.claim_seq)


async def test_twice_in_one_call_is_once(stage: Stage) -> None:
    queue = await stage.queue()
    job = stage.new(queue)
    assert await stage.jobs.accept(stage.project, [job, job]) == {job.id}
    await stage.jobs.accept_all(stage.project, [job, job])
    assert sum((await stage.history.counts(stage.project)).values()) == 1


async def test_a_large_call_is_all_or_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is stored in pieces: what the last of them says holds for all."""
    monkeypatch.setattr("taskforge.storage.jobs.CHUNK", 10)
    queue, closed = await stage.queue(), await stage.queue("closed", state=QueueState.CLOSED)
    jobs = [stage.new(queue, payload=f'{{"n":{number}}}') for number in range(35)]
    with pytest.raises(QueueClosed, match="job 35: "):
        await stage.jobs.accept_all(stage.project, [*jobs, stage.new(closed)])
    assert sum((await stage.history.counts(stage.project)).values()) == 0
    await stage.jobs.accept_all(stage.project, jobs)
    more = [stage.new(queue) for _ in range(35)]
    await stage.jobs.accept_all(
        stage.project, [*more, jobs[0]]
    )  # as where the answer to an earlier try was lost
    assert sum((await stage.history.counts(stage.project)).values()) == 70
    assert [(await stage.job(job.id)).payload for job in jobs] == [{"n": number} for number in range(35)]


async def test_a_closed_or_unknown_queue_takes_nothing_and_a_paused_one_does(stage: Stage) -> None:
    open_queue = await stage.queue("open")
    paused = await stage.queue("paused", state=QueueState.PAUSED)
    closed = await stage.queue("closed", state=QueueState.CLOSED)
    gone = await stage.queue("gone")
    await stage.queues.delete(stage.project, gone.id)
    jobs = [stage.new(queue) for queue in (open_queue, paused, closed, gone)]
    assert await stage.jobs.accept(stage.project, jobs) == {jobs[0].id, jobs[1].id}


async def test_bulk_is_all_or_nothing_and_names_the_first_refused(stage: Stage) -> None:
    queue = await stage.queue()
    closed = await stage.queue("closed", state=QueueState.CLOSED)
    gone = await stage.queue("gone")
    await stage.queues.delete(stage.project, gone.id)
    with pytest.raises(QueueClosed, match=r"job 1.*closed"):
        await stage.jobs.accept_all(
            stage.project, [stage.new(queue), stage.new(closed), stage.new(gone), stage.new(queue)]
        )
    with pytest.raises(NotFound, match="job 2"):
        await stage.jobs.accept_all(stage.project, [stage.new(queue), stage.new(queue), stage.new(gone)])
    assert sum((await stage.history.counts(stage.project)).values()) == 0


async def test_bulk_over_several_statements_is_still_one_transaction(stage: Stage) -> None:
    queue = await stage.queue()
    closed = await stage.queue("closed", state=QueueState.CLOSED)
    many = [stage.new(queue) for _ in range(4_100)]
    with pytest.raises(QueueClosed, match="job 4100"):
        await stage.jobs.accept_all(stage.project, [*many, stage.new(closed)])
    assert sum((await stage.history.counts(stage.project)).values()) == 0
    await stage.jobs.accept_all(stage.project, many)
    await stage.jobs.accept_all(stage.project, [*many, stage.new(queue)])
    assert (await stage.history.counts(stage.project))[JobStatus.PENDING] == 4_101


async def test_who_enqueues_many_at_once_waits_for_as_long_as_storing_them_takes(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here an enqueue has no patience but for how many jobs it has."""
    async with TaskForge(database_url) as app:

        @app.task(name="note")
        def note(number: int) -> None: ...

        await note.aenqueue(0)
        monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.0)
        assert len(await app.aenqueue_many([note.job(number) for number in range(30_000)])) == 30_000


async def test_a_batch_of_which_some_stand_already_stores_the_rest(stage: Stage) -> None:
    """Its ids are taken by a try whose answer was lost: one by one, many, in a queue with a bound."""
    queue = await stage.queue()
    bounded = await stage.queue("bounded", max_length=100)
    closed = await stage.queue("closed", state=QueueState.CLOSED)
    first, second, third = (stage.new(queue) for _ in range(3))
    await stage.jobs.accept(stage.project, [first])
    assert await stage.jobs.accept(stage.project, [first, second, stage.new(closed)]) == {first.id, second.id}
    await stage.jobs.accept_all(stage.project, [third, second, first, third])
    with pytest.raises(QueueClosed, match="job 2"):
        await stage.jobs.accept_all(stage.project, [first, stage.new(queue), stage.new(closed)])
    jobs = [stage.new(bounded) for _ in range(2)]
    for _ in range(2):
        accepted = await stage.accept(*jobs, queues=[bounded])
        assert accepted.standing == {job.id: job.id for job in jobs}
    assert (await stage.history.counts(stage.project))[JobStatus.PENDING] == 5


async def test_nothing_is_nothing(stage: Stage) -> None:
    assert await stage.jobs.accept(stage.project, []) == frozenset()
    await stage.jobs.accept_all(stage.project, [])


async def test_a_row_that_the_table_refuses_stores_none(stage: Stage) -> None:
    queue = await stage.queue()
    with pytest.raises(TaskforgeError):
        await stage.jobs.accept_all(stage.project, [stage.new(queue), stage.new(queue, priority=10)])
    assert sum((await stage.history.counts(stage.project)).values()) == 0


async def test_many_at_once_each_get_their_own_answer(stage: Stage) -> None:
    queue = await stage.queue()
    closed = await stage.queue("closed", state=QueueState.CLOSED)
    jobs = [stage.new(closed if index % 5 == 0 else queue) for index in range(100)]
    answers = await asyncio.gather(*(stage.jobs.accept(stage.project, [job]) for job in jobs))
    for index, (job, answer) in enumerate(zip(jobs, answers, strict=True)):
        assert answer == (frozenset() if index % 5 == 0 else {job.id})


async def test_the_same_ids_from_many_sides_at_once_are_stored_once(stage: Stage) -> None:
    queue = await stage.queue()
    jobs = [stage.new(queue) for _ in range(50)]
    answers = await asyncio.gather(
        *(stage.jobs.accept(stage.project, jobs if n % 2 else jobs[::-1]) for n in range(8))
    )
    assert set(answers) == {frozenset(job.id for job in jobs)}
    assert sum((await stage.history.counts(stage.project)).values()) == 50
