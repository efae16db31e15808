"""Recovery's one question: each kind of work is told when there is some, and only then.

What it does not tell, no sweep does; what it tells in vain, every process does in vain, again and again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.access import system
from taskforge.domain.alert_rule import RuleKind
from taskforge.domain.breaker import BreakerSettings
from taskforge.domain.delivery import QUEUE as DELIVERIES
from taskforge.domain.ids import JobId, WorkerId
from taskforge.domain.keys import JobKeys
from taskforge.domain.outcome import Failed, Lost, Succeeded
from taskforge.domain.queue import QueueState
from taskforge.ports.acting import acting
from taskforge.ports.jobs import Chore, IdleBeat
from taskforge.storage.errors import SqlErrorKeeper
from taskforge.storage.recording import SqlRecordKeeper
from tests.conformance.stage import BOOM, LEASE, NOON, PROCESS, registration
from tests.conformance.test_alerts import Watch
from tests.conformance.test_notices import Desk

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.ports.jobs import Outlook
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

SILENCE = 100
INSTANT = 0.000_001
KINDS = (
    "expired_leases",
    "due",
    "late",
    "held",
    "unfinished_pauses",
    "silent_workers",
    "keyed",
    "has_breakers",
)


async def look(stage: Stage, machine: str = "none", *, soon: int = 0) -> Outlook:
    return await stage.jobs.outlook(machine, SILENCE * 1_000_000, soon * 1_000_000)


async def kinds(stage: Stage) -> set[str]:
    found = await look(stage)
    return {kind for kind in KINDS if getattr(found, kind)}


async def has_chore(stage: Stage, chore: Chore) -> bool:
    return chore in (await look(stage)).chores


async def test_nothing_is_to_be_done_while_all_is_well(stage: Stage) -> None:
    assert await kinds(stage) == set()
    queue = await stage.queue()
    worker = await stage.know("t")
    await stage.add(queue, 2)
    await stage.add(queue, delay_us=2_000_000, expires_at=NOON + timedelta(seconds=10))
    await stage.claim_one(queue)
    await stage.finish(await stage.claim_one(queue), Succeeded("1"))
    stage.clock.advance(1)
    assert await kinds(stage) == set()
    await stage.workers.stop(worker)
    assert await kinds(stage) == set()


async def test_a_lease_that_has_run_out(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    stage.clock.advance(LEASE)
    assert await kinds(stage) == set()
    stage.clock.advance(INSTANT)
    assert await kinds(stage) == {"expired_leases"}
    await stage.finish(job, Succeeded("1"))
    assert await kinds(stage) == set()


async def test_what_is_due_of_any_queue(stage: Stage) -> None:
    await stage.know("t")
    for name, state in (("first", QueueState.PAUSED), ("second", QueueState.ACTIVE)):
        await stage.add(await stage.queue(name, state=state), delay_us=2_000_000)
        assert await kinds(stage) == set()
        stage.clock.advance(2 - INSTANT)
        assert await kinds(stage) == set()
        stage.clock.advance(INSTANT)
        assert await kinds(stage) == {"due"}
        assert await stage.jobs.promote(None, 10) == 1
        assert await kinds(stage) == set()


@pytest.mark.parametrize("delay_us", [None, 10**9])
async def test_what_has_waited_too_long(stage: Stage, delay_us: int | None) -> None:
    queue = await stage.queue()
    await stage.know("t")
    limit = NOON + timedelta(seconds=10)
    [started] = await stage.add(queue, expires_at=limit)
    assert (await stage.claim_one(queue)).id == started
    await stage.add(queue, delay_us=delay_us, expires_at=limit)
    stage.clock.advance(10 - INSTANT)
    assert await kinds(stage) == set()
    stage.clock.advance(INSTANT)
    assert await kinds(stage) == {"late"}
    assert await stage.jobs.expire_waiting(10) == 1
    assert await kinds(stage) == set()


async def test_what_is_held_in_vain_of_a_type_that_its_own_project_knows(stage: Stage) -> None:
    other = await stage.other_project()
    await stage.add(await stage.queue(), 1, "b")
    await stage.know("b", project=other)
    await stage.know("a", "c")
    assert await kinds(stage) == set()
    await stage.know("b")
    assert await kinds(stage) == {"held"}
    assert await stage.jobs.release_holds(10) == 1
    assert await kinds(stage) == set()


async def test_a_worker_that_is_silent(stage: Stage) -> None:
    worker = await stage.know("t")
    stage.clock.advance(SILENCE)
    assert await kinds(stage) == set()
    stage.clock.advance(INSTANT)
    assert await kinds(stage) == {"silent_workers"}
    assert await stage.workers.forget([], SILENCE * 1_000_000) == [worker]
    assert await kinds(stage) == set()


async def test_keys_and_breakers_while_there_are_any(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    job_id = await stage.add_keyed(queue, JobKeys(concurrency_key="k", concurrency_limit=1))
    assert await kinds(stage) == {"keyed"}
    await stage.jobs.cancel(stage.project, JobId(job_id))
    assert await kinds(stage) == set()
    assert await stage.breakers.create(stage.project, "t", BreakerSettings()) is not None
    assert await kinds(stage) == {"has_breakers"}


async def test_who_is_registered_on_this_machine(stage: Stage) -> None:
    """Also one that was given up, as long as a job of it runs and it may still come back."""

    async def present() -> set[UUID]:
        return {worker for worker, _ in (await look(stage, "here")).present}

    workers = {}
    for name, machine in (("well", "here"), ("gone", "here"), ("at work", "here"), ("elsewhere", "there")):
        workers[name] = WorkerId(stage.mint())
        process = replace(PROCESS, machine=machine, pid=len(workers))
        told = registration(name, "t", process=process)
        await stage.workers.register(stage.project, workers[name], told, round(LEASE * 1e6))
    queue = await stage.queue()
    await stage.add(queue)
    job = await stage.claim_one(queue, worker=workers["at work"], lease=10**6)
    assert await present() == {workers["well"], workers["gone"], workers["at work"]}
    await stage.workers.forget([workers["gone"], workers["at work"], workers["elsewhere"]], 10**15)
    assert await present() == {workers["well"], workers["at work"]}
    stage.clock.advance(SILENCE - INSTANT)
    assert await present() == {workers["well"], workers["at work"]}
    await stage.finish(job, Succeeded("1"))
    assert await present() == {workers["well"]}
    await stage.workers.stop(workers["well"])
    assert await present() == set()
    assert (await look(stage, "there")).present == []


async def test_who_was_given_up_long_ago_is_not_looked_for(stage: Stage) -> None:
    worker = WorkerId(stage.mint())
    process = replace(PROCESS, machine="here")
    await stage.workers.register(stage.project, worker, registration("w", "t", process=process), 10**6)
    queue = await stage.queue()
    await stage.add(queue)
    await stage.claim_one(queue, worker=worker, lease=10**6)
    await stage.workers.forget([worker], 10**15)
    stage.clock.advance(SILENCE)
    assert (await look(stage, "here")).present == []


async def test_a_suspect_and_what_comes_soon_are_ready_unless_their_queue_is_paused(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    await stage.queue("another")
    assert not (await look(stage)).ready
    await stage.finish(job, Lost(blamed=True))
    assert (await look(stage)).ready
    assert await has_chore(stage, Chore.COMPARE)
    await stage.write(replace(queue, state=QueueState.PAUSED))
    assert not (await look(stage)).ready
    assert not await has_chore(stage, Chore.COMPARE)
    await stage.write(replace(queue, state=QueueState.ACTIVE))
    await stage.finish(await stage.claim_one(queue), Succeeded("1"))
    assert not (await look(stage)).ready
    await stage.add(queue, delay_us=5_000_000)
    assert not (await look(stage, soon=4)).ready
    assert (await look(stage, soon=5)).ready
    assert not await has_chore(stage, Chore.COMPARE)


async def test_deliveries_that_may_run_are_told_of_and_no_other_jobs(stage: Stage) -> None:
    plain, deliveries = await stage.queue("plain"), await stage.queue(DELIVERIES)
    await stage.finish(await stage.start(plain), Lost(blamed=True))
    await stage.add(plain)
    await stage.add(plain, delay_us=1)
    await stage.add(deliveries, 1, "unknown")
    stage.clock.advance(1)
    assert not await has_chore(stage, Chore.DELIVER)

    await stage.add(deliveries, delay_us=2_000_000)
    assert not await has_chore(stage, Chore.DELIVER)
    stage.clock.advance(2)
    assert await has_chore(stage, Chore.DELIVER), "one is due"
    await stage.jobs.promote(None, 10)
    assert await has_chore(stage, Chore.DELIVER), "it is ready"
    job = await stage.claim_one(deliveries)
    assert not await has_chore(stage, Chore.DELIVER)
    await stage.finish(job, Lost(blamed=True))
    assert await has_chore(stage, Chore.DELIVER), "its worker was lost"
    await stage.finish(await stage.claim_one(deliveries), Failed(BOOM, retry_after=60))
    assert not await has_chore(stage, Chore.DELIVER)
    stage.clock.advance(60)
    assert await has_chore(stage, Chore.DELIVER)
    await stage.write(replace(deliveries, state=QueueState.PAUSED))
    assert not await has_chore(stage, Chore.DELIVER)


async def test_what_is_not_due_yet_or_runs_already_is_not_ready(stage: Stage) -> None:
    queue, ruled = await stage.queue(), await stage.queue("ruled", max_concurrent_jobs=1)
    await stage.queue("another")
    await stage.finish(await stage.start(ruled), Lost(blamed=True))
    assert (await look(stage)).ready
    assert not await has_chore(stage, Chore.COMPARE)
    suspect = await stage.claim_one(ruled)
    await stage.finish(suspect, Failed(BOOM, retry_after=60))
    assert not (await look(stage)).ready
    await stage.write(replace(ruled, state=QueueState.PAUSED))
    assert not (await look(stage, soon=60)).ready
    await stage.add(queue, delay_us=1_000_000)
    stage.clock.advance(1)
    await stage.jobs.promote(None, 10)
    await stage.claim_one(queue)
    assert not (await look(stage)).ready


async def test_what_is_ready_under_a_rule_is_not_compared(stage: Stage) -> None:
    ruled = await stage.queue("ruled", max_concurrent_jobs=1)
    await stage.queue("plain")
    await stage.know("t")
    await stage.add(ruled)
    assert (await look(stage)).ready
    assert not await has_chore(stage, Chore.COMPARE)


async def test_an_end_that_somebody_asked_for_afterwards_is_to_be_told(stage: Stage) -> None:
    desk, queue = Desk(stage), await stage.queue()
    await stage.know("t")
    with acting(system("test")):
        await desk.receiver("ops")
        await stage.add_keyed(queue, JobKeys(notify=("ops",)))
        job_id = await stage.add_keyed(queue, JobKeys("k", 60_000_000))
        jobs = {job.id: job for job in await stage.claim(queue)}
        await stage.finish(jobs[JobId(job_id)], Succeeded("1"))
        assert not await has_chore(stage, Chore.DELIVER)
        assert await stage.add_keyed(queue, JobKeys("k", 60_000_000, notify=("ops",))) == job_id
        assert await has_chore(stage, Chore.DELIVER)
        assert len(await desk.told()) == 1
    [deliveries] = [queue for queue in await stage.queues.list(stage.project) if queue.name == DELIVERIES]
    await stage.write(replace(deliveries, state=QueueState.PAUSED))
    assert not await has_chore(stage, Chore.DELIVER)


async def test_a_rule_of_alerts_that_is_disabled_is_no_chore(stage: Stage) -> None:
    watch = Watch(stage)
    with acting(system("test")):
        spec = (await watch.rule(RuleKind.DEAD_LETTERS, threshold=1)).spec
        assert await has_chore(stage, Chore.ALERT)
        await stage.sql("DELETE FROM alert_rules")
        kind = RuleKind.DEAD_LETTERS
        assert await watch.store.create_rule(stage.project, kind, spec, enabled=False, most=9)
    assert not await has_chore(stage, Chore.ALERT)


async def test_failures_are_to_be_folded_when_attempts_are(stage: Stage) -> None:
    await stage.bury(await stage.queue())
    await SqlRecordKeeper(stage.engine).fold(100)
    assert await has_chore(stage, Chore.FOLD)
    await SqlErrorKeeper(stage.engine, stage.mint).fold(100)
    assert not await has_chore(stage, Chore.FOLD)


async def test_a_worker_that_asks_hears_of_itself(stage: Stage) -> None:
    leaving, worker = [await stage.know(name) for name in ("a", "b")]
    await stage.workers.set_drain(stage.project, leaving, drain=True)
    await stage.workers.resize(stage.project, leaving, 3)
    for asks, expected in ((worker, (False, 10)), (leaving, (True, 3))):
        answer = (await stage.jobs.outlook("none", 10**15, beat=IdleBeat(asks))).answer
        assert answer is not None
        assert (answer.drain, answer.capacity) == expected


async def test_what_is_ready_is_sampled_and_what_runs(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue)
    assert await has_chore(stage, Chore.SAMPLE)
    job = await stage.claim_one(queue)
    assert await has_chore(stage, Chore.SAMPLE)
    await stage.finish(job, Succeeded("1"))
    assert not await has_chore(stage, Chore.SAMPLE)
