"""What recovery, settling and the locks look at: each row's own queue, worker and hold, and nothing that is over."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from taskforge.domain.execution import ExecutionStatus
from taskforge.domain.ids import WorkerId
from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.outcome import Cancelled, Failed, Lost, Succeeded
from taskforge.domain.pause import PauseKind
from taskforge.ports.jobs import IdleBeat
from taskforge.storage.leases import SqlLeaseStore
from tests.conformance.stage import BOOM, LEASE, NOON, OTHER_WORKER, PROCESS, WORKER, registration, settlement

if TYPE_CHECKING:
    from taskforge.ports.jobs import Overdue
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


async def overdue(stage: Stage, kind: Overdue, count: int) -> list[UUID]:
    """So many jobs of a kind that recovery moves, those that come first first; others stand beside them."""
    queue, other = await stage.queue(), await stage.queue("other")
    await stage.know("t")
    limit = NOON + timedelta(seconds=10)
    await stage.add(queue)
    await stage.add(queue, delay_us=10**9, expires_at=limit + timedelta(hours=1))
    await stage.add(other, 1, "unknown")
    await stage.add(await stage.queue(project=await stage.other_project()), 1, "learned")
    busy = await stage.queue("busy")
    await stage.add(busy, expires_at=limit)
    await stage.claim_one(busy)
    found: list[UUID] = []
    for number in reversed(range(count)):
        if kind == "due":
            found += await stage.add(other, delay_us=1_000_000)
        elif kind == "late":
            found = await stage.add(other, expires_at=NOON + timedelta(seconds=1 + number)) + found
        else:
            found += await stage.add(other, 1, "learned")
    if kind == "held":
        await stage.know("learned")
    stage.clock.advance(11)
    return found


@pytest.mark.parametrize("kind", ["due", "late", "held"])
async def test_what_is_overdue_is_listed_and_moved_one_by_one(stage: Stage, kind: Overdue) -> None:
    move = {
        "due": lambda limit, **how: stage.jobs.promote(None, limit, **how),
        "late": stage.jobs.expire_waiting,
        "held": stage.jobs.release_holds,
    }[kind]
    first, second, third = await overdue(stage, kind, 3)
    assert set(await stage.jobs.overdue(kind, 10)) == {first, second, third}
    assert len(await stage.jobs.overdue(kind, 2)) == 2
    assert set(await stage.jobs.overdue(kind, 10, skip=[second])) == {first, third}
    if kind == "late":
        assert await stage.jobs.overdue(kind, 2) == [first, second], "the latest first"
    assert await move(10, skip=[first, second, third]) == 0
    assert await move(10, only=second) == 1
    assert set(await stage.jobs.overdue(kind, 10)) == {first, third}
    assert await move(1) == 1
    if kind == "late":
        assert await stage.jobs.overdue(kind, 10) == [third]
    assert await move(10, skip=[third]) + await move(10) == 1
    assert await stage.jobs.overdue(kind, 10) == []


async def test_only_the_jobs_of_its_project_are_promoted_each_by_its_own_hold(stage: Stage) -> None:
    other = await stage.other_project()
    theirs = await stage.queue(project=other)
    ours = await stage.queue("ours")
    await stage.know("paused", "t")
    await stage.know("t", project=other)
    [held] = await stage.add(ours, 1, "paused", delay_us=1_000_000)
    [free] = await stage.add(ours, 1, "t", delay_us=1_000_000)
    [elsewhere] = await stage.add(theirs, delay_us=1_000_000)
    await stage.pauses.create(stage.project, PauseKind.TYPE, "paused", None, None)
    stage.clock.advance(1)
    assert await stage.jobs.promote(stage.project, 10) == 2
    assert ((await stage.job(held)).hold, (await stage.job(free)).hold) == (Hold.PAUSED, None)
    [(status,)] = await stage.sql(f"SELECT status FROM jobs WHERE id = '{elsewhere}'")
    assert status == "scheduled"


async def test_a_neighbour_that_has_ended_or_was_never_lost_is_no_suspect(stage: Stage) -> None:
    queue = await stage.queue()
    well = await stage.know("t")
    suspect = await stage.start(queue)
    await stage.finish(suspect, Lost(blamed=True))
    [job_id] = await stage.add(queue)
    claimed = {job.id: job for job in await stage.claim(queue, worker=well)}
    await stage.workers.note_lost_suspects([await stage.know("other")])
    await stage.finish(claimed[suspect.id], Succeeded("1"))
    stage.clock.advance(LEASE + 1)
    [lease] = await stage.jobs.expired_leases([], None, 10)
    assert (lease.job_id, lease.has_suspect_neighbour) == (job_id, False)
    await stage.workers.note_lost_suspects([well])
    [lease] = await stage.jobs.expired_leases([], None, 10)
    assert lease.has_suspect_neighbour


async def test_a_job_of_a_dead_worker_leaves_its_record_though_its_lease_runs(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    lost = settlement(job, Lost(blamed=True), lost_only=True)
    assert await stage.settle(lost, dead=[OTHER_WORKER]) == frozenset()
    assert await stage.settle(lost, dead=[WORKER]) == {job.execution_id}
    [execution] = await stage.executions(job.id)
    assert (execution.status, execution.reason) == (ExecutionStatus.FAILED, "worker_lost")


async def test_what_is_settled_again_is_neither_answered_nor_counted_again(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 5)
    jobs = await stage.claim(queue)
    batch = [settlement(job, Succeeded("1")) for job in jobs]
    assert len(await stage.settle(*batch)) == 5
    for _ in range(2):
        assert await stage.settle(*batch) == frozenset()
        assert await stage.settle(batch[0]) == frozenset()
    [(counted,)] = await stage.sql("SELECT sum(succeeded) FROM attempt_deltas")
    assert counted == 5


async def test_a_cancelled_attempt_has_no_times_in_the_record_and_a_failed_one_has(stage: Stage) -> None:
    for name, outcome, expected in (("a", Failed(BOOM), 1), ("b", Cancelled("asked"), 0)):
        job = await stage.start(await stage.queue(name), name)
        decided = settlement(job, outcome)._replace(waited_us=7)
        assert await stage.settle(decided)
        [(durations, waits)] = await stage.sql(
            f"SELECT count(durations), count(waits) FROM attempt_deltas WHERE job_type = '{name}'"
        )
        assert (durations, waits) == (expected, expected)


async def test_what_runs_again_is_ranked_and_held_by_its_own_queue_and_type(stage: Stage) -> None:
    other = await stage.other_project()
    await stage.queue("theirs", project=other, aging_seconds=1)
    await stage.queue("first", aging_seconds=100)
    queue = await stage.queue(aging_seconds=10)
    await stage.know("paused", "t")
    await stage.add(queue, 1, "paused")
    job = await stage.start(queue, priority=2)
    stopped = await stage.claim_one(queue, types=["paused"])
    await stage.pauses.create(stage.project, PauseKind.TYPE, "paused", None, None)
    assert await stage.finish(job, Failed(BOOM, retry_after=5))
    assert await stage.finish(stopped, Failed(BOOM, retry_after=5))
    assert (await stage.job(stopped.id)).hold is Hold.PAUSED
    stored = await stage.job(job.id)
    assert (stored.hold, stored.scheduled_for) == (None, NOON + timedelta(seconds=5))
    rank = round((NOON + timedelta(seconds=5)).timestamp() * 1e6) - 2 * queue.settings.aging_microseconds
    [(found,)] = await stage.sql(f"SELECT rank FROM jobs WHERE id = '{job.id}'")
    assert found == rank


async def test_success_with_a_checkpoint_is_completed(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    assert await stage.finish(job, Succeeded("1"), state='{"page": 3}')
    stored = await stage.job(job.id)
    assert (stored.status, stored.completed_at, stored.state) == (JobStatus.SUCCEEDED, NOON, {"page": 3})


@pytest.mark.parametrize("is_idle", [False, True])
async def test_a_worker_comes_back_beside_others_of_other_names_and_projects(
    stage: Stage, is_idle: bool
) -> None:
    other = await stage.other_project()
    worker, beside, theirs = (
        await stage.know("t"),
        await stage.know("t"),
        await stage.know("t", project=other),
    )
    assert await stage.workers.forget([worker], 10**15) == [worker]
    await stage.sql(f"UPDATE workers SET name = 'w-{worker}' WHERE id = '{theirs}'")

    async def is_told_to_leave() -> bool:
        if not is_idle:
            return (await stage.beat(worker=worker)).drain
        answer = (await stage.jobs.outlook("none", 10**15, beat=IdleBeat(worker))).answer
        assert answer is not None
        return answer.drain

    assert not await is_told_to_leave()
    assert {one.id for one in await stage.workers.list(stage.project)} == {worker, beside}
    await stage.workers.forget([worker], 10**15)
    await stage.sql(f"UPDATE workers SET name = 'w-{worker}' WHERE id = '{beside}'")
    assert await is_told_to_leave()
    assert {one.id for one in await stage.workers.list(stage.project)} == {beside}


async def test_a_worker_holds_what_it_runs_of_what_it_asks_for(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 4)
    mine, _, ended = await stage.claim(queue, free=3)
    [theirs] = await stage.claim(queue, worker=OTHER_WORKER)
    await stage.finish(ended, Succeeded("1"))
    asked = [mine.id, ended.id, theirs.id]
    assert [job.id for job in await stage.jobs.held(stage.project, WORKER, asked)] == [mine.id]
    assert await stage.jobs.held(await stage.other_project(), WORKER, asked) == []


async def test_renewing_a_lock_renews_no_other(stage: Stage) -> None:
    store, project, token = SqlLeaseStore(stage.engine), stage.project, UUID(int=1)
    for name in ("one", "two"):
        assert await store.acquire(project, name, token, 30) == 1
    stage.clock.advance(20)
    assert await store.renew(project, "one", token, 30)
    stage.clock.advance(15)
    assert await store.acquire(project, "one", UUID(int=2), 30) is None
    assert await store.acquire(project, "two", UUID(int=2), 30) == 2


async def test_a_name_is_taken_in_its_own_project_only(stage: Stage) -> None:
    lease_us = round(LEASE * 1e6)
    for project in (stage.project, await stage.other_project()):
        for namesake in (None, PROCESS):
            worker = WorkerId(stage.mint())
            assert await stage.workers.register(project, worker, registration("same"), lease_us) == namesake


@pytest.mark.parametrize("rule", [{}, {"max_concurrent_jobs": 9}], ids=["plain", "ruled"])
async def test_suspects_come_by_rank_to_who_knows_their_type(stage: Stage, rule: dict[str, Any]) -> None:
    queue, other = await stage.queue(aging_seconds=60, **rule), await stage.queue("other", **rule)
    await stage.know("t", "u")
    low = await stage.add(queue, deadline=NOON + timedelta(hours=1))
    high = await stage.add(queue, priority=5)
    for job in await stage.claim(queue):
        assert await stage.finish(job, Lost(blamed=True))
    assert await stage.claim(queue, types=["u"]) == []
    assert await stage.claim(other) == []
    assert [(await stage.claim_one(queue, types=["u", "t"])).id for _ in range(2)] == [*high, *low]
