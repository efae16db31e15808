"""A key is taken by one unfinished job at most, whoever enqueues at the same time."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskforge.domain.errors import Conflict, NotFound, QueueClosed
from taskforge.domain.job import JobStatus
from taskforge.domain.keys import JobKeys
from taskforge.domain.outcome import Failed, Succeeded
from taskforge.domain.queue import QueueState
from taskforge.storage.jobs import SqlJobStore
from tests.conformance.stage import BOOM, Stage, make_engine, plain_policy

if TYPE_CHECKING:
    from taskforge.domain.job import NewJob
    from taskforge.domain.queue import Queue

pytestmark = pytest.mark.anyio

INVOICE = JobKeys(key="invoice-7")
HOURLY = JobKeys(key="invoice-7", key_period_us=3_600_000_000)


async def test_the_loser_gets_the_job_that_has_the_key(stage: Stage) -> None:
    queue = await stage.queue()
    first = await stage.add_keyed(queue, INVOICE)
    assert await stage.add_keyed(queue, INVOICE) == first
    assert (await stage.job(first)).key == "invoice-7"
    assert len(await stage.sql("SELECT id FROM jobs")) == 1


async def test_a_key_is_of_one_project_and_one_job_type(stage: Stage) -> None:
    queue, other = await stage.queue(), await stage.queue("other")
    first = await stage.add_keyed(queue, INVOICE)
    assert await stage.add_keyed(queue, INVOICE, "u") != first
    assert await stage.add_keyed(other, INVOICE) == first
    elsewhere = await stage.queue("default", project=await stage.other_project())
    job = stage.new(elsewhere)
    accepted = await stage.jobs.accept_ruled(elsewhere.project_id, [job], keys={job.id: INVOICE}, bounds=[])
    assert accepted.standing == {job.id: job.id}


async def test_a_key_is_free_again_when_its_job_has_ended(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    first = await stage.add_keyed(queue, INVOICE)
    job = await stage.claim_one(queue)
    assert await stage.add_keyed(queue, INVOICE) == first
    assert await stage.finish(job, Failed(BOOM, retry_after=5))
    assert await stage.add_keyed(queue, INVOICE) == first
    await stage.jobs.cancel(stage.project, (await stage.job(first)).id)
    assert await stage.add_keyed(queue, INVOICE) != first


@pytest.mark.parametrize("succeeds", [True, False])
async def test_a_period_keeps_the_key_of_a_job_that_succeeded(stage: Stage, succeeds: bool) -> None:
    queue = await stage.queue()
    await stage.know("t")
    first = await stage.add_keyed(queue, HOURLY)
    job = await stage.claim_one(queue)
    assert await stage.finish(job, Succeeded() if succeeds else Failed(BOOM), policy=plain_policy(1))
    assert (await stage.add_keyed(queue, HOURLY) == first) is succeeds
    stage.clock.advance(3599)
    if succeeds:
        assert await stage.add_keyed(queue, HOURLY) == first
        stage.clock.advance(1)
        assert await stage.add_keyed(queue, HOURLY) != first


async def test_a_batch_with_duplicates_and_jobs_without_a_key(stage: Stage) -> None:
    queue = await stage.queue()
    taken = await stage.add_keyed(queue, JobKeys(key="a"))
    jobs = [stage.new(queue) for _ in range(6)]
    names = ["a", "b", None, "b", "a", "c"]
    keys = {job.id: JobKeys(key=name) for job, name in zip(jobs, names, strict=True) if name is not None}
    accepted = await stage.accept(*jobs, keys=keys)
    a, b, plain, _, _, c = (job.id for job in jobs)
    assert [accepted.standing[job.id] for job in jobs] == [taken, b, plain, b, taken, c]
    assert a not in accepted.standing.values()
    assert len(await stage.sql("SELECT id FROM jobs")) == 4


async def test_storing_again_after_a_lost_answer_answers_the_same(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    job = stage.new(queue)
    for _ in range(2):
        assert (await stage.accept(job, keys={job.id: HOURLY})).standing == {job.id: job.id}
    assert await stage.finish(await stage.claim_one(queue), Succeeded())
    assert (await stage.accept(job, keys={job.id: HOURLY})).standing == {job.id: job.id}
    assert len(await stage.sql("SELECT id FROM jobs")) == 1


async def test_all_or_nothing(stage: Stage) -> None:
    queue, closed = await stage.queue(), await stage.queue("closed", state=QueueState.CLOSED)
    jobs = [stage.new(queue), stage.new(closed)]
    with pytest.raises(QueueClosed, match="'closed' is closed"):
        await stage.accept(*jobs, keys={job.id: JobKeys(key=str(job.id)) for job in jobs})
    assert not await stage.sql("SELECT id FROM jobs")
    gone = stage.new(queue)._replace(queue_id=stage.mint())
    with pytest.raises(NotFound):
        await stage.accept(gone, keys={gone.id: INVOICE})


async def test_a_retry_by_hand_of_a_job_whose_key_is_taken(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    first = await stage.add_keyed(queue, INVOICE)
    job = await stage.claim_one(queue)
    assert await stage.finish(job, Failed(BOOM), policy=plain_policy(1))
    second = await stage.add_keyed(queue, INVOICE)
    with pytest.raises(Conflict, match=rf"'invoice-7' is taken by job {second}"):
        await stage.jobs.retry(stage.project, job.id, None)
    assert await stage.status(first) is JobStatus.FAILED
    await stage.jobs.cancel(stage.project, (await stage.job(second)).id)
    assert await stage.jobs.retry(stage.project, job.id, None) is JobStatus.FAILED
    assert await stage.status(first) is JobStatus.PENDING


async def test_the_database_itself_refuses_a_second_one(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.add(queue, 2)
    with pytest.raises(Exception, match=r"(?i)unique"):
        await stage.sql("UPDATE jobs SET key = 'same'")


async def test_many_who_enqueue_the_same_keys_at_once(stage: Stage) -> None:
    """Several engines stand for several processes; in between, jobs end and free their keys."""
    queue = await stage.queue()
    await stage.know("t")
    engines = [make_engine(stage.url, stage.clock, pool_size=6) for _ in range(4)]
    stores = [SqlJobStore(engine) for engine in engines]
    names = [f"k{number}" for number in range(5)]

    said: list[tuple[str, UUID, UUID]] = []
    ended = 0

    async def enqueue(store: SqlJobStore, turn: int) -> None:
        chosen = names[turn % 5 :] + names[: turn % 5]
        jobs = [stage.new(queue) for _ in chosen]
        keys = {job.id: JobKeys(key=name) for job, name in zip(jobs, chosen, strict=True)}
        accepted = await store.accept_ruled(stage.project, jobs, keys=keys, bounds=[])
        said.extend((name, job.id, accepted.standing[job.id]) for name, job in zip(chosen, jobs, strict=True))

    async def work() -> None:
        nonlocal ended
        for _ in range(12):
            for job in await stage.claim(queue, free=2):
                ended += await stage.finish(job, Succeeded())
            await asyncio.sleep(0)

    try:
        await asyncio.gather(*(enqueue(store, turn) for turn in range(6) for store in stores), work())
    finally:
        for engine in engines:
            await engine.close()
    created = {job_id for _, job_id, standing in said if job_id == standing}
    rows = await stage.sql("SELECT id, key, status FROM jobs")
    assert {str(row[0]) for row in rows} == {str(job_id) for job_id in created}
    key_of = {str(row[0]): row[1] for row in rows}
    assert all(key_of[str(standing)] == name for name, _, standing in said)
    assert 5 <= len(rows) <= 5 + ended
    unfinished = [row[1] for row in rows if row[2] in ("pending", "processing")]
    assert len(unfinished) == len(set(unfinished))


async def test_within_a_period_only_one_of_many_is_stored(stage: Stage) -> None:
    """Also when the first has ended before the others look."""
    queue = await stage.queue()
    await stage.know("t")
    engines = [make_engine(stage.url, stage.clock, pool_size=2) for _ in range(3)]
    stores = [SqlJobStore(engine) for engine in engines]

    async def enqueue(store: SqlJobStore, job: NewJob) -> UUID:
        accepted = await store.accept_ruled(stage.project, [job], keys={job.id: HOURLY}, bounds=[])
        return accepted.standing[job.id]

    async def work(queue: Queue) -> None:
        for _ in range(20):
            for job in await stage.claim(queue):
                await stage.finish(job, Succeeded())

    try:
        *standing, _ = await asyncio.gather(
            *(enqueue(store, stage.new(queue)) for _ in range(8) for store in stores), work(queue)
        )
    finally:
        for engine in engines:
            await engine.close()
    assert len(set(standing)) == 1
    assert len(await stage.sql("SELECT id FROM jobs")) == 1


NAMES = ["a", "b", "c"]
BATCHES = st.lists(st.lists(st.sampled_from([None, *NAMES]), min_size=1, max_size=6), min_size=2, max_size=8)
example = itertools.count()


@given(batches=BATCHES, ends=st.lists(st.integers(1, 3), max_size=4), stores=st.integers(2, 4))
@settings(
    max_examples=max(15, settings().max_examples // 5),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_whatever_is_enqueued_at_once_a_key_has_one_unfinished_job(
    stage: Stage, batches: list[list[str | None]], ends: list[int], stores: int
) -> None:
    """Batches with overlapping keys, from several processes, while jobs end: losers get the id of who has the key."""
    round_ = f"round {next(example)} "
    queue = await stage.queue(round_)
    await stage.know("t")
    engines = [make_engine(stage.url, stage.clock, pool_size=2) for _ in range(stores)]
    asked: dict[UUID, str | None] = {}
    standing: dict[UUID, UUID] = {}
    ended: set[UUID] = set()

    async def enqueue(store: SqlJobStore, names: list[str | None]) -> None:
        jobs = [stage.new(queue) for _ in names]
        asked.update({job.id: name for job, name in zip(jobs, names, strict=True)})
        keys = {
            job.id: JobKeys(key=round_ + name)
            for job, name in zip(jobs, names, strict=True)
            if name is not None
        }
        accepted = await store.accept_ruled(stage.project, jobs, keys=keys, bounds=[])
        standing.update(accepted.standing)
        for name in {name for name in names if name is not None}:
            told = {accepted.standing[job.id] for job in jobs if asked[job.id] == name}
            assert len(told) == 1, "one answer for all of a batch"

    async def work() -> None:
        for free in ends:
            for job in await stage.claim(queue, free=free):
                if await stage.finish(job, Succeeded()):
                    ended.add(job.id)

    try:
        await asyncio.gather(
            *(enqueue(SqlJobStore(engines[number % stores]), names) for number, names in enumerate(batches)),
            work(),
        )
    finally:
        for engine in engines:
            await engine.close()
    rows = await stage.sql(f"SELECT id, status FROM jobs WHERE queue_id = '{queue.id}'")
    stored = {UUID(str(job_id)): status for job_id, status in rows}
    assert set(stored) == {job_id for job_id in asked if standing.get(job_id, job_id) == job_id}
    assert all(asked[owner] == asked[job_id] for job_id, owner in standing.items())
    for name in NAMES:
        own = [job_id for job_id in stored if asked[job_id] == name]
        assert len([job_id for job_id in own if job_id not in ended]) <= 1
        assert bool(own) == any(name in names for names in batches)
    assert {job_id for job_id, status in stored.items() if status == "succeeded"} == ended
