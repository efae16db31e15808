"""The server's side of remote workers: what it remembers is a cache, and nobody acts on another's lease."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from taskforge import TaskForge
from taskforge.domain.errors import LeaseLost, NameTaken, NotFound
from taskforge.domain.job import JobStatus
from taskforge.domain.outcome import Report, Succeeded
from taskforge.ports.jobs import Beat, Fence
from taskforge.services.remote_workers import RemoteWorker, RemoteWorkers
from tests.conformance.stage import line, registration

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from taskforge.platform import Platform
    from taskforge.ports.jobs import ClaimBatch, ClaimRequest
    from taskforge.ports.link import Attempt

pytestmark = pytest.mark.anyio


async def nothing() -> None: ...


@pytest.fixture
async def app(database_url: str, anyio_backend: str) -> AsyncIterator[TaskForge]:
    app = TaskForge(database_url, lease_seconds=30, poll_seconds=3000, poll_without_hints_seconds=3000)
    app.task(name="t")(nothing)
    yield app
    await app.aclose()


@pytest.fixture
async def platform(app: TaskForge) -> Platform:
    return await app.platform()


async def _worker(platform: Platform, name: str = "w") -> tuple[UUID, RemoteWorker]:
    welcome, worker = await platform.remote_workers.register(registration(name, "t"))
    return welcome.worker_id, worker


def anew(platform: Platform) -> RemoteWorkers:
    """As a server finds its workers that was started anew."""
    return RemoteWorkers(platform.project_id, platform.stores.workers, platform.make_link)


def fence_of(attempt: Attempt) -> Fence:
    job = attempt.job
    return Fence(job.id, job.claim_seq, job.execution_id)


def beat_of(attempt: Attempt) -> Beat:
    return Beat(*fence_of(attempt), started=True, signed=False, progress=None, state=None)


def success_of(attempt: Attempt) -> tuple[Fence, Report]:
    return fence_of(attempt), Report(attempt.job.execution_id, Succeeded("1"), 0, 0)


async def _enqueue(app: TaskForge, count: int) -> list[UUID]:
    task = app.registry.find("t")
    return [handle.id for handle in await app.aenqueue_many([task.job() for _ in range(count)])]


async def _statuses(platform: Platform, ids: list[UUID]) -> list[JobStatus]:
    return [(await platform.insights.job(job_id)).status for job_id in ids]


async def test_a_server_that_was_started_anew_goes_on_with_what_it_had_handed_out(
    app: TaskForge, platform: Platform
) -> None:
    worker_id, worker = await _worker(platform)
    ids = await _enqueue(app, 3)
    first, second, third = (await worker.claim(3, 1)).attempts
    worker = await anew(platform).get(worker_id)
    assert (await worker.beat([beat_of(first), beat_of(second)])).lost == frozenset()
    assert await worker.log([(*fence_of(first), line(1, "here"))]) == frozenset()
    worker = await anew(platform).get(worker_id)
    assert await worker.settle([success_of(first), success_of(second)]) == frozenset()
    await worker.settle_one(*success_of(third))
    assert await _statuses(platform, ids) == [JobStatus.SUCCEEDED] * 3
    assert [found.message for found in await platform.insights.logs(ids[0])] == ["here"]


async def test_a_retried_job_keeps_its_policy_over_a_restart(app: TaskForge, platform: Platform) -> None:
    from taskforge.domain.outcome import ErrorReport, Failed

    worker_id, worker = await _worker(platform)
    [job_id] = [(await app.registry.find("t").options(max_attempts=1).aenqueue()).id]
    [attempt] = (await worker.claim(1, 1)).attempts
    worker = await anew(platform).get(worker_id)
    report = Report(attempt.job.execution_id, Failed(ErrorReport("E", "boom")), 0, 0)
    assert await worker.settle([(fence_of(attempt), report)]) == frozenset()
    assert (await platform.insights.job(job_id)).status is JobStatus.FAILED


async def test_nobody_acts_on_the_lease_of_another(app: TaskForge, platform: Platform) -> None:
    _, owner = await _worker(platform, "owner")
    _, thief = await _worker(platform, "thief")
    [job_id] = await _enqueue(app, 1)
    [attempt] = (await owner.claim(1, 1)).attempts
    stolen = {attempt.job.execution_id}
    assert await thief.settle([success_of(attempt)]) == stolen
    assert (await thief.beat([beat_of(attempt)])).lost == stolen
    assert await thief.log([(*fence_of(attempt), line(1, "mine"))]) == stolen
    with pytest.raises(LeaseLost):
        await thief.settle_one(*success_of(attempt))
    with pytest.raises(LeaseLost):
        await thief.beat_one(beat_of(attempt))
    assert await _statuses(platform, [job_id]) == [JobStatus.PROCESSING]
    assert await platform.insights.logs(job_id) == []
    assert await owner.settle([success_of(attempt)]) == frozenset()


async def test_half_a_fence_opens_nothing(app: TaskForge, platform: Platform) -> None:
    _, worker = await _worker(platform)
    await _enqueue(app, 1)
    [attempt] = (await worker.claim(1, 1)).attempts
    right, report = success_of(attempt)
    for wrong in (right._replace(claim_seq=2), right._replace(job_id=uuid4())):
        assert await worker.settle([(wrong, report)]) == {right.execution_id}
    assert await worker.settle([(right, report)]) == frozenset()


async def test_what_was_handed_out_unheard_goes_back(app: TaskForge, platform: Platform) -> None:
    worker_id, worker = await _worker(platform)
    ids = await _enqueue(app, 4)
    heard = (await worker.claim(1, 1)).attempts
    await worker.claim(2, 1)  # its answer is lost
    worker = await anew(platform).get(worker_id)
    work = await worker.claim(3, 1, in_hand=[fence_of(attempt) for attempt in heard])
    assert {attempt.job.id for attempt in work.attempts} == set(ids[1:])
    attempts = [*heard, *work.attempts]
    assert await worker.settle([success_of(attempt) for attempt in attempts]) == frozenset()
    for job_id in ids:
        job = await platform.insights.job(job_id)
        assert (job.status, job.attempt_count, job.losses) == (JobStatus.SUCCEEDED, 1, 0)


async def test_leaving_hands_back_what_was_not_heard_of(app: TaskForge, platform: Platform) -> None:
    worker_id, worker = await _worker(platform)
    ids = await _enqueue(app, 2)
    await worker.claim(2, 1)
    await worker.leave(in_hand=[])
    assert await _statuses(platform, ids) == [JobStatus.PENDING] * 2
    with pytest.raises(NotFound):
        await platform.remote_workers.get(worker_id)
    with pytest.raises(NotFound):
        await anew(platform).get(worker_id)


@pytest.fixture
def in_vain(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Set when the database had no job for a claim."""
    found_none = asyncio.Event()
    claim = platform.stores.jobs.claim

    async def noted(request: ClaimRequest) -> ClaimBatch:
        batch = await claim(request)
        if not batch.jobs:
            found_none.set()
        return batch

    monkeypatch.setattr(platform.stores.jobs, "claim", noted)
    return found_none


async def test_a_claim_waits_for_a_job(app: TaskForge, platform: Platform, in_vain: asyncio.Event) -> None:
    _, worker = await _worker(platform)
    claim = asyncio.create_task(worker.claim(1, 1, wait=20))
    await in_vain.wait()
    ids = await _enqueue(app, 1)
    async with asyncio.timeout(10):
        work = await claim
    assert [attempt.job.id for attempt in work.attempts] == ids


async def test_a_claim_wakes_for_a_job_that_becomes_due(app: TaskForge, platform: Platform) -> None:
    _, worker = await _worker(platform)
    await app.registry.find("t").options(delay=0.3).aenqueue()
    async with asyncio.timeout(10):
        assert len((await worker.claim(1, 1, wait=20)).attempts) == 1


async def test_a_claim_that_waited_in_vain_is_empty(platform: Platform) -> None:
    _, worker = await _worker(platform)
    assert (await worker.claim(1, 1, wait=0.05)).attempts == []


async def test_nothing_is_kept_for_who_has_gone(
    app: TaskForge, platform: Platform, in_vain: asyncio.Event
) -> None:
    _, worker = await _worker(platform)
    gone = asyncio.Event()
    claim = asyncio.create_task(worker.claim(1, 1, wait=20, gone=gone))
    await in_vain.wait()
    gone.set()
    async with asyncio.timeout(10):
        assert list((await claim).attempts) == []
    ids = await _enqueue(app, 1)
    assert list((await worker.claim(1, 1, wait=20, gone=gone)).attempts) == []
    [job] = [await platform.insights.job(job_id) for job_id in ids]
    assert (job.status, job.attempt_count, job.losses) == (JobStatus.PENDING, 0, 0)


async def test_hints_tell_what_may_have_come(app: TaskForge, platform: Platform) -> None:
    _, worker = await _worker(platform)
    hints = worker.hints()
    async with asyncio.timeout(10):
        assert await anext(hints) == {"ready", "cancel"}, "at first, anything may have happened"
        await _enqueue(app, 1)
        # that anything may have happened is told again when listening begins
        while await anext(hints) != {"ready"}:
            await _enqueue(app, 1)
        [attempt] = (await worker.claim(1, 1)).attempts
        await platform.control.cancel(attempt.job.id)
        while "cancel" not in await anext(hints):
            pass
    await hints.aclose()


async def test_a_name_is_given_to_the_next_when_its_process_is_known_to_be_dead(
    app: TaskForge, platform: Platform
) -> None:
    _, worker = await _worker(platform)
    [job_id] = await _enqueue(app, 1)
    await worker.claim(1, 1)
    with pytest.raises(NameTaken) as taken:
        await _worker(platform)
    dead = taken.value.process
    assert dead == registration("w").process, "as its own machine knows it"
    other = replace(dead, pid=dead.pid + 1)
    with pytest.raises(NameTaken):
        await platform.remote_workers.register(registration("w", "t"), other)
    await platform.remote_workers.register(registration("w", "t"), dead)
    assert len(await platform.insights.workers()) == 1
    assert await _statuses(platform, [job_id]) == [JobStatus.PROCESSING], "its lease is still to run out"


async def test_a_worker_of_another_project_is_unknown(app: TaskForge, platform: Platform) -> None:
    worker_id, _ = await _worker(platform)
    other: Any = UUID("00000000-0000-7000-8000-0000000000b2")
    with pytest.raises(NotFound):
        await RemoteWorkers(other, platform.stores.workers, platform.make_link).get(worker_id)


async def test_remote_workers_of_other_hosts_may_share_a_file(app: TaskForge, platform: Platform) -> None:
    process = replace(
        registration("w").process, host="elsewhere", machine="00000000-0000-0000-0000-000000000000 pid:[1]"
    )
    await platform.remote_workers.register(replace(registration("w", "t"), process=process))
    again = TaskForge(app.settings.database_url)
    await again.platform()
    await again.aclose()
