"""Queues that may only be so long, or so old."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.errors import QueueFull
from taskforge.domain.job import JobStatus
from taskforge.domain.keys import JobKeys
from taskforge.domain.outcome import Failed, Succeeded
from taskforge.storage.jobs import SqlJobStore
from tests.conformance.stage import BOOM, Stage, make_engine

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.queue import Queue

pytestmark = pytest.mark.anyio


async def offer(stage: Stage, queue: Queue, count: int = 1, **values: object) -> list[UUID]:
    """Jobs for a bounded queue, in one call."""
    jobs = [stage.new(queue, **values) for _ in range(count)]  # type: ignore[arg-type]
    return list((await stage.accept(*jobs, queues=[queue])).standing.values())


async def waiting(stage: Stage) -> int:
    return (await stage.history.counts(stage.project))[JobStatus.PENDING]


async def test_a_full_queue_refuses_and_says_which_bound(stage: Stage) -> None:
    queue = await stage.queue("small", max_length=3)
    await stage.know("t")
    await offer(stage, queue, 2)
    with pytest.raises(QueueFull, match="'small' is full: 2 jobs wait, 3 may") as caught:
        await offer(stage, queue, 2)
    assert (caught.value.queue, caught.value.bound, caught.value.code) == (
        "small",
        "max_length",
        "queue_full",
    )
    assert await waiting(stage) == 2
    await offer(stage, queue)
    job = await stage.claim_one(queue)
    await offer(stage, queue)
    assert await stage.finish(job, Succeeded())
    assert await waiting(stage) == 3


async def test_held_jobs_count_and_scheduled_ones_do_not(stage: Stage) -> None:
    queue = await stage.queue(max_length=2)
    await offer(stage, queue, 2)  # nobody knows their type
    await offer(stage, queue, 3, delay_us=60_000_000)
    with pytest.raises(QueueFull):
        await offer(stage, queue)


async def test_the_next_job_has_waited_too_long(stage: Stage) -> None:
    queue = await stage.queue(max_age_seconds=60)
    await stage.know("t")
    await offer(stage, queue)
    stage.clock.advance(60)
    await offer(stage, queue)
    stage.clock.advance(1)
    with pytest.raises(QueueFull, match="the next job has waited 61 s, 60 s are allowed"):
        await offer(stage, queue)
    assert await stage.finish(await stage.claim_one(queue), Succeeded())
    await offer(stage, queue)


async def test_the_oldest_of_the_lowest_priority_make_room(stage: Stage) -> None:
    queue = await stage.queue(max_length=3, on_full="drop_oldest")
    await stage.know("t")
    [urgent] = await offer(stage, queue, priority=9)
    stage.clock.advance(1)
    low = await offer(stage, queue, 2)
    accepted = await stage.accept(stage.new(queue), queues=[queue])
    assert accepted.dropped == 1
    dropped = await stage.job(low[0])
    assert (dropped.status, dropped.failure) == (JobStatus.FAILED, "queue_full")
    assert await stage.status(urgent) is JobStatus.PENDING
    [ending] = await stage.history.endings(stage.project, [low[0]])
    assert ending.error_type == "queue_full"
    assert await waiting(stage) == 3
    with pytest.raises(QueueFull):
        await offer(stage, queue, 4)


async def test_what_is_too_old_makes_room(stage: Stage) -> None:
    queue = await stage.queue(max_age_seconds=60, on_full="drop_oldest")
    await stage.know("t")
    old = await offer(stage, queue, 3)
    stage.clock.advance(61)
    await offer(stage, queue)
    assert {await stage.status(job_id) for job_id in old} == {JobStatus.FAILED}
    assert await waiting(stage) == 1


async def test_a_job_that_runs_is_never_dropped(stage: Stage) -> None:
    queue = await stage.queue(max_length=1, on_full="drop_oldest")
    await stage.know("t")
    await offer(stage, queue)
    job = await stage.claim_one(queue)
    [second] = await offer(stage, queue)
    await offer(stage, queue)
    assert await stage.status(second) is JobStatus.FAILED
    assert await stage.finish(job, Failed(BOOM, retry_after=1))


async def test_a_backlog_from_before_the_bound_shrinks(stage: Stage) -> None:
    queue = await stage.queue(max_length=10, on_full="drop_oldest")
    await stage.know("t")
    await stage.add(queue, 1500)
    await offer(stage, queue)
    assert await waiting(stage) == 500
    await offer(stage, queue)
    assert await waiting(stage) == 10


async def test_who_has_the_key_needs_no_room(stage: Stage) -> None:
    queue = await stage.queue(max_length=1)
    await stage.know("t")
    first = stage.new(queue)
    again = stage.new(queue)
    keys = {first.id: JobKeys(key="k"), again.id: JobKeys(key="k")}
    await stage.accept(first, keys=keys, queues=[queue])
    assert (await stage.accept(again, keys=keys, queues=[queue])).standing == {again.id: first.id}
    for _ in range(2):  # an answer that was lost is asked for again
        assert (await stage.accept(first, keys=keys, queues=[queue])).standing == {first.id: first.id}
    plain = await stage.queue("plain", max_length=1)
    job = stage.new(plain)
    for _ in range(2):
        assert (await stage.accept(job, queues=[plain])).standing == {job.id: job.id}


@pytest.mark.parametrize("on_full", ["reject", "drop_oldest"])
async def test_many_callers_do_not_overshoot(stage: Stage, on_full: str) -> None:
    queue = await stage.queue(max_length=10, on_full=on_full)
    await stage.know("t")
    engines = [make_engine(stage.url, stage.clock, pool_size=2) for _ in range(4)]
    refused = 0

    async def enqueue(store: SqlJobStore) -> None:
        nonlocal refused
        for _ in range(5):
            try:
                await store.accept_ruled(
                    stage.project,
                    [stage.new(queue), stage.new(queue)],
                    keys={},
                    bounds=[queue.bound],  # type: ignore[list-item]
                )
            except QueueFull:
                refused += 1

    try:
        await asyncio.gather(*(enqueue(SqlJobStore(engine)) for engine in engines))
    finally:
        for engine in engines:
            await engine.close()
    assert await waiting(stage) == 10
    assert refused == (15 if on_full == "reject" else 0)


@pytest.mark.parametrize("on_full", ["reject", "drop_oldest"])
async def test_requests_with_one_key_need_room_for_one_job(stage: Stage, on_full: str) -> None:
    queue = await stage.queue(max_length=2, on_full=on_full)
    await offer(stage, queue)
    jobs = [stage.new(queue) for _ in range(3)]
    accepted = await stage.accept(*jobs, keys={job.id: JobKeys(key="k") for job in jobs}, queues=[queue])
    assert set(accepted.standing.values()) == {jobs[0].id}
    assert accepted.dropped == 0
    assert await waiting(stage) == 2
