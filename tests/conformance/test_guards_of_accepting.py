"""What is accepted is held for its own type only, and makes room in its own queue only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.keys import JobKeys
from taskforge.domain.pause import PauseKind
from taskforge.domain.queue import QueueSettings

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.queue import Queue
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

WAYS = ("alone", "many alike", "many", "with a key")


async def accept(stage: Stage, queue: Queue, job_type: str, way: str) -> UUID:
    """One job of that type, the last if there are several; its id."""
    if way == "with a key":
        return await stage.add_keyed(queue, JobKeys(key=job_type), job_type)
    jobs = [stage.new(queue, job_type)]
    if way == "alone":
        assert await stage.jobs.accept(stage.project, jobs) == {jobs[0].id}
        return jobs[0].id
    jobs += [stage.new(queue, job_type, priority=0 if way == "many alike" else 9) for _ in range(2)]
    await stage.jobs.accept_all(stage.project, jobs)
    return jobs[-1].id


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("has_pause", [False, True])
async def test_a_job_is_held_for_its_own_type(stage: Stage, way: str, has_pause: bool) -> None:
    await stage.know("t", "quiet")
    if has_pause:
        await stage.pauses.create(stage.project, PauseKind.TYPE, "quiet", None, "test")
    queue = await stage.queue()
    holds = {"unknown": Hold.NO_WORKER, "t": None, "quiet": Hold.PAUSED if has_pause else None}
    for job_type, hold in holds.items():
        assert (await stage.job(await accept(stage, queue, job_type, way))).hold is hold


@pytest.mark.parametrize("is_held", [False, True])
async def test_only_the_queue_s_own_jobs_make_room(stage: Stage, is_held: bool) -> None:
    if not is_held:
        await stage.know("t")
    bounded = await stage.queue("bounded", max_length=1, on_full="drop_oldest")
    [older] = await stage.add(await stage.queue("other"))
    stage.clock.advance(1)
    [own] = await stage.add(bounded, priority=9)
    accepted = await stage.accept(stage.new(bounded), queues=[bounded])
    assert accepted.dropped == 1
    assert [await stage.status(job) for job in (older, own)] == [JobStatus.PENDING, JobStatus.FAILED]


async def test_only_what_is_too_old_makes_room_for_being_so(stage: Stage) -> None:
    await stage.know("t")
    queue = await stage.queue(max_age_seconds=60, on_full="drop_oldest")
    [old] = await stage.add(queue, priority=9)
    stage.clock.advance(61)
    [young] = await stage.add(queue)
    assert (await stage.accept(stage.new(queue), queues=[queue])).dropped == 1
    assert [await stage.status(job) for job in (old, young)] == [JobStatus.FAILED, JobStatus.PENDING]


async def test_who_is_held_keeps_the_line_that_it_named_when_its_queue_becomes_fair(stage: Stage) -> None:
    """Of those that wait, are held, planned or run: who named no line joins the common one; other queues' stay as they are."""
    await stage.know("t")
    queue, other = await stage.queue("becomes fair"), await stage.queue("other")
    named: list[UUID] = []
    plain: list[UUID] = []
    elsewhere: list[UUID] = []
    for job_type, delay_us in (("t", None), ("t", None), ("unknown", None), ("t", 60_000_000)):
        for where, keys, ids in (
            (queue, JobKeys(fairness_key="f"), named),
            (queue, JobKeys(), plain),
            (other, JobKeys(), elsewhere),
        ):
            job = stage.new(where, job_type, delay_us=delay_us)
            is_first = not ids
            ids.append(job.id)
            await stage.accept(job, keys={job.id: keys})
            if is_first:  # it runs
                assert [found.id for found in await stage.claim(where)] == ids
    await stage.write(replace(queue, settings=QueueSettings(policy="fair")))
    rows = await stage.sql("SELECT id, fairness_key FROM jobs")
    lines_of = {stage.engine.identity(row[0]): row[1] for row in rows}
    assert [[lines_of[job] for job in ids] for ids in (named, plain, elsewhere)] == [
        ["f"] * 4,
        [""] * 4,
        [None] * 4,
    ]
