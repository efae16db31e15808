"""Bulk operations: every status, batches, interruptions, and others at work on the same jobs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.domain.errors import InvalidInput, QueueClosed
from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.operation import BulkAction
from taskforge.domain.outcome import Cancelled, Failed, Succeeded
from taskforge.domain.pause import PauseKind
from taskforge.domain.queue import QueueState
from taskforge.ports.history import JobFilter
from taskforge.services.bulk import POSSIBLE, Bulk, BulkOrder, BulkProgress
from taskforge.services.pauses import PauseWork
from taskforge.storage.bulk import SqlBulkStore
from tests.conformance.stage import BOOM, line, settlement

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.job import Job
    from taskforge.domain.outcome import Outcome
    from taskforge.domain.queue import Queue
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

CANCEL, RETRY, DELETE, MOVE = BulkAction


def bulk_of(stage: Stage, project: ProjectId | None = None) -> Bulk:
    signals = LocalSignals(Hub())
    return Bulk(SqlBulkStore(stage.engine), stage.jobs, stage.history, signals, project or stage.project)


async def run(
    stage: Stage, order: BulkOrder, batch: int = 500, project: ProjectId | None = None
) -> BulkProgress:
    """All of it; the last word."""
    last = BulkProgress()
    async for progress in bulk_of(stage, project).run(order, batch):
        last = progress
    return last


async def one_of_each(stage: Stage, queue: Queue, **values: Any) -> dict[JobStatus, UUID]:
    """A job in every status."""
    await stage.know("t")
    jobs: dict[JobStatus, UUID] = {}
    outcomes: dict[JobStatus, Outcome | None] = {
        JobStatus.SUCCEEDED: Succeeded(),
        JobStatus.FAILED: Failed(BOOM, final=True),
        JobStatus.CANCELLED: Cancelled("c"),
        JobStatus.PROCESSING: None,
    }
    for status, outcome in outcomes.items():
        job = await stage.start(queue, **values)
        jobs[status] = job.id
        if outcome is not None:
            assert await stage.settle(settlement(job, outcome, lines=[line(1, "x")]))
    [jobs[JobStatus.PENDING]] = await stage.add(queue, 1, **values)
    [jobs[JobStatus.SCHEDULED]] = await stage.add(queue, 1, delay_us=10**9, **values)
    return jobs


@pytest.mark.parametrize("action", list(BulkAction))
async def test_each_status(stage: Stage, action: BulkAction) -> None:
    queue, other = await stage.queue(), await stage.queue("other")
    jobs = await one_of_each(stage, queue)
    order = BulkOrder(action, JobFilter(), other if action is MOVE else None)
    counted = await bulk_of(stage).count(order)
    assert (counted.jobs, counted.is_bounded) == (len(POSSIBLE[action]), False)
    assert await run(stage, order) == BulkProgress(len(POSSIBLE[action]), 0)
    after: dict[UUID, Job] = {job.id: job for job in await stage.history.jobs(stage.project, JobFilter())}
    for status, job_id in jobs.items():
        if status not in POSSIBLE[action]:
            assert after[job_id].status is status
            assert after[job_id].queue_id == queue.id
            assert after[job_id].cancel_requested_at is None
        elif action is DELETE:
            assert job_id not in after
            assert await stage.executions(job_id) == []
        elif action is MOVE:
            assert (after[job_id].queue_id, after[job_id].status) == (other.id, status)
        elif action is RETRY:
            assert (after[job_id].status, after[job_id].hold) == (JobStatus.PENDING, None)
        elif status is JobStatus.PROCESSING:
            assert after[job_id].cancel_requested_at is not None
        else:
            assert (after[job_id].status, after[job_id].hold) == (JobStatus.CANCELLED, None)
    if action is DELETE:
        [lines] = await stage.sql("SELECT count(*) FROM log_lines")
        assert lines[0] == 0
    again = await run(stage, order)
    assert again == BulkProgress({CANCEL: 1, MOVE: 2}.get(action, 0), 0)  # one still runs; two are there


async def test_batches_and_filters(stage: Stage) -> None:
    queue, other = await stage.queue(), await stage.queue("other")
    await stage.know("t")
    await stage.add(queue, 120, tags='["a"]')
    await stage.add(queue, 7, tags='["b"]')
    await stage.add(queue, 3, "u", tags='["a"]')
    await stage.add(other, 5, tags='["a"]')
    order = BulkOrder(CANCEL, JobFilter(queue_ids=[queue.id], job_type="t", tag="a"))
    assert str(await bulk_of(stage).count(order, 100)) == "100+"
    seen = [progress.seen async for progress in bulk_of(stage).run(order, 50)]
    assert seen == [50, 100, 120]
    counts = await stage.history.counts(stage.project)
    assert (counts[JobStatus.CANCELLED], counts[JobStatus.PENDING]) == (120, 15)


async def test_interrupted_and_repeated(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.add(queue, 100)
    order = BulkOrder(DELETE, JobFilter(queue_ids=[queue.id]))
    steps = bulk_of(stage).run(order, 30)
    assert (await anext(steps)).done == 30
    await steps.aclose()
    assert (await bulk_of(stage).count(order)).jobs == 70
    assert (await run(stage, order, 30)).done == 70
    assert await stage.queues.delete(stage.project, queue.id) == {}


async def test_two_operations_and_a_worker_at_once(stage: Stage) -> None:
    """Each job has one fate, and the counts add up."""
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 400)

    async def work() -> int:
        done = 0
        for _ in range(20):
            jobs = await stage.claim(queue, free=10)
            done += len(await stage.settle(*(settlement(job, Succeeded()) for job in jobs)))
        return done

    cancelled, deleted, _ = await asyncio.gather(
        run(stage, BulkOrder(CANCEL, JobFilter(statuses=[JobStatus.PENDING])), 50),
        run(stage, BulkOrder(DELETE, JobFilter(statuses=[JobStatus.PENDING])), 50),
        work(),
    )
    counts = await stage.history.counts(stage.project)
    assert sum(counts.values()) + deleted.done == 400
    assert counts[JobStatus.PENDING] == 0
    assert cancelled.done >= counts[JobStatus.CANCELLED]


async def test_a_moved_job_keeps_the_time_it_has_waited(stage: Stage) -> None:
    strict, aged = await stage.queue("strict"), await stage.queue("aged", aging_seconds=60)
    await stage.know("t")
    [old] = await stage.add(strict, 1, priority=0)
    stage.clock.advance(61)
    [urgent] = await stage.add(strict, 1, priority=1)
    assert (await run(stage, BulkOrder(MOVE, JobFilter(queue_ids=[strict.id]), aged))).done == 2
    [late] = await stage.add(aged, 1, priority=0)
    assert await stage.order(aged) == [old, urgent, late]  # a level of priority is worth 60 s there


async def test_a_retried_job_is_held_where_it_is_paused(stage: Stage) -> None:
    job_id = await stage.bury(await stage.queue())
    pause, _ = await stage.pauses.create(stage.project, PauseKind.TYPE, "t", None, None)
    await PauseWork(stage.pauses, stage.queues, LocalSignals(Hub())).carry_out(pause)
    assert (await run(stage, BulkOrder(RETRY, JobFilter()))).done == 1
    assert (await stage.job(job_id)).hold is Hold.PAUSED


async def test_another_project_is_not_met(stage: Stage) -> None:
    other = await stage.other_project()
    queue = await stage.queue()
    [job_id] = await stage.add(queue)
    assert (await run(stage, BulkOrder(CANCEL, JobFilter()), project=other)).seen == 0
    store = SqlBulkStore(stage.engine)
    assert await store.cancel(other, [job_id]) == frozenset()
    assert await store.delete(other, [job_id]) == frozenset()
    assert await store.move(other, [job_id], queue.id) == frozenset()
    assert await stage.status(job_id) is JobStatus.PENDING
    theirs = await stage.queue("theirs", project=other)
    assert await store.move(stage.project, [job_id], theirs.id) == frozenset()


async def test_wrong_orders(stage: Stage) -> None:
    closed = await stage.queue("closed", state=QueueState.CLOSED)
    with pytest.raises(InvalidInput, match="does nothing to jobs that are succeeded"):
        BulkOrder(RETRY, JobFilter(statuses=[JobStatus.SUCCEEDED]))
    with pytest.raises(InvalidInput, match="which queue"):
        BulkOrder(MOVE, JobFilter())
    with pytest.raises(QueueClosed):
        BulkOrder(MOVE, JobFilter(), closed)
    [job_id] = await stage.add(await stage.queue())
    assert await SqlBulkStore(stage.engine).move(stage.project, [job_id], closed.id) == frozenset()
