"""Pauses of types and tags: held at once, held from birth, held on every way back, and let go by one rule."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import asyncpg
import pytest

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.domain.errors import InvalidInput, NotFound
from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.keys import JobKeys
from taskforge.domain.outcome import Failed, Lost, Released, Snoozed, Succeeded
from taskforge.domain.pause import PauseKind
from taskforge.domain.queue import QueueState
from taskforge.services.directory import QueueDirectory
from taskforge.services.pauses import Pauses, PauseWork
from taskforge.storage.codec import retry_policy_of
from tests.conformance.stage import BOOM, NOON, Stage, plain_policy

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.outcome import Outcome

pytestmark = pytest.mark.anyio

TYPE, TAG = PauseKind.TYPE, PauseKind.TAG
OLD_SETTLE = "UPDATE jobs SET status = 'pending', lease_until = NULL, hold = NULL WHERE status = 'processing'"


def work_of(stage: Stage) -> PauseWork:
    return PauseWork(stage.pauses, stage.queues, LocalSignals(Hub()))


def pauses_of(stage: Stage, project: ProjectId | None = None) -> Pauses:
    directory = QueueDirectory(stage.queues, project or stage.project, retry_policy_of)
    return Pauses(stage.pauses, work_of(stage), directory)


async def hold_of(stage: Stage, job_id: UUID) -> Hold | None:
    return (await stage.job(job_id)).hold


async def test_a_type_is_held_at_once_and_from_birth_and_let_go(stage: Stage) -> None:
    queue, other = await stage.queue(), await stage.queue("other")
    await stage.know("t", "u")
    before = [*await stage.add(queue, 3), *await stage.add(other, 2)]
    [free] = await stage.add(queue, 1, "u")
    pauses = pauses_of(stage)
    pause, is_new = await pauses.create(TYPE, "t", reason=" the API is down ", by="ana")
    assert is_new
    assert (pause.kind, pause.value, pause.reason, pause.by) == (TYPE, "t", "the API is down", "ana")
    assert pause.created_at == NOON
    one = stage.new(queue)
    assert await stage.jobs.accept(stage.project, [one]) == {one.id}
    after = [one.id, *await stage.add(queue, 2)]
    assert {await hold_of(stage, job) for job in before + after} == {Hold.PAUSED}
    assert [job.id for job in await stage.claim(queue, other, types=["t", "u"])] == [free]
    assert await pauses.remove(TYPE, "t") == len(before + after)
    assert set(await stage.order(queue, other)) == {*before, *after}
    assert await pauses.list() == []
    await stage.add(queue)
    assert len(await stage.claim(queue)) == 1


async def test_a_tag(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    [tagged] = await stage.add(queue, 1, tags='["a","b"]')
    [other] = await stage.add(queue, 1, tags='["c"]')
    [none] = await stage.add(queue)
    await pauses_of(stage).create(TAG, "b")
    [late] = await stage.add(queue, 1, tags='["b"]')
    [fine] = await stage.add(queue, 1, tags='["bb"]')
    assert await stage.order(queue) == [other, none, fine]
    assert {await hold_of(stage, tagged), await hold_of(stage, late)} == {Hold.PAUSED}
    assert await pauses_of(stage).remove(TAG, "b") == 2
    assert await stage.order(queue) == [tagged, late]


async def test_a_running_job_is_not_touched(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    before = await stage.job(job.id)
    await pauses_of(stage).create(TYPE, "t")
    assert await stage.job(job.id) == before
    assert await stage.finish(job, Succeeded())


@pytest.mark.parametrize(
    "outcome", [Failed(BOOM, retry_after=5), Snoozed(5), Released(), Lost(blamed=True), Lost(blamed=False)]
)
async def test_who_comes_back_is_held(stage: Stage, outcome: Outcome) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    await pauses_of(stage).create(TYPE, "t")
    assert await stage.finish(job, outcome)
    stage.clock.advance(5)
    await stage.jobs.promote(None, 10)
    found = await stage.job(job.id)
    assert (found.status, found.hold) == (JobStatus.PENDING, Hold.PAUSED)
    assert await stage.claim(queue) == []
    await pauses_of(stage).remove(TYPE, "t")
    assert (await stage.claim_one(queue)).id == job.id


async def test_a_retry_by_hand_is_held(stage: Stage) -> None:
    queue = await stage.queue()
    job_id = await stage.bury(queue)
    await pauses_of(stage).create(TYPE, "t")
    assert await stage.jobs.retry(stage.project, (await stage.job(job_id)).id, None) is JobStatus.FAILED
    assert await hold_of(stage, job_id) is Hold.PAUSED


async def test_what_was_scheduled_before_is_held_when_it_is_due(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 1, delay_us=1_000_000)
    await pauses_of(stage).create(TYPE, "t")
    await stage.add(queue, 1, delay_us=1_000_000)
    stage.clock.advance(1)
    assert await stage.jobs.promote(None, 10) == 2
    assert await stage.claim(queue) == []
    assert await pauses_of(stage).remove(TYPE, "t") == 2
    assert len(await stage.claim(queue)) == 2


async def test_what_ends_while_it_is_held(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    cancelled, expiring, deleted = await stage.add(queue, 3, expires_at=NOON.replace(hour=13))
    await pauses_of(stage).create(TYPE, "t")
    await stage.jobs.cancel(stage.project, (await stage.job(cancelled)).id)
    await stage.jobs.delete(stage.project, (await stage.job(deleted)).id)
    stage.clock.advance(3600)
    assert await stage.jobs.expire_waiting(10) == 1
    assert (await stage.job(expiring)).hold is (await stage.job(cancelled)).hold is None
    assert await pauses_of(stage).remove(TYPE, "t") == 0


async def test_of_two_pauses_of_a_job_the_other_one_stands(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    [job_id] = await stage.add(queue, 1, tags='["a"]')
    pauses = pauses_of(stage)
    await pauses.create(TYPE, "t")
    await pauses.create(TAG, "a")
    assert await pauses.remove(TYPE, "t") == 0
    assert await hold_of(stage, job_id) is Hold.PAUSED
    assert await pauses.remove(TAG, "a") == 1
    assert await hold_of(stage, job_id) is None


async def test_letting_go_decides_the_other_holds_anew(stage: Stage) -> None:
    queue = await stage.queue()
    [unknown] = await stage.add(queue, 1, "u", tags='["a"]')
    suspect = await stage.start(queue, tags='["a"]')
    assert await stage.finish(suspect, Lost(blamed=True))
    pauses = pauses_of(stage)
    await pauses.create(TAG, "a")
    assert await hold_of(stage, unknown) is Hold.NO_WORKER
    assert await hold_of(stage, suspect.id) is Hold.PAUSED
    await stage.know("u")
    assert await stage.jobs.release_holds(10) == 1
    assert await hold_of(stage, unknown) is Hold.PAUSED
    assert await pauses.remove(TAG, "a") == 2
    assert await hold_of(stage, unknown) is None
    assert await hold_of(stage, suspect.id) is Hold.SUSPECT


async def test_the_first_of_two_pauses_of_the_same_stands(stage: Stage) -> None:
    pauses = pauses_of(stage)
    first, _ = await pauses.create(TYPE, "t", reason="a", by="x")
    stage.clock.advance(1)
    second, is_new = await pauses.create(TYPE, "t", reason="b", by="y")
    assert not is_new
    assert replace(second, applied_at=None) == replace(first, applied_at=None)
    assert [found.id for found in await pauses.list()] == [first.id]


async def test_many_at_once_make_and_remove_one_pause(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 50)
    made = await asyncio.gather(*(pauses_of(stage).create(TYPE, "t") for _ in range(6)))
    assert sum(is_new for _, is_new in made) == 1
    assert await stage.claim(queue) == []
    removed = await asyncio.gather(
        *(pauses_of(stage).remove(TYPE, "t") for _ in range(6)), return_exceptions=True
    )
    assert len([one for one in removed if isinstance(one, int)]) == 1
    assert len([one for one in removed if isinstance(one, NotFound)]) == 5
    assert len(await stage.claim(queue, free=100)) == 50


async def test_more_jobs_than_a_window_holds(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t", "u")
    await stage.add(queue, 1500, "u")
    await stage.add(queue, 1500, "t")
    await stage.add(queue, 600, "u", priority=3)
    pauses = pauses_of(stage)
    await pauses.create(TYPE, "t")
    [row] = await stage.sql("SELECT count(*) FROM jobs WHERE hold = 'paused'")
    assert row[0] == 1500
    assert await pauses.remove(TYPE, "t") == 1500


async def test_a_queue_that_is_made_later_knows_of_the_pause(stage: Stage) -> None:
    await stage.know("t")
    await pauses_of(stage).create(TYPE, "t")
    queue = await stage.queue("later")
    [job_id] = await stage.add(queue)
    assert await hold_of(stage, job_id) is Hold.PAUSED


async def test_another_project_is_not_paused(stage: Stage) -> None:
    other = await stage.other_project()
    await stage.know("t")
    await stage.know("t", project=other)
    here, there = await stage.queue(), await stage.queue(project=other)
    await stage.add(here)
    [theirs] = await stage.add(there)
    await pauses_of(stage).create(TYPE, "t")
    [also] = await stage.add(there)
    assert await pauses_of(stage, other).list() == []
    with pytest.raises(NotFound, match="no type 't' is paused"):
        await pauses_of(stage, other).remove(TYPE, "t")
    assert [job.id for job in await stage.claim(there, project=other)] == [theirs, also]
    assert await stage.claim(here) == []


async def test_recovery_ends_what_a_crash_left(stage: Stage) -> None:
    """The row is there, its jobs are not held; then the row is marked, its jobs are not let go."""
    queue = await stage.queue()
    await stage.know("t")
    ids = await stage.add(queue, 3)
    await stage.pauses.create(stage.project, TYPE, "t", None, None)
    assert (await stage.jobs.outlook("none", 10**15)).unfinished_pauses
    assert (await stage.recovery().sweep()).paused == 3
    assert not (await stage.jobs.outlook("none", 10**15)).unfinished_pauses
    assert await stage.claim(queue) == []
    assert await stage.pauses.remove(stage.project, TYPE, "t") is not None
    assert await stage.claim(queue) == []
    assert (await stage.recovery().sweep()).paused == 3
    assert not (await stage.jobs.outlook("none", 10**15)).unfinished_pauses
    assert await stage.order(queue) == ids


async def test_a_pause_that_is_made_again_before_its_end(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue)
    pauses = pauses_of(stage)
    await pauses.create(TYPE, "t", reason="first")
    removed = await stage.pauses.remove(stage.project, TYPE, "t")
    assert removed is not None
    again, is_new = await pauses.create(TYPE, "t", reason="second")
    assert (is_new, again.reason) == (True, "second")
    await work_of(stage).carry_out(removed)  # the remover goes on, too late
    assert [found.reason for found in await pauses.list()] == ["second"]
    assert await stage.claim(queue) == []


async def test_a_writer_who_has_not_heard_of_the_pause(postgres_url: str, anyio_backend: str) -> None:
    """A transaction that began before and commits after: the pause stays unfinished until it is gone."""
    stage = Stage(postgres_url)
    writer = await asyncpg.connect(postgres_url)
    try:
        queue = await stage.queue()
        job = await stage.start(queue)
        transaction = writer.transaction()
        await transaction.start()
        await writer.execute(OLD_SETTLE)
        await pauses_of(stage).create(TYPE, "t")
        assert (await stage.jobs.outlook("none", 10**15)).unfinished_pauses
        assert await work_of(stage).finish_all() == 0
        await transaction.commit()
        assert await hold_of(stage, job.id) is None
        assert await work_of(stage).finish_all() == 1
        assert await hold_of(stage, job.id) is Hold.PAUSED
        assert not (await stage.jobs.outlook("none", 10**15)).unfinished_pauses
    finally:
        await writer.close()
        await stage.close()


async def test_who_and_why_of_a_paused_queue(stage: Stage) -> None:
    queue = await stage.queue()
    assert (queue.paused_at, queue.paused_by, queue.pause_reason) == (None, None, None)
    noted = replace(queue, state=QueueState.PAUSED, paused_by="ana", pause_reason="upkeep")
    stage.clock.advance(1)
    paused = await stage.write(noted)
    assert paused is not None
    since = paused.paused_at
    assert (since, paused.paused_by, paused.pause_reason) == (stage.clock.now(), "ana", "upkeep")
    stage.clock.advance(1)
    again = await stage.write(replace(paused, description="x"))
    assert again is not None
    assert (again.paused_at, again.paused_by, again.pause_reason) == (since, "ana", "upkeep")
    resumed = await stage.write(replace(again, state=QueueState.ACTIVE, paused_by=None, pause_reason=None))
    assert resumed is not None
    assert resumed.paused_at is None


@pytest.mark.parametrize(
    ("kind", "value", "words", "field"),
    [
        (TYPE, "", {}, "job_type"),
        (TYPE, "a b", {}, "job_type"),
        (TAG, "x" * 101, {}, "tags"),
        (TAG, "a\0", {}, "tags"),
        (TYPE, "t", {"reason": "x" * 1001}, "reason"),
        (TYPE, "t", {"by": "\ud800"}, "by"),
    ],
)
async def test_wrong_input(
    stage: Stage, kind: PauseKind, value: str, words: dict[str, str], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await pauses_of(stage).create(kind, value, **words)
    assert refusal.value.field == field
    assert await pauses_of(stage).list() == []


async def test_a_dead_letter_is_no_waiting_job(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    await pauses_of(stage).create(TYPE, "t")
    assert await stage.finish(job, Failed(BOOM), policy=plain_policy(1))
    found = await stage.job(job.id)
    assert (found.status, found.hold) == (JobStatus.FAILED, None)


async def test_a_key_and_a_concurrency_key(stage: Stage) -> None:
    """A paused job takes no place of its key, and stands in line again when it is resumed."""
    queue = await stage.queue()
    await stage.know("t")
    jobs = [stage.new(queue) for _ in range(5)]
    keys = {
        jobs[0].id: JobKeys(key="k"),
        jobs[1].id: JobKeys(concurrency_key="c", concurrency_limit=1),
        jobs[2].id: JobKeys(concurrency_key="c", concurrency_limit=1),
        jobs[3].id: JobKeys(key="other"),
        jobs[4].id: JobKeys(key="k2", concurrency_key="c", concurrency_limit=1),
    }
    await stage.jobs.accept_ruled(stage.project, jobs, keys=keys, bounds=[])
    pauses = pauses_of(stage)
    await pauses.create(PauseKind.KEY, "k")
    await pauses.create(PauseKind.KEY, "c")
    holds = [await hold_of(stage, job.id) for job in jobs]
    assert holds == [Hold.PAUSED, Hold.PAUSED, Hold.PAUSED, None, Hold.PAUSED]
    late = stage.new(queue)
    await stage.jobs.accept_ruled(
        stage.project, [late], keys={late.id: JobKeys(concurrency_key="c", concurrency_limit=1)}, bounds=[]
    )
    assert await hold_of(stage, late.id) is Hold.PAUSED
    assert [job.id for job in await stage.claim(queue)] == [jobs[3].id]
    await pauses.remove(PauseKind.KEY, "k")
    await pauses.remove(PauseKind.KEY, "c")
    assert {job.id for job in await stage.claim(queue)} == {jobs[0].id, jobs[1].id}
    holds = [await hold_of(stage, job.id) for job in (jobs[2], jobs[4], late)]
    assert holds == [Hold.KEY] * 3
