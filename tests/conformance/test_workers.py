"""Workers: one row an incarnation."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.domain.ids import WorkerId
from taskforge.domain.job_options import NO_OPTIONS, JobOptions
from taskforge.domain.outcome import Succeeded
from taskforge.domain.worker import TaskDescription, WorkerStatus, WorkerType
from tests.conformance.stage import LEASE, NOON, PROCESS, beat_of, registration

if TYPE_CHECKING:
    from taskforge.domain.worker import ProcessIdentity, Registration
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

LEASE_US = round(LEASE * 1_000_000)


async def _register(stage: Stage, what: Registration) -> tuple[WorkerId, ProcessIdentity | None]:
    worker_id = WorkerId(stage.mint())
    return worker_id, await stage.workers.register(stage.project, worker_id, what, LEASE_US)


async def test_what_was_registered_is_listed(stage: Stage) -> None:
    what = replace(registration("w", "t"), type=WorkerType.SPECIALIZED_GPU, queues=["a", "b"])
    worker_id, namesake = await _register(stage, what)
    assert namesake is None
    [worker] = await stage.workers.list(stage.project)
    assert (worker.id, worker.name, worker.project_id) == (worker_id, "w", stage.project)
    assert (worker.type, worker.capabilities) == (WorkerType.SPECIALIZED_GPU, {"gpu": 1})
    assert (worker.max_concurrent_jobs, tuple(worker.queues), worker.version) == (10, ("a", "b"), "0.1")
    assert worker.process == PROCESS
    assert (worker.active_jobs, worker.stopped_at, worker.drain_requested_at) == (0, None, None)
    assert worker.last_heartbeat == worker.created_at == NOON
    assert worker.status(NOON, timedelta(seconds=LEASE)) is WorkerStatus.ONLINE


async def test_it_counts_what_it_runs(stage: Stage) -> None:
    queue = await stage.queue()
    worker_id = await stage.know("t")
    await stage.add(queue, 3)
    jobs = await stage.claim(queue, worker=worker_id)
    assert await stage.finish(jobs[0], Succeeded())
    [worker] = await stage.workers.list(stage.project)
    assert worker.active_jobs == 2


async def test_a_living_namesake_is_answered_and_nothing_written(stage: Stage) -> None:
    other = replace(PROCESS, pid=9)
    await _register(stage, registration("w"))
    stage.clock.advance(LEASE - 1)
    _, namesake = await _register(stage, registration("w", "new", process=other))
    assert namesake == PROCESS
    assert len(await stage.workers.list(stage.project)) == 1
    assert await stage.workers.tasks(stage.project) == []
    _, namesake = await _register(stage, registration("another", process=other))
    assert namesake is None


async def test_a_silent_or_stopped_namesake_is_in_nobody_s_way(stage: Stage) -> None:
    queue = await stage.queue()
    first, _ = await _register(stage, registration("w", "t"))
    await stage.add(queue)
    await stage.claim(queue, worker=first)
    stage.clock.advance(LEASE + 1)
    second, namesake = await _register(stage, registration("w"))
    assert namesake is None
    await stage.workers.stop(second)
    third, namesake = await _register(stage, registration("w"))
    assert namesake is None
    assert [worker.id for worker in await stage.workers.list(stage.project)] == [third]
    everyone = await stage.workers.list(stage.project, stopped=True)
    assert [worker.id for worker in everyone] == [third, second, first]
    assert [worker.active_jobs for worker in everyone] == [0, 0, 1], (
        "a job stays with the process that took it"
    )


async def test_of_many_namesakes_that_start_at_once_one_gets_the_name(stage: Stage) -> None:
    await asyncio.gather(*(stage.workers.list(stage.project) for _ in range(10)))  # open connections
    answers = await asyncio.gather(
        *(_register(stage, registration("w", process=replace(PROCESS, pid=pid))) for pid in range(1, 9))
    )
    assert len([namesake for _, namesake in answers if namesake is None]) == 1
    assert len(await stage.workers.list(stage.project)) == 1


async def test_many_workers_that_start_at_once_with_the_same_tasks(stage: Stage) -> None:
    types = [f"t{number}" for number in range(30)]
    answers = await asyncio.gather(
        *(_register(stage, registration(f"w{n}", *(types if n % 2 else types[::-1]))) for n in range(10))
    )
    assert all(namesake is None for _, namesake in answers)
    assert len(await stage.workers.tasks(stage.project)) == 30


async def test_the_catalogue_keeps_the_newest_word(stage: Stage) -> None:
    await _register(stage, registration("w1", "b", "a"))
    assert await stage.workers.tasks(stage.project) == [
        TaskDescription("a", "default", {"type": "object"}, "does it"),
        TaskDescription("b", "default", {"type": "object"}, "does it"),
    ]
    options = JobOptions(
        priority=3, max_attempts=1, timeout=1.5, tags=["x"], retry_base=2, retry_jitter=False
    )
    said = TaskDescription("b", "default", options=options)
    await stage.workers.declare(stage.project, [said, TaskDescription("c", "default", options=options)])
    assert [task.options for task in await stage.workers.tasks(stage.project)] == [
        NO_OPTIONS,
        NO_OPTIONS,
        options,
    ]
    newer = replace(registration("w2"), tasks=[TaskDescription("a", "other"), said])
    await _register(stage, newer)
    assert (await stage.workers.tasks(stage.project))[:2] == [TaskDescription("a", "other", None, None), said]


async def test_leaving_keeps_its_first_time(stage: Stage) -> None:
    worker_id, _ = await _register(stage, registration("w"))
    await stage.workers.stop(worker_id)
    stage.clock.advance(5)
    await stage.workers.stop(worker_id)
    [worker] = await stage.workers.list(stage.project, stopped=True)
    assert worker.stopped_at == NOON
    assert worker.status(NOON, timedelta(seconds=LEASE)) is WorkerStatus.OFFLINE
    await stage.workers.stop(WorkerId(UUID(int=404)))


async def test_who_works_is_not_deregistered_and_who_was_hears_of_it(stage: Stage) -> None:
    queue = await stage.queue()
    worker, _ = await _register(stage, registration("w", "t"))
    await stage.add(queue)
    [job] = await stage.claim(queue, worker=worker)
    assert not await stage.workers.deregister(stage.project, worker)
    assert not (await stage.beat(beat_of(job), worker=worker)).drain
    assert await stage.finish(job, Succeeded("1"))
    assert await stage.workers.deregister(stage.project, worker)
    assert not await stage.workers.deregister(stage.project, worker), "it is once"
    assert (await stage.beat(worker=worker)).drain
    assert await stage.workers.list(stage.project) == []
    [execution] = await stage.executions(job.id)
    assert execution.worker_id == worker, "what it did is still known as its own"


async def test_the_dead_and_the_silent_are_given_up(stage: Stage) -> None:
    silent, _ = await _register(stage, registration("silent"))
    stage.clock.advance(60)
    dead, _ = await _register(stage, registration("dead"))
    await _register(stage, registration("well"))
    assert await stage.workers.forget([], 60_000_000) == []
    assert set(await stage.workers.forget([dead], 59_000_000)) == {dead, silent}
    assert await stage.workers.forget([dead], 59_000_000) == []
    assert [worker.name for worker in await stage.workers.list(stage.project)] == ["well"]


async def test_who_never_said_good_bye_on_a_machine(stage: Stage) -> None:
    here, _ = await _register(stage, registration("here"))
    gone, _ = await _register(stage, registration("gone"))
    await _register(stage, registration("elsewhere", process=replace(PROCESS, machine="another")))
    await stage.workers.stop(gone)
    assert await stage.workers.unstopped_on("machine") == [(here, PROCESS)]
    assert await stage.workers.unstopped_on("none") == []
