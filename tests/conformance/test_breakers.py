"""Circuit breakers on every database: they open, probe and close, and no probe that goes astray wedges one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.domain.breaker import BreakerState, Turn
from taskforge.domain.errors import Conflict, InvalidInput, NotFound
from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.keys import JobKeys
from taskforge.domain.outcome import Failed, Report, Snoozed, Succeeded
from taskforge.domain.pause import PauseKind
from taskforge.ports.signals import Topic
from taskforge.services.breakers import Breakers
from taskforge.services.breaking import Breaking
from taskforge.services.direct_link import DirectLink, LinkOptions
from taskforge.services.directory import QueueDirectory
from taskforge.services.pauses import Pauses, PauseWork
from taskforge.services.payload_schemas import PayloadSchemas
from taskforge.storage.codec import retry_policy_of
from taskforge.storage.recording import SqlRecordKeeper
from tests.conformance.stage import BOOM, LEASE, OTHER_WORKER, plain_policy, registration
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.breaker import Breaker
    from taskforge.domain.queue import Queue
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

CLOSED, OPEN, HALF_OPEN = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
VALUES = {"failure_rate": 0.5, "minimum_attempts": 4, "window_seconds": 60, "open_seconds": 30, "probes": 2}


class Panel:
    """A project with a queue, the type `t`, and a breaker of it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.heard: list[Any] = []
        self.signals = LocalSignals(Hub())
        self.pauses = PauseWork(stage.pauses, stage.queues, self.signals)
        self.breaking = Breaking(stage.breakers, self.pauses, self.signals)
        tasks = PayloadSchemas(stage.workers, stage.project)
        self.breakers = Breakers(stage.breakers, self.breaking, tasks, self.signals, stage.project)
        self.queue: Queue

    async def open(self, **values: Any) -> Breaker:
        await self.signals.start()
        self.signals.subscribe(self.heard.append)
        self.queue = await self.stage.queue()
        await self.stage.know("t", "u")
        return await self.breakers.create("t", {**VALUES, **values})

    async def run(self, outcomes: str) -> list[UUID]:
        """Jobs that end so: s succeeds, f fails and is tried again, d fails for good."""
        ids = await self.stage.add(self.queue, len(outcomes))
        for outcome in outcomes:
            await self.end(outcome)
        return ids

    async def end(self, outcome: str) -> UUID:
        job = await self.stage.claim_one(self.queue)
        how = Succeeded("1") if outcome == "s" else Failed(BOOM)
        assert await self.stage.finish(job, how, policy=plain_policy(1 if outcome == "d" else 3))
        return job.id

    async def break_open(self) -> Breaker:
        await self.run("dddd")
        assert await self.breaking.look_at_all() == 1
        return await self.now()

    async def half_open(self, jobs: int = 5, **values: Any) -> list[UUID]:
        await self.open(**values)
        await self.break_open()
        ids = await self.stage.add(self.queue, jobs)
        self.stage.clock.advance(30)
        assert await self.breaking.look_at_all() == 1
        return ids

    async def now(self) -> Breaker:
        return await self.breakers.named("t")

    async def state(self) -> BreakerState:
        return (await self.now()).state

    async def holds(self, ids: list[UUID]) -> list[Hold | None]:
        return [(await self.stage.job(job_id)).hold for job_id in ids]

    async def free(self, ids: list[UUID]) -> list[UUID]:
        return [job_id for job_id, hold in zip(ids, await self.holds(ids), strict=True) if hold is None]


@pytest.fixture
def panel(stage: Stage) -> Panel:
    return Panel(stage)


async def test_it_opens_at_the_rate_holds_probes_and_closes(panel: Panel) -> None:
    stage = panel.stage
    await panel.open()
    await panel.run("ssf")
    assert await panel.breaking.look_at_all() == 0
    await panel.run("f")
    waiting = await stage.add(panel.queue, 3)
    other = await stage.add(panel.queue, 1, "u")
    assert await panel.breaking.look_at_all() == 1
    opened = await panel.now()
    assert (opened.state, opened.reason, opened.changed_by) == (OPEN, "2 of 4 attempts failed", "breakers")
    assert await panel.holds(waiting) == [Hold.PAUSED] * 3
    born = await stage.add(panel.queue, 1)
    assert await panel.holds([*born, *other]) == [Hold.PAUSED, None], "another type is nobody's business"
    stage.clock.advance(29)
    assert await panel.breaking.look_at_all() == 0
    stage.clock.advance(1)
    assert await stage.jobs.promote(None, 10) == 2, "the retries are due, and held"
    assert await panel.breaking.look_at_all() == 1
    assert await panel.state() is HALF_OPEN
    every = [*waiting, *born]
    tried = await panel.free(every)
    assert len(tried) == 2
    await panel.breaking.look_at_all()
    assert await panel.free(every) == tried, "no more than were asked for"
    assert await panel.end("s") in tried
    assert await panel.breaking.look_at_all() == 0, "one of two"
    assert await panel.end("s") in tried
    assert await panel.breaking.look_at_all() == 1
    closed = await panel.now()
    assert (closed.state, closed.reason, closed.probe_at) == (CLOSED, "2 probes succeeded", None)
    assert len(await panel.free(every)) == 4
    assert await panel.breaking.look_at_all() == 0, "what failed before counts no more"
    actions = [row[0] for row in await stage.sql("SELECT action FROM audit_entries ORDER BY id")]
    told = [action for action in actions if action.startswith("breaker.")]
    assert told == ["breaker.create", "breaker.open", "breaker.half_open", "breaker.close"]
    await eventually(lambda: [hint.topic for hint in panel.heard].count(Topic.BREAKER) >= 1)


async def test_a_probe_that_fails_opens_it_again_and_holds_the_others_back(panel: Panel) -> None:
    ids = await panel.half_open()
    await panel.end("f")
    assert await panel.breaking.look_at_all() == 1
    again = await panel.now()
    assert (again.state, again.reason) == (OPEN, "a probe failed")
    assert again.probe_at is not None
    assert (again.probe_at - again.changed_at).total_seconds() == 30
    assert await panel.free(ids) == []
    panel.stage.clock.advance(30)
    await panel.stage.jobs.promote(None, 10)
    assert await panel.free(ids) == []
    assert await panel.breaking.look_at_all() == 1
    assert len(await panel.free(ids)) == 2


async def test_probes_that_say_nothing_are_replaced(panel: Panel) -> None:
    """Cancelled, lost, snoozed, or taken by nobody."""
    stage = panel.stage
    ids = await panel.half_open(8)
    cancelled, _ = await panel.free(ids)
    await stage.jobs.cancel(stage.project, (await stage.job(cancelled)).id)
    lost = await stage.claim_one(panel.queue)
    await panel.breaking.look_at_all()
    assert len(await panel.free(ids)) == 3, "one runs, one has ended, one is new"
    snoozed = await stage.claim_one(panel.queue, worker=OTHER_WORKER)
    assert await stage.finish(snoozed, Snoozed(5.0))
    stage.clock.advance(LEASE + 1)
    await stage.recovery().sweep()
    assert await panel.holds([lost.id]) == [Hold.PAUSED]
    unclaimed = [job_id for job_id in await panel.free(ids) if (await stage.job(job_id)).claim_seq == 0]
    unclaimed.remove(cancelled)
    assert len(unclaimed) == 2
    stage.clock.advance(61)
    await panel.breaking.look_at_all()
    fresh = [job_id for job_id in await panel.free(ids) if (await stage.job(job_id)).claim_seq == 0]
    fresh.remove(cancelled)
    assert len(fresh) == 2
    assert not set(fresh) & set(unclaimed), "those go first that were not tried"
    assert await panel.state() is HALF_OPEN
    await panel.end("s")
    await panel.end("s")
    assert await panel.breaking.look_at_all() == 1
    assert await panel.state() is CLOSED


async def test_when_all_were_tried_in_vain_they_are_tried_again(panel: Panel) -> None:
    [only] = await panel.half_open(1)
    for _ in range(2):
        panel.stage.clock.advance(61)
        await panel.breaking.look_at_all()
        assert await panel.holds([only]) == [None]
    await panel.end("s")
    await panel.breaking.look_at_all()
    assert await panel.state() is HALF_OPEN
    late = await panel.stage.add(panel.queue, 1)
    assert await panel.holds(late) == [Hold.PAUSED]
    await panel.breaking.look_at_all()
    assert await panel.holds(late) == [None], "the next job that comes is the second probe"


async def test_probes_are_jobs_that_nothing_else_holds(panel: Panel) -> None:
    stage = panel.stage
    await panel.open(probes=3)
    await panel.break_open()
    [tagged] = await stage.add(panel.queue, 1, tags='["shop"]')
    work = Pauses(stage.pauses, panel.pauses, QueueDirectory(stage.queues, stage.project, retry_policy_of))
    await work.create(PauseKind.TAG, "shop")
    pausing = await stage.queue("pausing")
    [paused] = await stage.add(pausing, 1)
    await stage.sql(f"UPDATE queues SET state = 'paused', paused_at = created_at WHERE id = '{pausing.id}'")
    keys = JobKeys(concurrency_key="k", concurrency_limit=1)
    keyed = [await stage.add_keyed(panel.queue, keys) for _ in range(2)]
    stage.clock.advance(30)
    await panel.breaking.look_at_all()
    assert await panel.holds([tagged, paused, *keyed]) == [Hold.PAUSED, Hold.PAUSED, None, Hold.PAUSED]
    await panel.end("s")
    await panel.breaking.look_at_all()
    assert await panel.holds(keyed) == [None, None], "the place of the key is free again"
    for refused in (work.create, work.remove):
        with pytest.raises(InvalidInput, match="its own pause"):
            await refused(PauseKind.BREAKER, "t")


async def test_the_window_is_exact_before_and_after_folding(panel: Panel) -> None:
    stage = panel.stage
    await panel.open(minimum_attempts=1000, window_seconds=90)
    keeper = SqlRecordKeeper(stage.engine)
    standing = await panel.now()

    async def seen() -> tuple[int, int]:
        return await stage.breakers.attempts(standing, standing.counted_from(stage.clock.now()))

    await panel.run("sd")
    stage.clock.advance(10)
    await panel.run("dd")
    stage.clock.advance(60)
    await panel.run("sssd")
    for fold in (False, True):
        if fold:
            await keeper.fold(100)
        assert await seen() == (8, 4)
    stage.clock.advance(25)
    assert await seen() == (6, 3), "the first two are 95 s old"
    stage.clock.advance(5)
    assert await seen() == (6, 3)
    stage.clock.advance(10)
    assert await seen() == (4, 1)


async def test_many_who_look_turn_it_once_and_let_through_what_one_would(panel: Panel) -> None:
    stage = panel.stage
    await panel.open()
    await panel.run("dddd")
    assert sum(await asyncio.gather(*(panel.breaking.look_at_all() for _ in range(4)))) == 1
    ids = await stage.add(panel.queue, 9)
    stage.clock.advance(30)
    assert sum(await asyncio.gather(*(panel.breaking.look_at_all() for _ in range(4)))) == 1
    await asyncio.gather(*(panel.breaking.look_at_all() for _ in range(4)))
    assert len(await panel.free(ids)) == 2
    stale = await panel.now()
    await panel.breakers.close(stale.id)
    assert await stage.breakers.turn(stale, Turn(OPEN, "late")) is None
    assert await stage.breakers.let_through(stale, 2, ()) is None


async def test_what_a_crash_has_left_is_ended_by_recovery(panel: Panel) -> None:
    stage = panel.stage
    standing = await panel.open()
    ids = await stage.add(panel.queue, 3)
    assert await stage.breakers.turn(standing, Turn(OPEN, "then the process died")) is not None
    assert await panel.free(ids) == ids
    assert (await stage.recovery().sweep()).paused == 3
    assert await panel.free(ids) == []
    assert await stage.breakers.turn(await panel.now(), Turn(CLOSED, "and another one")) is not None
    await stage.recovery().sweep()
    assert await panel.free(ids) == ids
    await panel.run("dddd")
    assert (await stage.recovery().sweep()).turned == 1


async def test_by_hand_and_removed(panel: Panel) -> None:
    stage = panel.stage
    standing = await panel.open()
    ids = await stage.add(panel.queue, 2)
    opened = await panel.breakers.open(standing.id, reason=" upkeep ")
    assert (opened.state, opened.reason, opened.probe_at) == (OPEN, "upkeep", None)
    stage.clock.advance(10_000)
    assert await panel.breaking.look_at_all() == 0, "it waits for a person"
    await panel.breakers.open(standing.id, seconds=5)
    stage.clock.advance(5)
    assert await panel.breaking.look_at_all() == 1
    assert await panel.state() is HALF_OPEN
    assert (await panel.breakers.close(standing.id)).state is CLOSED
    assert await panel.free(ids) == ids
    await panel.breakers.open(standing.id)
    await panel.breakers.delete(standing.id)
    assert await panel.free(ids) == ids
    assert await stage.pauses.list(stage.project) == []
    with pytest.raises(NotFound):
        await panel.breakers.close(standing.id)
    with pytest.raises(NotFound, match="no breaker is set"):
        await panel.now()


async def test_settings_are_one_a_type_and_of_a_type_that_there_is(panel: Panel) -> None:
    standing = await panel.open()
    with pytest.raises(Conflict, match="already"):
        await panel.breakers.create("t", {})
    with pytest.raises(InvalidInput, match="registered") as refused:
        await panel.breakers.create("tt", {})
    assert (refused.value.field, refused.value.hint) == ("job_type", "did you mean t?")
    with pytest.raises(InvalidInput):
        await panel.breakers.change(standing.id, {"failure_rate": 2})
    changed = await panel.breakers.change(standing.id, {"probes": 5, "failure_rate": None})
    assert (changed.settings.probes, changed.settings.failure_rate) == (5, 0.5)
    assert (await panel.now()).settings.window_seconds == 60


async def test_another_project_has_its_own(panel: Panel) -> None:
    stage = panel.stage
    await panel.open()
    theirs = await stage.other_project()
    queue = await stage.queue("default", project=theirs)
    await stage.know("t", project=theirs)
    ids = await stage.add(queue, 2)
    await panel.break_open()
    rows = await stage.sql(f"SELECT hold FROM jobs WHERE id IN ('{ids[0]}', '{ids[1]}')")
    assert [row[0] for row in rows] == [None, None]
    assert await stage.breakers.list(theirs) == []


async def test_a_worker_whose_jobs_fail_opens_it_at_once(panel: Panel) -> None:
    """Without waiting for a recovery sweep; types without a breaker are not looked at."""
    stage = panel.stage
    await panel.open(minimum_attempts=2)
    link = DirectLink(
        jobs=stage.jobs,
        workers=stage.workers,
        directory=QueueDirectory(stage.queues, stage.project, retry_policy_of),
        signals=panel.signals,
        mint=stage.mint,
        options=LinkOptions(),
        breaking=panel.breaking,
    )
    await link.register(registration("w", "t", "u"))
    await stage.add(panel.queue, 2)
    attempts = (await link.claim(2, 0)).attempts
    await link.settle([Report(attempt.job.execution_id, Failed(BOOM), 0, 0) for attempt in attempts])

    async def is_open() -> bool:
        return await panel.state() is OPEN

    await eventually(is_open)
    await link.leave()
    assert await stage.status(attempts[0].job.id) is JobStatus.SCHEDULED
