"""A key is of one project, one type, one value; a place of a concurrency key is had by whoever may run or runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.errors import Conflict
from taskforge.domain.ids import JobId
from taskforge.domain.job import Hold
from taskforge.domain.keys import ConcurrencyKey, JobKeys
from taskforge.domain.outcome import Lost, Succeeded
from tests.conformance.stage import OTHER_PROJECT

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.queue import Queue
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio
MINUTE = 60_000_000


@pytest.mark.parametrize("has_ended", [False, True])
async def test_a_key_is_taken_for_its_project_type_and_value_only(stage: Stage, has_ended: bool) -> None:
    queue, theirs = await stage.queue(), await stage.queue(project=await stage.other_project())
    await stage.know("t", "u")
    keys = JobKeys("k", MINUTE)
    first = await stage.add_keyed(queue, keys)
    if has_ended:
        await stage.finish(await stage.claim_one(queue), Succeeded("1"))
    assert await stage.add_keyed(queue, keys) == first
    for job_type, other in (("t", JobKeys("other", MINUTE)), ("u", keys)):
        job = stage.new(queue, job_type)
        assert (await stage.accept(job, keys={job.id: other})).standing == {job.id: job.id}
    job = stage.new(theirs)
    accepted = await stage.jobs.accept_ruled(OTHER_PROJECT, [job], keys={job.id: keys}, bounds=[])
    assert accepted.standing == {job.id: job.id}


async def test_the_id_of_another_project_s_job_stands_for_nothing(stage: Stage) -> None:
    queue, theirs = await stage.queue(), await stage.queue(project=await stage.other_project())
    [job_id] = await stage.add(queue)
    job = stage.new(theirs)._replace(id=job_id)
    with pytest.raises(Conflict):
        await stage.jobs.accept_ruled(OTHER_PROJECT, [job], keys={job.id: JobKeys("k")}, bounds=[])


async def in_line(stage: Stage, queue: Queue, key: str, count: int, **values: Any) -> list[UUID]:
    keys = JobKeys(concurrency_key=key, concurrency_limit=1)
    return [await stage.add_keyed(queue, keys, **values) for _ in range(count)]


async def test_places_go_by_rank_and_a_suspect_has_one(stage: Stage) -> None:
    queue = await stage.queue(aging_seconds=60)
    await stage.know("t")
    await stage.add(queue)
    [first] = await in_line(stage, queue, "a", 1, priority=9)
    low = await in_line(stage, queue, "a", 1)
    high = await in_line(stage, queue, "a", 1, priority=5)
    job = await stage.claim_one(queue)
    assert job.id == first
    assert await stage.finish(job, Lost(blamed=True))
    assert (await stage.job(first)).hold is Hold.SUSPECT
    assert await stage.jobs.give_places([ConcurrencyKey(stage.project, "a")]) == 0
    await stage.jobs.cancel(stage.project, JobId(first))
    assert [(await stage.job(one)).hold for one in (*high, *low)] == [None, Hold.KEY]


async def test_keys_are_out_of_step_where_somebody_waits_beside_a_free_place(stage: Stage) -> None:
    """Each key by its own jobs: those of others of the same or another project neither wait for it nor hold it."""
    project, other = stage.project, await stage.other_project()
    queue, theirs = await stage.queue(), await stage.queue(project=other)
    await stage.know("t")
    await stage.know("t", project=other)

    async def wrong() -> list[str]:
        found, _ = await stage.jobs.keys_out_of_step(None, 100)
        return [key.key for key in found if key.project_id == project]

    await stage.add(queue)
    waiting = {key: (await in_line(stage, queue, key, 3))[1] for key in ("full", "a", "suspect")}
    planned = await stage.add_keyed(
        queue, JobKeys(concurrency_key="planned", concurrency_limit=1), delay_us=10**9
    )
    for key in ("full", "a", "planned"):
        job = stage.new(theirs)
        keys = {job.id: JobKeys(concurrency_key=key, concurrency_limit=1)}
        await stage.jobs.accept_ruled(other, [job], keys=keys, bounds=[])
    await stage.sql("UPDATE jobs SET hold = 'suspect' WHERE concurrency_key = 'suspect' AND hold IS NULL")
    assert await wrong() == []
    await stage.sql(f"UPDATE concurrency_keys SET places = 2 WHERE key = 'a' AND project_id = '{project}'")
    assert await wrong() == ["a"]
    assert await stage.jobs.give_places([ConcurrencyKey(project, "a")]) == 1
    assert (await stage.job(waiting["a"])).hold is None
    assert await wrong() == []
    await stage.sql(f"DELETE FROM jobs WHERE id = '{planned}'")
    assert await wrong() == ["planned"], "nobody is left"
    await stage.jobs.give_places([ConcurrencyKey(project, "planned")])
    assert await wrong() == []
    await stage.sql(
        f"DELETE FROM jobs WHERE concurrency_key = 'full' AND hold IS NULL AND project_id = '{project}'"
    )
    assert await wrong() == ["full"]


async def test_keys_are_looked_at_in_pages(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    for key in ("c", "a", "b"):
        await in_line(stage, queue, key, 1)
    await stage.sql("DELETE FROM jobs")
    seen, after = [], None
    for _ in range(4):
        found, after = await stage.jobs.keys_out_of_step(after, 1)
        seen += [key.key for key in found]
    assert (seen, after) == (["a", "b", "c"], None)
