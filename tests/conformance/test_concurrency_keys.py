"""At most so many jobs of a concurrency key have a place, and every end of one gives its place on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.domain.ids import JobId
from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.keys import ConcurrencyKey, JobKeys
from taskforge.domain.outcome import Cancelled, Failed, Lost, Released, Snoozed, Succeeded
from taskforge.domain.pause import PauseKind
from taskforge.services.pauses import PauseWork
from taskforge.storage.pauses import SqlPauseStore
from tests.conformance.stage import BOOM, LEASE, Stage, plain_policy, settlement

if TYPE_CHECKING:
    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.outcome import Outcome
    from taskforge.domain.queue import Queue

pytestmark = pytest.mark.anyio


def customer(limit: int = 1, key: str = "customer-1") -> JobKeys:
    return JobKeys(concurrency_key=key, concurrency_limit=limit)


async def line_up(stage: Stage, queue: Queue, count: int, limit: int = 1) -> list[UUID]:
    return [await stage.add_keyed(queue, customer(limit)) for _ in range(count)]


async def ready(stage: Stage) -> list[UUID]:
    """The jobs that may be claimed, oldest first."""
    rows = await stage.sql("SELECT id FROM jobs WHERE status = 'pending' AND hold IS NULL ORDER BY rank, id")
    return [UUID(str(row[0])) for row in rows]


async def out_of_step(stage: Stage) -> list[ConcurrencyKey]:
    return list((await stage.jobs.keys_out_of_step(None, 100))[0])


async def test_so_many_have_a_place_and_the_rest_wait_in_order(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = await line_up(stage, queue, 5, limit=2)
    assert await ready(stage) == ids[:2]
    assert (await stage.job(ids[2])).hold is Hold.KEY
    first, second = await stage.claim(queue)
    assert not await stage.claim(queue)
    assert await stage.finish(first, Succeeded())
    assert await ready(stage) == [ids[2]]
    assert await stage.finish(second, Failed(BOOM), policy=plain_policy(1))
    assert await ready(stage) == ids[2:4]
    assert not await out_of_step(stage)


OUTCOMES: dict[str, Outcome] = {
    "succeeded": Succeeded(),
    "with a state": Succeeded("1"),
    "retried": Failed(BOOM, retry_after=60),
    "dead": Failed(BOOM, final=True),
    "snoozed": Snoozed(60),
    "cancelled": Cancelled("no"),
}


@pytest.mark.parametrize("name", OUTCOMES)
async def test_every_end_of_an_attempt_lets_the_next_one_go(stage: Stage, name: str) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = await line_up(stage, queue, 2)
    job = await stage.claim_one(queue)
    assert await stage.finish(job, OUTCOMES[name], state='"s"' if name == "with a state" else None)
    assert await ready(stage) == [ids[1]]
    assert not await out_of_step(stage)


async def test_what_is_handed_back_goes_first_again(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = await line_up(stage, queue, 2)
    assert await stage.finish(await stage.claim_one(queue), Released())
    assert await ready(stage) == [ids[0]]


async def test_a_retry_stands_in_line_when_it_is_due(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = await line_up(stage, queue, 2)
    assert await stage.finish(await stage.claim_one(queue), Failed(BOOM, retry_after=5))
    second = await stage.claim_one(queue)
    stage.clock.advance(6)
    assert await stage.jobs.promote(None, 10) == 1
    assert (await stage.job(ids[0])).hold is Hold.KEY
    assert await stage.finish(second, Succeeded())
    assert await ready(stage) == [ids[0]]


async def test_a_scheduled_job_takes_no_place_before_it_is_due(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    later = await stage.add_keyed(queue, customer(), delay_us=10_000_000)
    now = await stage.add_keyed(queue, customer())
    assert await ready(stage) == [now]
    assert await stage.finish(await stage.claim_one(queue), Succeeded())
    stage.clock.advance(11)
    assert await stage.jobs.promote(stage.project, 10) == 1
    assert await ready(stage) == [later]


async def test_a_lost_job_keeps_its_suspicion(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = await line_up(stage, queue, 2)
    job = await stage.claim_one(queue)
    stage.clock.advance(LEASE + 1)
    [expired] = await stage.jobs.expired_leases([], None, 10)
    assert expired.concurrency_key == "customer-1"
    assert await stage.settle(settlement(job, Lost(blamed=True), lost_only=True))
    assert (await stage.job(ids[0])).hold is Hold.SUSPECT
    assert not await ready(stage)
    assert [found.id for found in await stage.claim(queue)] == [ids[0]]


@pytest.mark.parametrize("act", ["cancel", "delete", "expire", "drop"])
async def test_a_waiting_job_that_goes_leaves_its_place(stage: Stage, act: str) -> None:
    queue = await stage.queue(max_length=2, on_full="drop_oldest")
    await stage.know("t")
    expires_at = stage.clock.now() if act == "expire" else None
    first = await stage.add_keyed(queue, customer(), expires_at=expires_at)
    second = await stage.add_keyed(queue, customer())
    assert await ready(stage) == [first]
    if act == "expire":
        assert await stage.jobs.expire_waiting(10) == 1
    elif act == "drop":
        accepted = await stage.accept(stage.new(queue), queues=[queue])
        assert accepted.dropped == 1
    else:
        await getattr(stage.jobs, act)(stage.project, first)
    assert second in await ready(stage)
    assert not await out_of_step(stage)


async def test_a_type_that_becomes_known_stands_in_line(stage: Stage) -> None:
    queue = await stage.queue()
    ids = await line_up(stage, queue, 2)
    assert [(await stage.job(job_id)).hold for job_id in ids] == [Hold.NO_WORKER] * 2
    await stage.know("t")
    assert await stage.jobs.release_holds(10) == 2
    assert await ready(stage) == ids[:1]


async def test_a_pause_gives_places_on_and_resuming_asks_for_them(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t", "u")
    first = await stage.add_keyed(queue, customer())
    waiting = await stage.add_keyed(queue, customer())
    other = await stage.add_keyed(queue, customer(), "u")
    pauses = SqlPauseStore(stage.engine, stage.mint)
    work = PauseWork(pauses, stage.queues, LocalSignals(Hub()))
    pause, _ = await pauses.create(stage.project, PauseKind.TYPE, "t", None, None)
    # a place that is given while the pause is being carried out is not given to what it pauses
    await stage.jobs.cancel(stage.project, (await stage.job(first)).id)
    assert (await stage.job(waiting)).hold is Hold.PAUSED
    assert await ready(stage) == [other]
    await work.carry_out(pause)
    removed = await pauses.remove(stage.project, PauseKind.TYPE, "t")
    assert removed is not None
    await work.carry_out(removed)
    assert (await stage.job(waiting)).hold is Hold.KEY
    assert await ready(stage) == [other]
    assert await stage.finish(await stage.claim_one(queue, types=["u"]), Succeeded())
    assert await ready(stage) == [waiting]


async def test_the_last_one_who_says_the_limit_is_right(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = await line_up(stage, queue, 3)
    ids.append(await stage.add_keyed(queue, customer(3)))
    assert await ready(stage) == ids[:3]
    await stage.add_keyed(queue, customer(1))  # kills nothing, lets nobody else go
    jobs = await stage.claim(queue)
    assert await stage.finish(jobs[0], Succeeded())
    assert not await ready(stage)


async def test_keys_are_forgotten_with_their_last_job(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    [job_id] = await line_up(stage, queue, 1, limit=4)
    assert await stage.finish(await stage.claim_one(queue), Failed(BOOM, final=True))
    assert not await stage.sql("SELECT key FROM concurrency_keys")
    assert await stage.jobs.retry(stage.project, (await stage.job(job_id)).id, None) is JobStatus.FAILED
    assert [tuple(row) for row in await stage.sql("SELECT key, places FROM concurrency_keys")] == [
        ("customer-1", 4)
    ]
    assert await ready(stage) == [job_id]


async def test_recovery_gives_what_a_crash_has_left(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = await line_up(stage, queue, 2)
    recovery = stage.recovery()
    assert (await recovery.sweep()).placed == 0
    await stage.sql(f"DELETE FROM jobs WHERE id = '{ids[0]}'")
    assert (await recovery.sweep()).placed == 1
    assert await ready(stage) == [ids[1]]
    await stage.sql("DELETE FROM jobs")
    await recovery.sweep()
    assert not await stage.sql("SELECT key FROM concurrency_keys")


LIMITS = {"a": 1, "b": 3}


class Bustle:
    """Programs that enqueue, workers and someone who cancels, all at once."""

    def __init__(self, stage: Stage, queue: Queue) -> None:
        self.stage = stage
        self.queue = queue
        self.running = dict.fromkeys(LIMITS, 0)
        self.done: set[UUID] = set()
        self.enqueued = 0

    async def enqueue(self, key: str) -> None:
        for _ in range(5):
            jobs = [self.stage.new(self.queue) for _ in range(3)]
            await self.stage.accept(*jobs, keys={job.id: customer(LIMITS[key], key) for job in jobs})
            self.enqueued += len(jobs)

    async def is_over(self) -> bool:
        counts = await self.stage.history.counts(self.stage.project)
        return self.enqueued == 60 == counts[JobStatus.SUCCEEDED] + counts[JobStatus.CANCELLED]

    async def run(self, job: ClaimedJob, outcome: Outcome) -> None:
        key = job.concurrency_key or ""
        self.running[key] += 1
        assert self.running[key] <= LIMITS[key]
        await asyncio.sleep(0)
        self.running[key] -= 1
        assert await self.stage.finish(job, outcome)
        if isinstance(outcome, Succeeded):
            self.done.add(job.id)

    async def work(self, seed: int) -> None:
        while not await self.is_over():
            for job in await self.stage.claim(self.queue, free=2, suspects=0):
                await self.run(job, Released() if (job.claim_seq + seed) % 3 == 0 else Succeeded())
            await asyncio.sleep(0.001)

    async def cancel(self) -> None:
        for _ in range(5):
            for row in await self.stage.sql("SELECT id FROM jobs WHERE status = 'pending' LIMIT 1"):
                await self.stage.jobs.cancel(self.stage.project, JobId(UUID(str(row[0]))))
            await asyncio.sleep(0.005)


async def test_settle_and_enqueue_and_cancel_at_once(stage: Stage) -> None:
    """Never more than the limit at once, and nobody is left behind."""
    bustle = Bustle(stage, await stage.queue())
    await stage.know("t")
    async with asyncio.timeout(60):
        await asyncio.gather(
            *(bustle.enqueue(key) for key in ("a", "a", "b", "b")),
            *(bustle.work(seed) for seed in range(3)),
            bustle.cancel(),
        )
    counts = await stage.history.counts(stage.project)
    assert counts[JobStatus.SUCCEEDED] == len(bustle.done)
    assert not await out_of_step(stage)
    assert not await stage.sql("SELECT key FROM concurrency_keys")


async def test_a_ruled_queue_tells_the_key_as_well(stage: Stage) -> None:
    queue = await stage.queue(max_concurrent_jobs=5)
    await stage.know("t")
    ids = await line_up(stage, queue, 2)
    job = await stage.claim_one(queue)
    assert job.concurrency_key == "customer-1"
    assert await stage.finish(job, Succeeded())
    assert [found.id for found in await stage.claim(queue)] == ids[1:]
