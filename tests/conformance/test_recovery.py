"""Recovery as a whole: bounded, without a leader, and no row that somebody has spoilt stops the rest."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.errors import Unavailable
from taskforge.domain.job import MAX_LOSSES, JobStatus
from taskforge.domain.outcome import Succeeded
from taskforge.services import processes
from taskforge.services import recovery as recovery_module
from taskforge.services.recovery import Swept
from tests.conformance.stage import LEASE, OTHER_WORKER, WORKER, Stage, beat_of

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.worker import ProcessIdentity

pytestmark = pytest.mark.anyio


async def spoil(stage: Stage, *job_ids: UUID) -> None:
    """Make rows break an invariant, so that every statement that changes them is refused."""
    chosen = ", ".join(f"'{job_id}'" for job_id in job_ids)
    change = f"UPDATE jobs SET priority = 99 WHERE id IN ({chosen})"
    if stage.dialect == "sqlite":  # it checks the columns that change only
        await stage.sql(
            f"CREATE TRIGGER spoilt BEFORE UPDATE ON jobs WHEN OLD.id IN ({chosen}) "
            "BEGIN SELECT RAISE(ABORT, 'spoilt'); END"
        )
        return
    [[rule]] = await stage.sql(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'job_is_sound'"
    )
    await stage.sql("ALTER TABLE jobs DROP CONSTRAINT job_is_sound")
    await stage.sql(change)
    await stage.sql(f"ALTER TABLE jobs ADD CONSTRAINT job_is_sound {rule} NOT VALID")


async def claimed(stage: Stage, count: int) -> list[ClaimedJob]:
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, count)
    return await stage.claim(queue, free=count)


async def test_a_lost_job_that_refuses_to_be_changed_stops_no_other(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = sorted(await claimed(stage, 5))
    await spoil(stage, jobs[0].id, jobs[3].id)
    stage.clock.advance(LEASE + 1)
    recovery = stage.recovery()
    for expected in (3, 0, 0):
        assert (await recovery.sweep()).rescued == expected
    assert {await stage.status(jobs[n].id) for n in (1, 2, 4)} == {JobStatus.PENDING}
    assert f"job {jobs[0].id} cannot be rescued" in caplog.text


async def test_due_late_and_held_rows_that_refuse_are_found_and_left_out(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(recovery_module, "BATCH", 3)
    queue = await stage.queue()
    await stage.know("t")
    due = await stage.add(queue, 7, delay_us=1_000_000)
    late = await stage.add(queue, 7, expires_at=stage.clock.now())
    held = await stage.add(queue, 7, "unknown")
    bad = {*due[:4], *late[:4], *held[:4]}
    await spoil(stage, *bad)
    await stage.workers.declare(stage.project, [])
    stage.clock.advance(2)
    await stage.sql(f"UPDATE tasks SET name = 'unknown' WHERE project_id = '{stage.project}'")
    recovery = stage.recovery()
    total = Swept()
    for _ in range(3):
        swept = await recovery.sweep()
        total = Swept(
            promoted=total.promoted + swept.promoted,
            expired=total.expired + swept.expired,
            released=total.released + swept.released,
        )
    assert (total.promoted, total.expired, total.released) == (3, 3, 3)
    for job_id in bad:
        assert caplog.text.count(f"job {job_id} is ") == 1, "told once, not at every sweep"


async def test_a_row_that_cannot_be_read_stops_no_other(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    if stage.dialect != "sqlite":
        return  # PostgreSQL's types leave nothing unreadable
    jobs = sorted(await claimed(stage, 4))
    await stage.sql(f"UPDATE jobs SET execution_id = 'nonsense' WHERE id = '{jobs[1].id}'")
    await stage.sql(f"UPDATE workers SET id = 'nonsense', machine = '{processes.this_machine()}'")
    stage.clock.advance(LEASE + 1)
    assert await stage.jobs.expired_leases([], None, 2) == [
        lease for lease in await stage.jobs.expired_leases([], None, 10) if lease.job_id != jobs[3].id
    ], "a page is filled up"
    assert (await stage.recovery().sweep()).rescued == 3
    assert f"the row of {jobs[1].id} cannot be read" in caplog.text


async def test_a_step_that_fails_does_not_stop_the_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    [job] = await claimed(stage, 1)
    [due] = await stage.add((await stage.queues.list(stage.project))[0], delay_us=1_000_000)
    stage.clock.advance(LEASE + 1)

    async def fail(*_: object, **__: object) -> None:
        raise Unavailable("not now")

    recovery = stage.recovery()
    with monkeypatch.context() as patched:
        patched.setattr(stage.jobs, "expired_leases", fail)
        with pytest.raises(Unavailable):
            await recovery.sweep()
    assert await stage.status(due) is JobStatus.PENDING
    assert await stage.status(job.id) is JobStatus.PROCESSING
    assert (await recovery.sweep()).rescued == 1


async def test_eight_processes_rescue_each_job_once(stage: Stage) -> None:
    jobs = await claimed(stage, 40)
    stage.clock.advance(LEASE + 1)
    swept = await asyncio.gather(*(stage.recovery().sweep() for _ in range(8)))
    assert sum(each.rescued for each in swept) == 40
    for job in jobs[:5]:
        stored = await stage.job(job.id)
        assert (stored.losses, stored.attempt_count) == (1, 0), "a loss spends no attempt"
        assert len(await stage.executions(job.id)) == 1


async def test_a_neighbour_whose_lease_runs_out_later_is_not_blamed_either(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    worker = await stage.know("other")
    [poison] = await stage.add(queue)
    recovery = stage.recovery()
    await stage.claim_one(queue)
    stage.clock.advance(LEASE + 1)
    assert (await recovery.sweep()).rescued == 1
    suspect = await stage.claim_one(queue, worker=worker)
    assert (suspect.id, suspect.losses) == (poison, 1)
    stage.clock.advance(10)
    [innocent] = await stage.add(queue)
    await stage.claim_one(queue, worker=worker)
    stage.clock.advance(LEASE - 9)
    assert (await recovery.sweep()).rescued == 1, "only the first lease is over"
    stage.clock.advance(11)
    assert (await stage.recovery().sweep()).rescued == 1
    assert (await stage.job(poison)).losses == 2
    assert (await stage.job(innocent)).losses == 0


async def test_three_losses_bury_and_spend_no_attempt(stage: Stage) -> None:
    queue = await stage.queue(max_retries=0)
    await stage.know("t")
    [job_id] = await stage.add(queue)
    for _ in range(MAX_LOSSES):
        await stage.claim_one(queue)
        stage.clock.advance(LEASE + 1)
        assert (await stage.recovery().sweep()).rescued == 1
    job = await stage.job(job_id)
    assert (job.status, job.losses) == (JobStatus.FAILED, MAX_LOSSES)
    assert {execution.reason for execution in await stage.executions(job_id)} == {"worker_lost"}


async def test_a_cancelled_job_of_a_dead_worker_is_cancelled(stage: Stage) -> None:
    [job] = await claimed(stage, 1)
    await stage.jobs.cancel(stage.project, job.id)
    stage.clock.advance(LEASE + 1)
    assert (await stage.recovery().sweep()).rescued == 1
    assert await stage.status(job.id) is JobStatus.CANCELLED


async def test_a_worker_that_was_given_up_comes_back_with_its_next_beat(stage: Stage) -> None:
    worker = await stage.know("t")
    stage.clock.advance(LEASE * 21)
    assert (await stage.recovery().sweep()).forgotten == 1
    assert await stage.workers.list(stage.project) == []
    assert not (await stage.beat(worker=worker)).drain
    assert [found.id for found in await stage.workers.list(stage.project)] == [worker]


async def test_one_whose_name_was_taken_meanwhile_is_told_to_leave(stage: Stage) -> None:
    worker = await stage.know("t")
    stage.clock.advance(LEASE + 1)
    [first] = await stage.workers.list(stage.project)
    second = await stage.know("t2")
    await stage.sql(f"UPDATE workers SET name = '{first.name}' WHERE id = '{second}'")
    await stage.sql(f"UPDATE workers SET stopped_at = 0, given_up_at = 0 WHERE id = '{worker}'") if (
        stage.dialect == "sqlite"
    ) else await stage.sql(
        f"UPDATE workers SET stopped_at = now(), given_up_at = now() WHERE id = '{worker}'"
    )
    assert (await stage.beat(worker=worker)).drain
    assert not (await stage.beat(worker=second)).drain
    await stage.workers.stop(second)
    assert not (await stage.beat(worker=worker)).drain, "the name is free again"


async def test_the_jobs_of_a_dead_process_that_was_given_up_do_not_wait_for_their_lease(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A restart under the same name gives up its predecessor before recovery has looked."""
    machine = "this one"
    monkeypatch.setattr(recovery_module, "this_machine", lambda: machine)

    def is_alive(process: ProcessIdentity) -> bool:
        return process.pid != 4711

    monkeypatch.setattr(recovery_module, "is_alive", is_alive)
    [job] = await claimed(stage, 1)
    worker = await stage.know("t")
    await stage.sql(f"UPDATE workers SET machine = '{machine}' WHERE id = '{worker}'")
    await stage.sql(f"UPDATE jobs SET worker_id = '{worker}' WHERE id = '{job.id}'")
    assert await stage.workers.forget([worker], 10**15) == [worker]
    assert (await stage.recovery().sweep()).rescued == 1
    assert (await stage.recovery().sweep()) == Swept()


async def test_a_healthy_worker_s_jobs_are_left_alone(stage: Stage) -> None:
    jobs = await claimed(stage, 3)
    for _ in range(5):
        stage.clock.advance(LEASE - 1)
        await stage.beat(*(beat_of(job) for job in jobs))
        assert await stage.recovery().sweep() in (Swept(), Swept(forgotten=1))
    assert await stage.finish(jobs[0], Succeeded())
    assert WORKER != OTHER_WORKER
