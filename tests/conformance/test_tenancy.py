"""Another project's ids behave like unknown ids, in every method that names a project."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.domain.errors import Conflict, InvalidSetting, NotFound
from taskforge.domain.ids import DEFAULT_PROJECT, JobId
from taskforge.domain.job import JobStatus
from taskforge.domain.outcome import Succeeded
from taskforge.domain.queue import QueueSettings
from taskforge.ports.history import JobFilter
from tests.conformance.stage import OTHER_WORKER, line, registration

if TYPE_CHECKING:
    from taskforge.domain.execution import Execution
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.queue import Queue
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Tenants:
    """The default project owns all of this, ``other`` nothing."""

    stage: Stage
    other: ProjectId
    queue: Queue
    done: JobId
    execution: Execution
    running: JobId
    failed: JobId
    waiting: JobId


@pytest.fixture
async def tenants(stage: Stage) -> Tenants:
    other = await stage.other_project()
    letters = await stage.queue("letters")
    queue = await stage.queue()
    done = await stage.start(queue)
    assert await stage.finish(done, Succeeded('"secret"'), lines=[line(1, "secret")])
    [execution] = await stage.executions(done.id)
    running = await stage.start(queue)
    failed = await stage.bury(queue, letters)
    [waiting] = await stage.add(queue, 1, tags='["x"]')
    return Tenants(stage, other, queue, done.id, execution, running.id, JobId(failed), JobId(waiting))


async def test_accept(tenants: Tenants) -> None:
    stage, other = tenants.stage, tenants.other
    theirs = stage.new(tenants.queue)
    assert await stage.jobs.accept(other, [theirs]) == frozenset()
    with pytest.raises(NotFound):
        await stage.jobs.accept_all(other, [theirs])
    assert await stage.history.job(DEFAULT_PROJECT, theirs.id) is None


async def test_accepting_an_id_that_another_project_has_is_not_taken_for_a_repetition(
    tenants: Tenants,
) -> None:
    stage, other = tenants.stage, tenants.other
    mine = await stage.queue("mine", project=other)
    clash = stage.new(mine)._replace(id=tenants.waiting)
    assert await stage.jobs.accept(other, [clash]) == frozenset()
    with pytest.raises((NotFound, Conflict)):
        await stage.jobs.accept_all(other, [clash])
    assert (await stage.job(tenants.waiting)).queue_id == tenants.queue.id


async def test_claim_and_promote(tenants: Tenants) -> None:
    stage, other = tenants.stage, tenants.other
    assert await stage.claim(tenants.queue, project=other, worker=OTHER_WORKER) == []
    batch = await stage.claim_batch(tenants.queue, project=other)
    assert batch.next_due_at is None
    await stage.add(tenants.queue, 1, delay_us=1)
    stage.clock.advance(1)
    assert await stage.jobs.promote(other, 10) == 0
    assert await stage.jobs.promote(DEFAULT_PROJECT, 10) == 1


async def test_a_type_that_only_the_other_project_knows_is_unknown(tenants: Tenants) -> None:
    stage, other = tenants.stage, tenants.other
    mine = await stage.queue("mine", project=other)
    await stage.add(mine)
    assert await stage.claim(mine, project=other) == []
    assert await stage.jobs.release_holds(10) == 0
    await stage.know("t", project=other)
    assert await stage.jobs.release_holds(10) == 1
    assert len(await stage.claim(mine, project=other)) == 1


async def test_cancel_retry_delete(tenants: Tenants) -> None:
    stage, other = tenants.stage, tenants.other
    for job_id in (tenants.done, tenants.running, tenants.failed, tenants.waiting):
        before = await stage.job(job_id)
        assert await stage.jobs.cancel(other, job_id) is None
        assert await stage.jobs.retry(other, job_id, None) is None
        assert await stage.jobs.delete(other, job_id) is None
        assert await stage.job(job_id) == before
    assert len(await stage.executions(tenants.done)) == 1
    assert await stage.messages(tenants.done) == ["secret"]


async def test_a_job_cannot_be_redriven_into_another_project_s_queue(tenants: Tenants) -> None:
    stage, other = tenants.stage, tenants.other
    mine = await stage.queue("mine", project=other)
    with pytest.raises(NotFound):
        await stage.jobs.retry(DEFAULT_PROJECT, tenants.failed, mine.id)
    assert await stage.status(tenants.failed) is JobStatus.FAILED


async def test_history(tenants: Tenants) -> None:
    stage, other = tenants.stage, tenants.other
    history = stage.history
    for job_id in (tenants.done, tenants.running, tenants.failed, tenants.waiting):
        assert await history.job(other, job_id) is None
        assert await history.executions(other, job_id) == []
        assert await history.logs(other, job_id=job_id) == []
        assert (await history.execution_stats(other, job_id)).total_executions == 0
        assert await history.job_ids_by_suffix(other, job_id.hex[-8:], 1000) == []
        assert await history.endings(other, [job_id]) == []
    assert await history.jobs(other, JobFilter()) == []
    assert await history.jobs(other, JobFilter(queue_ids=[tenants.queue.id], tag="x")) == []
    assert await history.counts(other) == dict.fromkeys(JobStatus, 0)
    assert await history.counts(other, queue_id=tenants.queue.id) == dict.fromkeys(JobStatus, 0)
    [letters] = [q for q in await stage.queues.list(DEFAULT_PROJECT) if q.name == "letters"]
    assert await history.dead_letter_count(other, letters.id) == 0
    assert await history.dead_letter_count(DEFAULT_PROJECT, letters.id) == 1
    assert await history.failure_groups(other, None, 10) == []
    [group] = await history.failure_groups(DEFAULT_PROJECT, None, 10)
    assert (group.queue_id, group.jobs) == (tenants.queue.id, 1)
    assert await history.failure_groups(DEFAULT_PROJECT, [letters.id], 10) == []


async def test_a_known_execution_id_opens_no_other_project_s_log(tenants: Tenants) -> None:
    stage, other = tenants.stage, tenants.other
    mine = await stage.queue("mine", project=other)
    [own] = await stage.add(mine)
    for job_id in (own, tenants.done):
        assert await stage.history.logs(other, job_id=job_id, execution_id=tenants.execution.id) == []


async def test_queues(tenants: Tenants) -> None:
    stage, other = tenants.stage, tenants.other
    queues, theirs = stage.queues, tenants.queue
    assert await queues.get(other, theirs.id) is None
    assert await queues.find(other, theirs.name) is None
    assert await queues.list(other) == []
    assert await stage.write(replace(theirs, project_id=other, name="stolen")) is None
    assert await queues.delete(other, theirs.id) == {}
    assert await queues.get(DEFAULT_PROJECT, theirs.id) == theirs


async def test_each_project_has_its_own_names_and_version(tenants: Tenants) -> None:
    stage, other = tenants.stage, tenants.other
    before = await stage.config_version(DEFAULT_PROJECT)
    mine = await stage.queue("default", project=other)
    assert mine.id != tenants.queue.id
    assert await stage.config_version(DEFAULT_PROJECT) == before
    assert await stage.queues.ensure(other, ["default"]) == []
    assert await stage.queues.find(other, "default") == mine


async def test_a_dead_letter_queue_of_another_project_is_none(tenants: Tenants) -> None:
    stage, other = tenants.stage, tenants.other
    mine = await stage.queue("mine", project=other)
    with pytest.raises(InvalidSetting):
        await stage.write(replace(mine, settings=QueueSettings(dead_letter_queue_id=tenants.queue.id)))


async def test_workers(tenants: Tenants) -> None:
    stage, other = tenants.stage, tenants.other
    assert await stage.workers.list(other) == []
    assert await stage.workers.list(other, stopped=True) == []
    assert await stage.workers.tasks(other) == []
    [worker, *_] = await stage.workers.list(DEFAULT_PROJECT)
    namesake = await stage.workers.register(other, OTHER_WORKER, registration(worker.name, "t"), 30_000_000)
    assert namesake is None
    assert [found.id for found in await stage.workers.list(other)] == [OTHER_WORKER]


async def test_an_unknown_project_is_empty(stage: Stage) -> None:
    from taskforge.domain.ids import ProjectId

    nowhere = ProjectId(UUID(int=404))
    assert await stage.history.jobs(nowhere, JobFilter()) == []
    assert await stage.queues.list(nowhere) == []
    assert await stage.claim(project=nowhere) == []
