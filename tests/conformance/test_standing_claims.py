"""A claim that stands by gets the next job that this process accepts, with the commit that stores it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from taskforge import TaskForge, current_job
from taskforge.domain.errors import Unavailable
from taskforge.domain.job import JobStatus
from taskforge.domain.queue import QueueState
from taskforge.ports.jobs import ClaimRequest
from tests.conformance.stage import LEASE, WORKER, Stage, registration
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from taskforge.domain.queue import Queue
    from taskforge.ports.jobs import ClaimBatch
    from taskforge.ports.link import Work

pytestmark = pytest.mark.anyio


class Standing:
    """A claim for one job of type ``t`` of a queue, and how it was answered."""

    def __init__(self, stage: Stage, queue: Queue) -> None:
        self.answers: list[ClaimBatch | None] = []
        self._answered = asyncio.Event()
        request = ClaimRequest(
            stage.project, WORKER, [queue.id], ["t"], 1, 1, round(LEASE * 1_000_000), [], [], [], True, []
        )
        withdraw = stage.jobs.stand_by(request, self._take)
        assert withdraw is not None
        self.withdraw: Callable[[], bool] = withdraw

    async def answer(self) -> ClaimBatch | None:
        async with asyncio.timeout(10):
            await self._answered.wait()
        [answer] = self.answers
        return answer

    def _take(self, batch: ClaimBatch | None, _asked: float) -> None:
        self.answers.append(batch)
        self._answered.set()


@pytest.fixture
async def queue(stage: Stage) -> Queue:
    if stage.dialect != "sqlite":
        pytest.skip("only where there is one writer")
    await stage.know("t")
    return await stage.queue()


async def accept(stage: Stage, queue: Queue, **values: Any) -> Any:
    """The id of a job that was accepted alone."""
    job = stage.new(queue, values.pop("job_type", "t"), **values)
    await stage.jobs.accept(stage.project, [job])
    return job.id


async def test_where_commits_are_cheap_nobody_stands_by(stage: Stage) -> None:
    request = ClaimRequest(stage.project, WORKER, [], ["t"], 1, 1, 1)
    assert (stage.jobs.stand_by(request, lambda *_: None) is None) == (stage.dialect == "postgres")


async def test_a_job_is_processing_when_its_accepting_returns(stage: Stage, queue: Queue) -> None:
    standing = Standing(stage, queue)
    job_id = await accept(stage, queue)
    assert await stage.status(job_id) is JobStatus.PROCESSING
    batch = await standing.answer()
    assert batch is not None
    [job] = batch.jobs
    stored = await stage.job(job_id)
    assert (job.id, job.execution_id, job.claim_seq) == (job_id, stored.execution_id, stored.claim_seq)
    assert stored.worker_id == WORKER


async def test_it_is_for_one_job(stage: Stage, queue: Queue) -> None:
    standing = Standing(stage, queue)
    first, second = [await accept(stage, queue) for _ in range(2)]
    assert [await stage.status(job) for job in (first, second)] == [JobStatus.PROCESSING, JobStatus.PENDING]
    assert await standing.answer() is not None


async def test_what_waited_before_comes_first(stage: Stage, queue: Queue) -> None:
    [before] = await stage.add(queue, 1)
    standing = Standing(stage, queue)
    after = await accept(stage, queue)
    batch = await standing.answer()
    assert batch is not None
    assert [job.id for job in batch.jobs] == [before]
    assert await stage.status(after) is JobStatus.PENDING


async def test_several_stand_in_a_line(stage: Stage, queue: Queue) -> None:
    standing = [Standing(stage, queue) for _ in range(2)]
    ids = [await accept(stage, queue) for _ in range(2)]
    batches = [await one.answer() for one in standing]
    assert [job.id for batch in batches if batch is not None for job in batch.jobs] == ids


@pytest.mark.parametrize("values", [{"delay_us": 60_000_000}, {"job_type": "other"}])
async def test_it_waits_for_a_job_that_may_be_run(stage: Stage, queue: Queue, values: dict[str, Any]) -> None:
    standing = Standing(stage, queue)
    await accept(stage, queue, **values)
    await accept(stage, await stage.queue("elsewhere"))
    assert standing.withdraw()
    assert not standing.answers


async def test_a_paused_queue_gives_nothing(stage: Stage, queue: Queue) -> None:
    paused = await stage.queue("stopped", state=QueueState.PAUSED)
    standing = Standing(stage, paused)
    job_id = await accept(stage, paused)
    batch = await standing.answer()
    assert batch is not None
    assert not batch.jobs
    assert await stage.status(job_id) is JobStatus.PENDING


async def test_after_its_withdrawal_it_gets_nothing(stage: Stage, queue: Queue) -> None:
    standing = Standing(stage, queue)
    assert standing.withdraw()
    assert await stage.status(await accept(stage, queue)) is JobStatus.PENDING
    assert not standing.answers


async def test_it_cannot_be_withdrawn_while_a_job_is_stored(
    stage: Stage, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, is_stored, go_on = stage.engine.run, asyncio.Event(), asyncio.Event()

    async def slow(script: Any) -> Any:
        rows = await run(script)
        is_stored.set()
        await go_on.wait()
        return rows

    standing = Standing(stage, queue)
    monkeypatch.setattr(stage.engine, "run", slow)
    accepting = asyncio.create_task(accept(stage, queue))
    await asyncio.wait_for(is_stored.wait(), 10)
    assert not standing.withdraw()  # its answer is on its way
    go_on.set()
    await accepting
    assert standing.answers
    assert standing.withdraw()


async def test_what_the_worker_does_with_it_cannot_fail_the_enqueuing(stage: Stage, queue: Queue) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))

    def take(_batch: ClaimBatch | None, _asked: float) -> None:
        raise RuntimeError("cannot begin it")

    stage.jobs.stand_by(ClaimRequest(stage.project, WORKER, [queue.id], ["t"], 1, 1, 1_000_000), take)
    assert await stage.status(await accept(stage, queue)) is JobStatus.PROCESSING
    asyncio.get_running_loop().set_exception_handler(None)
    assert [str(context["exception"]) for context in told] == ["cannot begin it"]


async def test_it_fails_with_the_job(stage: Stage, queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(_: object) -> None:
        raise Unavailable("the disk is full")

    standing = Standing(stage, queue)
    with monkeypatch.context() as broken:
        broken.setattr(stage.engine, "run", run)
        with pytest.raises(Unavailable):
            await accept(stage, queue)
    assert await standing.answer() is None
    assert await stage.claim(queue) == []


async def test_who_gives_up_while_it_is_stored_leaves_no_doubt(
    stage: Stage, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes when the writer is done with it, so that whoever looks then sees what was claimed."""
    standing = Standing(stage, queue)
    job = stage.new(queue, "t")
    held, let_go = asyncio.Event(), asyncio.Event()
    run = stage.engine.run

    async def slow(script: Any) -> Any:
        done = await run(script)
        held.set()
        await let_go.wait()
        return done

    monkeypatch.setattr(stage.engine, "run", slow)
    storing = asyncio.create_task(stage.jobs.accept(stage.project, [job]))
    await held.wait()
    storing.cancel()
    await asyncio.wait({storing})
    assert not standing.answers
    let_go.set()
    assert await standing.answer() is None
    assert await stage.status(job.id) is JobStatus.PROCESSING


class Applications:
    """An application with a task and a worker of its own, and what claims that were asked for got."""

    def __init__(self, database_url: str) -> None:
        self.app = TaskForge(database_url, poll_seconds=3000, poll_without_hints_seconds=3000)
        self.claimed: list[int] = []

        @self.app.task
        async def timeout_of() -> float:
            job = current_job()
            assert job.deadline is not None
            return (job.deadline - datetime.now(UTC)).total_seconds()

        self.task = timeout_of

    async def stands_by(self) -> None:
        """A claim of the worker waits for the next job."""
        standing = (await self.app.platform()).stores.jobs._standing

        def one_does() -> None:
            assert standing._standing

        await eventually(one_does)

    async def count_claims(self, monkeypatch: pytest.MonkeyPatch) -> None:
        jobs = (await self.app.platform()).stores.jobs
        claim = jobs.claim

        async def counted(request: ClaimRequest) -> ClaimBatch:
            batch = await claim(request)
            self.claimed.append(len(batch.jobs))
            return batch

        monkeypatch.setattr(jobs, "claim", counted)


@pytest.fixture
async def own(
    database_url: str, anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Applications]:
    if not database_url.startswith("sqlite"):
        pytest.skip("only where there is one writer")
    own = Applications(database_url)
    await own.count_claims(monkeypatch)
    yield own
    await own.app.aclose()


async def test_a_worker_need_not_ask_for_what_its_process_enqueues(own: Applications) -> None:
    async with own.app.worker():
        for _ in range(3):
            await own.stands_by()
            assert await (await own.task.aenqueue()).aresult(timeout=30)
    assert own.claimed
    assert not any(own.claimed)


async def test_it_runs_by_the_settings_that_hold_when_it_is_claimed(
    own: Applications, database_url: str
) -> None:
    async with own.app.worker():
        assert await (await own.task.aenqueue()).aresult(timeout=30) > 100
        other = TaskForge(database_url)
        await (await other.platform()).queues.update("default", settings={"timeout_seconds": 20})
        await other.aclose()
        assert await (await own.task.aenqueue()).aresult(timeout=30) < 21


async def test_it_cannot_be_withdrawn_while_the_new_settings_are_read(
    own: Applications, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the worker would ask for more meanwhile, and have more than it has room for."""
    reads, let_go, has_it = asyncio.Event(), asyncio.Event(), asyncio.Event()
    taken: list[Work | None] = []

    async def slow(version: int) -> bool:
        reads.set()
        await let_go.wait()
        return await follow(version)

    def take(work: Work | None, _asked: float) -> None:
        taken.append(work)
        has_it.set()

    platform = await own.app.platform()
    link = platform.link()
    await link.register(registration("own", own.task.name))
    await link.claim(1, 1)
    other = TaskForge(database_url)
    await (await other.platform()).queues.update("default", settings={"timeout_seconds": 20})
    await other.aclose()
    follow = platform.directory.follow
    monkeypatch.setattr(platform.directory, "follow", slow)
    withdraw = link.stand_by(1, take)
    assert withdraw is not None
    handle = await own.task.aenqueue()
    await asyncio.wait_for(reads.wait(), 10)
    assert not withdraw()
    assert not taken
    let_go.set()
    await asyncio.wait_for(has_it.wait(), 10)
    assert withdraw()
    [work] = taken
    assert work is not None
    assert [attempt.job.id for attempt in work.attempts] == [handle.id]
    assert [attempt.timeout for attempt in work.attempts] == [20]
    await link.leave()


async def test_nothing_stands_by_where_a_queue_has_rules(own: Applications) -> None:
    await (await own.app.platform()).queues.create("default", settings={"max_concurrent_jobs": 1})
    async with own.app.worker():
        for _ in range(3):
            assert await (await own.task.aenqueue()).aresult(timeout=30)
    assert sum(own.claimed) == 3


async def test_after_a_failure_a_worker_lets_go_of_what_it_may_own(
    own: Applications, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job was stored and claimed, and nobody heard of it: it is handed back and claimed again."""
    platform = await own.app.platform()
    run = platform.foundation.engine.run

    async def deaf(script: Any) -> Any:
        monkeypatch.undo()
        await run(script)
        raise Unavailable("no answer")

    async with own.app.worker():
        await (await own.task.aenqueue()).aresult(timeout=30)
        await own.stands_by()
        monkeypatch.setattr(platform.foundation.engine, "run", deaf)
        handle = await own.task.aenqueue()  # stored by the second try, which finds it there
        assert await handle.aresult(timeout=30)
    assert (await handle.ajob()).claim_seq == 2
