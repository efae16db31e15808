"""Jobs by status, counted without reading them all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.ids import JobId
from taskforge.domain.job import JobStatus
from taskforge.domain.outcome import Succeeded
from taskforge.storage import history, walks
from taskforge.storage.recording import SqlRecordKeeper

if TYPE_CHECKING:
    from taskforge.domain.ids import QueueId
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


async def test_every_status_is_counted_in_its_queue(stage: Stage) -> None:
    first, second = await stage.queue("first"), await stage.queue("second")
    await stage.know("t")
    await stage.add(first, 2)
    await stage.add(first, 1, "unknown")
    await stage.add(second, 3, delay_us=10**9)
    await stage.bury(second)
    [lost] = await stage.add(second, 1, delay_us=10**9)
    await stage.jobs.cancel(stage.project, JobId(lost))
    await stage.claim_one(first)
    counts = await stage.history.counts(stage.project, queue_id=first.id)
    assert counts == dict.fromkeys(JobStatus, 0) | {JobStatus.PENDING: 2, JobStatus.PROCESSING: 1}
    counts = await stage.history.counts(stage.project, queue_id=second.id)
    assert counts == dict.fromkeys(JobStatus, 0) | {
        JobStatus.SCHEDULED: 3,
        JobStatus.FAILED: 1,
        JobStatus.CANCELLED: 1,
    }
    together = await stage.history.counts(stage.project)
    assert sum(together.values()) == 8
    assert together.bounded == frozenset()


async def test_the_succeeded_are_a_total_that_deletions_lower(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    ids = await stage.add(queue, 5)
    for job in await stage.claim(queue, free=4):
        assert await stage.finish(job, Succeeded("1"))

    async def succeeded() -> int:
        found = (await stage.history.counts(stage.project, queue_id=queue.id))[JobStatus.SUCCEEDED]
        [[truth]] = await stage.sql("SELECT count(*) FROM jobs WHERE status = 'succeeded'")
        assert found == truth
        return found

    keeper = SqlRecordKeeper(stage.engine)
    assert await succeeded() == 4
    await stage.jobs.delete(stage.project, JobId(ids[0]))
    assert await succeeded() == 3
    await keeper.fold(100)
    assert await succeeded() == 3
    await stage.jobs.delete(stage.project, JobId(ids[4]))  # it waits
    await asyncio.gather(*(stage.jobs.delete(stage.project, JobId(job_id)) for job_id in ids[1:3]))
    assert await succeeded() == 1
    await stage.sql("DELETE FROM jobs")
    await keeper.fold(100)
    assert await succeeded() == 0


async def test_counts_end_at_a_bound_and_say_so(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "COUNT_BOUND", 3)
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 2, delay_us=10**9)
    for _ in range(4):
        await stage.bury(queue)
    await stage.add(queue, 5)
    counts = await stage.history.counts(stage.project, queue_id=queue.id)
    assert counts.bounded == {JobStatus.PENDING, JobStatus.FAILED, JobStatus.CANCELLED}
    assert [
        counts.shown(status) for status in (JobStatus.PENDING, JobStatus.FAILED, JobStatus.SCHEDULED)
    ] == [
        "3+",
        "3+",
        "2",
    ]


async def test_a_tag_is_counted_up_to_the_bound(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = await stage.queue()
    await stage.add(queue, 2, tags='["a"]')
    await stage.add(queue, 3)
    await stage.add(await stage.queue("other"), 1, tags='["a", "b"]')

    async def found(tag: str, queue_id: QueueId | None = None) -> tuple[int, bool]:
        counts = await stage.history.counts(stage.project, tag=tag, queue_id=queue_id)
        assert set(counts) == set(JobStatus)
        return counts[JobStatus.PENDING], bool(counts.bounded)

    assert [await found("a"), await found("a", queue.id), await found("b"), await found("c")] == [
        (3, False),
        (2, False),
        (1, False),
        (0, False),
    ]
    other = await stage.other_project()
    assert (await stage.history.counts(other, tag="a"))[JobStatus.PENDING] == 0
    monkeypatch.setattr(history, "COUNT_BOUND", 2)
    assert await found("a") == (2, True)
    assert await found("b") == (1, False)


@pytest.mark.parametrize("newest", [2, 100])
async def test_a_common_tag_is_counted_among_the_newest(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, newest: int
) -> None:
    monkeypatch.setattr(walks, "PROBED", 3)
    monkeypatch.setattr(history, "NEWEST", newest)
    queue = await stage.queue()
    await stage.add(queue, 4, tags='["a"]')
    counts = await stage.history.counts(stage.project, tag="a")
    is_bounded = newest < 4 and stage.engine.dialect == "postgres"
    least = newest if is_bounded else 4
    assert (counts[JobStatus.PENDING], bool(counts.bounded)) == (least, is_bounded)
