"""The one question of an idle process: what every chore has to do is in its answer, and nothing else is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from taskforge.domain.access import system
from taskforge.domain.alert_rule import RuleKind
from taskforge.domain.ids import JobId
from taskforge.domain.outcome import Succeeded
from taskforge.domain.queue import QueueState
from taskforge.ports.acting import acting
from taskforge.ports.jobs import Chore
from taskforge.storage.audit import SqlAuditStore
from taskforge.storage.errors import SqlErrorKeeper
from taskforge.storage.recording import SqlRecordKeeper
from tests.conformance.test_alerts import Watch
from tests.conformance.test_notices import Desk, end

if TYPE_CHECKING:
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


async def chores(stage: Stage) -> frozenset[Chore]:
    return (await stage.jobs.outlook("none", 10**15)).chores - {Chore.COMPARE, Chore.SAMPLE}


async def test_what_could_be_handed_out_is_to_be_compared(stage: Stage) -> None:
    async def is_told() -> bool:
        return Chore.COMPARE in (await stage.jobs.outlook("none", 10**15)).chores

    queue = await stage.queue("emails")
    ruled = await stage.queue("slow", max_concurrent_jobs=1)
    assert not await is_told()
    await stage.add(ruled)
    await stage.add(queue)  # of a type that no worker knows
    assert not await is_told()
    await stage.know("t")
    before = (await stage.jobs.outlook("none", 10**15)).configuration
    await stage.add(queue)
    assert await is_told()
    assert len((await stage.claim_batch(queue)).jobs) == 1
    assert not await is_told()
    await stage.queue("new")
    assert (await stage.jobs.outlook("none", 10**15)).configuration > before


async def test_a_lull_is_told_only_while_nothing_could_be_claimed(stage: Stage) -> None:
    recovery, lull = stage.recovery(), stage.lull

    async def is_lull() -> bool:
        await recovery.look()
        return lull.left() > 0

    queue = await stage.queue("emails")
    ruled = await stage.queue("slow", max_concurrent_jobs=1)
    assert not await is_lull(), "what the configuration is has to be heard of first"
    assert await is_lull()
    await stage.add(queue)  # of a type that no worker knows
    assert await is_lull()
    await stage.know("t")
    await stage.add(ruled)
    assert not await is_lull()
    assert len((await stage.claim_batch(ruled)).jobs) == 1
    assert await is_lull()
    await stage.add(queue, delay_us=31_000_000)
    assert await is_lull()
    stage.clock.advance(2)
    assert not await is_lull(), "it is due within the time for which a look stands"
    stage.clock.advance(-2)
    assert await is_lull()
    await stage.queue("new")
    assert not await is_lull()
    assert await is_lull()
    await stage.add(await stage.queue("stopped", state=QueueState.PAUSED))
    assert not await is_lull()
    assert await is_lull()


async def test_each_chore_is_told_while_it_waits(stage: Stage) -> None:
    audit = SqlAuditStore(stage.engine)
    seal = partial(seal_all, audit)
    await seal()
    assert await chores(stage) == frozenset()
    with acting(system("test")):
        desk = Desk(stage)
        ops = await desk.receiver("ops")
        queue = await stage.queue("exports", notify=(str(ops.id),))
        await stage.know("t")
        await stage.add(queue)
        assert await chores(stage) == {Chore.SEAL}
        await seal()
        assert await chores(stage) == frozenset()
        await end(stage, await stage.claim_one(queue), Succeeded("1"))
        assert await chores(stage) == {Chore.FOLD, Chore.DELIVER}
        await SqlRecordKeeper(stage.engine).fold(100)
        await SqlErrorKeeper(stage.engine, uuid4).fold(100)
        assert await chores(stage) == {Chore.DELIVER}
        assert await desk.told()
        await seal()
        assert await chores(stage) == {Chore.DELIVER}, "what is to be delivered is due"


async def test_a_rule_whose_turn_has_come_is_a_chore(stage: Stage) -> None:
    watch = Watch(stage)
    assert Chore.ALERT not in await chores(stage)
    with acting(system("test")):
        await watch.rule(RuleKind.DEAD_LETTERS, threshold=1)
    assert Chore.ALERT in await chores(stage)
    await watch.look()
    assert Chore.ALERT not in await chores(stage)
    assert watch.evaluating.due_in is not None
    stage.clock.advance(watch.evaluating.due_in)
    assert Chore.ALERT in await chores(stage)


async def test_queues_are_sampled_while_they_hold_something_and_once_when_not(stage: Stage) -> None:
    keeper, queue = SqlRecordKeeper(stage.engine), await stage.queue("emails")

    async def is_told() -> bool:
        return Chore.SAMPLE in (await stage.jobs.outlook("none", 10**15)).chores

    async def next_minute() -> None:
        await keeper.sample_queues(10)
        assert not await is_told(), "it was done in this minute"
        stage.clock.advance(60)

    assert not await is_told()
    [held] = await stage.add(queue)  # of a type that no worker knows
    assert await is_told()
    await next_minute()
    assert await is_told(), "it waits still"
    await next_minute()
    await stage.jobs.cancel(stage.project, JobId(held))
    assert await is_told(), "that nothing waits is to be seen"
    await next_minute()
    assert not await is_told()
    await stage.add(queue, delay_us=10**10)
    assert await is_told()


async def seal_all(audit: SqlAuditStore) -> None:
    for organization_id in await audit.unsealed():
        await audit.seal(organization_id, 1000)
