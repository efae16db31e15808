"""A change by a person is made to the jobs that were named, by their own queue and hold, and to nothing beside them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from taskforge.domain.ids import JobId
from taskforge.domain.keys import JobKeys
from taskforge.domain.outcome import Failed
from taskforge.storage.bulk import SqlBulkStore
from tests.conformance.stage import BOOM, NOON, line, plain_policy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from taskforge.domain.queue import Queue
    from tests.conformance.stage import Stage

    Act = Callable[["Scene", JobId], Awaitable[object]]

pytestmark = pytest.mark.anyio
PRIORITY = 3
LATER = NOON + timedelta(seconds=70)
COLUMNS = "id, status, hold, queue_id, rank, cancel_requested_at, payload, manual_retries, scheduled_for, completed_at"


class Scene:
    """Three jobs each that wait, run and have failed, behind one of an unknown type; other queues stand before theirs."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.bulk = SqlBulkStore(stage.engine)
        self.target: Queue
        self.jobs: dict[str, list[UUID]] = {}

    async def lay_out(self) -> None:
        stage = self.stage
        await stage.queue("theirs", project=await stage.other_project(), aging_seconds=1)
        self.target = await stage.queue("target", aging_seconds=100)
        queue = await stage.queue("own", aging_seconds=10)
        await stage.know("t")
        await stage.add(queue, 1, "unknown")
        ids = [*await stage.add(queue, 6, priority=PRIORITY)]
        claimed = await stage.claim(queue)
        for job in claimed[:3]:
            await stage.finish(job, Failed(BOOM), policy=plain_policy(1))
        self.jobs = {
            "failed": ids[:3],
            "running": ids[3:],
            "waiting": await stage.add(queue, 3, priority=PRIORITY),
        }
        stage.clock.advance(60)

    async def rows(self) -> dict[str, tuple[Any, ...]]:
        return {str(row[0]): tuple(row) for row in await self.stage.sql(f"SELECT {COLUMNS} FROM jobs")}

    async def changed(self, act: Act, job_id: JobId) -> set[str]:
        before = await self.rows()
        assert await act(self, job_id)
        after = await self.rows()
        return {found for found in before if before[found] != after.get(found)}


ACTS: dict[str, tuple[str, Act]] = {
    "cancel": ("waiting", lambda s, one: s.stage.jobs.cancel(s.stage.project, one)),
    "ask to stop": ("running", lambda s, one: s.stage.jobs.cancel(s.stage.project, one)),
    "reschedule": ("waiting", lambda s, one: s.stage.jobs.reschedule(s.stage.project, one, LATER)),
    "retry": ("failed", lambda s, one: s.stage.jobs.retry(s.stage.project, one, None, "[1]")),
    "redrive": ("failed", lambda s, one: s.stage.jobs.retry(s.stage.project, one, s.target.id)),
    "delete": ("failed", lambda s, one: s.stage.jobs.delete(s.stage.project, one)),
    "cancel many": ("waiting", lambda s, one: s.bulk.cancel(s.stage.project, [one])),
    "ask many to stop": ("running", lambda s, one: s.bulk.cancel(s.stage.project, [one])),
    "retry many": ("failed", lambda s, one: s.bulk.retry(s.stage.project, [one], None)),
    "redrive many": ("failed", lambda s, one: s.bulk.retry(s.stage.project, [one], s.target.id)),
    "move many": ("waiting", lambda s, one: s.bulk.move(s.stage.project, [one], s.target.id)),
    "delete many": ("failed", lambda s, one: s.bulk.delete(s.stage.project, [one])),
}
AGING = 1_000_000
RANKS = {
    "reschedule": (LATER, 10),
    "retry": (NOON + timedelta(seconds=60), 10),
    "redrive": (NOON + timedelta(seconds=60), 100),
    "retry many": (NOON + timedelta(seconds=60), 10),
    "redrive many": (NOON + timedelta(seconds=60), 100),
    "move many": (NOON, 100),
}
"""From when, and by the aging of which queue."""


@pytest.mark.parametrize("name", ACTS)
async def test_one_is_changed_and_none_beside_it(stage: Stage, name: str) -> None:
    scene = Scene(stage)
    await scene.lay_out()
    status, act = ACTS[name]
    chosen = JobId(scene.jobs[status][1])
    assert await scene.changed(act, chosen) == {str(chosen)}
    if name in RANKS:
        since, aging = RANKS[name]
        row = (await scene.rows())[str(chosen)]
        assert (row[2], row[4]) == (None, round(since.timestamp() * 1e6) - PRIORITY * aging * AGING)


async def test_of_another_project_s_job_nothing_is_said(stage: Stage) -> None:
    scene = Scene(stage)
    await scene.lay_out()
    other = (await stage.sql("SELECT id FROM projects WHERE name = 'other'"))[0][0]
    project: Any = UUID(str(other))
    for status in scene.jobs:
        job_id = JobId(scene.jobs[status][0])
        assert await stage.jobs.cancel(project, job_id) is None
        assert await stage.jobs.reschedule(project, job_id, LATER) is None
        assert await stage.jobs.retry(project, job_id, None) is None
        assert await stage.jobs.delete(project, job_id) is None


@pytest.mark.parametrize("keys", [JobKeys(key="k"), JobKeys(concurrency_key="k", concurrency_limit=9)])
async def test_jobs_with_keys_are_left_to_be_changed_one_by_one(stage: Stage, keys: JobKeys) -> None:
    bulk, queue = SqlBulkStore(stage.engine), await stage.queue()
    await stage.know("t")
    job_id = await stage.add_keyed(queue, keys)
    assert await bulk.cancel(stage.project, [job_id]) == frozenset()
    assert await bulk.delete(stage.project, [job_id]) == frozenset()
    await stage.jobs.cancel(stage.project, JobId(job_id))
    assert await bulk.retry(stage.project, [job_id], None) == frozenset()
    assert await bulk.delete(stage.project, [job_id]) == frozenset()


async def test_a_running_job_is_asked_once_and_keeps_its_record(stage: Stage) -> None:
    bulk, queue = SqlBulkStore(stage.engine), await stage.queue()
    first = await stage.start(queue)
    assert await stage.finish(first, Failed(BOOM, retry_after=1), lines=[line(1, "so far")])
    stage.clock.advance(1)
    await stage.jobs.promote(None, 10)
    job = await stage.claim_one(queue)
    assert await bulk.cancel(stage.project, [job.id]) == {job.id}
    asked = (await stage.job(job.id)).cancel_requested_at
    stage.clock.advance(5)
    assert await bulk.cancel(stage.project, [job.id]) == frozenset()
    assert (await stage.job(job.id)).cancel_requested_at == asked
    assert await bulk.delete(stage.project, [job.id]) == frozenset()
    assert len(await stage.executions(job.id)) == 1
    assert "so far" in await stage.messages(job.id)
