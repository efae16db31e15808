"""The link of a remote worker against a real server: the worker above it is the one that works on a database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from taskforge import Cancel, Context, Dead, JobCancelled, JobFailed, Retry, Snooze, TaskForge
from taskforge.client.link import RemoteLink
from taskforge.domain.errors import NameTaken, NotFound, Unauthenticated, Unavailable
from taskforge.domain.job import JobStatus
from tests.conformance.stage import registration
from tests.support.eventually import eventually
from tests.support.remote import KEY, free_port, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from datetime import datetime

    from taskforge.platform import Platform

pytestmark = pytest.mark.anyio


@pytest.fixture
def lease_seconds() -> float:
    return 3.0


@pytest.fixture
def server(database_url: str, lease_seconds: float) -> Iterator[str]:
    with served(database_url, lease_seconds=lease_seconds) as address:
        yield address


@pytest.fixture
async def app(database_url: str, server: str, anyio_backend: str) -> AsyncIterator[TaskForge]:
    """The application that enqueues and looks, straight at the database."""
    app = TaskForge(database_url)
    yield app
    await app.aclose()


class Remote:
    """The application as a remote worker has it: its database does not exist."""

    def __init__(self, app: TaskForge, server: str) -> None:
        self._twin = TaskForge("postgresql://nobody@127.0.0.1:1/none", server=server, key=KEY)
        self._app = app

    def task(self, function: Any, **options: Any) -> Any:
        self._twin.task(name=function.__name__, **options)(function)
        return self._app.task(name=function.__name__, **options)(function)

    def worker(self, **options: Any) -> Any:
        return self._twin.worker(**{"concurrency": 4, "name": "w", "grace": 5.0, **options})


@pytest.fixture
def remote(app: TaskForge, server: str) -> Remote:
    return Remote(app, server)


@pytest.fixture
async def platform(app: TaskForge) -> Platform:
    return await app.platform()


async def test_every_outcome_of_a_handler_arrives(app: TaskForge, remote: Remote, platform: Platform) -> None:
    raised = {
        "error": ValueError("boom \x00"),
        "retry": Retry(after=0),
        "dead": Dead("no use"),
        "cancel": Cancel("not wanted"),
        "snooze": Snooze(0),
    }

    async def outcome(ctx: Context, kind: str) -> Any:
        if ctx.attempt > 1 or ctx.state.get("seen"):
            return "again"
        if kind == "snooze":
            ctx.state["seen"] = True
        if kind in raised:
            raise raised[kind]
        return {"a": [1, None, "ü"]}

    task = remote.task(outcome, retry_base=0.01)
    async with remote.worker():
        results = {}
        for kind in ("value", "error", "retry", "snooze"):
            results[kind] = await (await task.aenqueue(kind)).aresult(timeout=20)
        with pytest.raises(JobFailed, match="no use"):
            await (await task.aenqueue("dead")).aresult(timeout=20)
        with pytest.raises(JobCancelled, match="not wanted"):
            await (await task.aenqueue("cancel")).aresult(timeout=20)
    assert results == {
        "value": {"a": [1, None, "ü"]},
        "error": "again",
        "retry": "again",
        "snooze": "again",
    }


async def test_lines_progress_and_checkpoints_arrive_while_it_runs(
    app: TaskForge, remote: Remote, platform: Platform
) -> None:
    go_on = asyncio.Event()

    async def talk(ctx: Context) -> None:
        ctx.log.info("hello", page=3)
        ctx.progress(1, 2, "half")
        ctx.state["at"] = 7
        await go_on.wait()
        ctx.log.warning("good-bye")

    handle = await remote.task(talk).aenqueue()
    async with remote.worker():

        async def arrived() -> None:
            job = await platform.insights.job(handle.id)
            assert (job.progress or {}).get("done") == 1
            assert job.state == {"at": 7}
            lines = await platform.insights.logs(handle.id)
            assert len(lines) == 1
            line = lines[0]
            assert (line.message, line.metadata, line.level.value) == ("hello", {"page": 3}, "info")

        await eventually(arrived)
        go_on.set()
        await handle.aresult(timeout=20)
    messages = [line.message for line in await platform.insights.logs(handle.id)]
    assert messages == ["hello", "good-bye"]


@pytest.mark.parametrize("lease_seconds", [90.0], ids=["long-before-the-next-heartbeat"])
async def test_a_cancel_comes_at_once(app: TaskForge, remote: Remote, platform: Platform) -> None:
    started = asyncio.Event()

    async def endless() -> None:
        started.set()
        await asyncio.Event().wait()

    task = remote.task(endless)
    async with remote.worker():
        handle = await task.aenqueue()
        async with asyncio.timeout(10):
            await started.wait()
        await platform.control.cancel(handle.id)
        with pytest.raises(JobCancelled):
            await handle.aresult(timeout=20)


async def test_heartbeats_renew_the_lease_of_a_handler_that_goes_on(
    app: TaskForge, remote: Remote, platform: Platform
) -> None:
    renewed = asyncio.Event()

    async def slow() -> str:
        await renewed.wait()
        return "done"

    async def lease() -> datetime:
        lease_until = (await platform.insights.job(handle.id)).lease_until
        assert lease_until is not None
        return lease_until

    async def is_renewed() -> None:
        assert await lease() > first

    task = remote.task(slow)
    async with remote.worker():
        handle = await task.aenqueue()
        first = await eventually(lease)
        await eventually(is_renewed)
        renewed.set()
        assert await handle.aresult(timeout=20) == "done"
    job = await platform.insights.job(handle.id)
    assert (job.claim_seq, job.losses) == (1, 0)


async def test_draining_hands_back_what_does_not_end(
    app: TaskForge, remote: Remote, platform: Platform
) -> None:
    started = asyncio.Event()

    async def endless() -> None:
        started.set()
        await asyncio.Event().wait()

    handle = await remote.task(endless).aenqueue()
    async with remote.worker(grace=0.1):
        async with asyncio.timeout(10):
            await started.wait()
    job = await platform.insights.job(handle.id)
    assert (job.status, job.attempt_count, job.losses) == (JobStatus.PENDING, 0, 0)
    assert await platform.insights.workers() == []


async def test_a_large_batch_goes_in_parts(app: TaskForge, remote: Remote, platform: Platform) -> None:
    async def large(number: int) -> str:
        return "x" * 200_000

    task = remote.task(large)
    handles = await app.aenqueue_many([task.job(number) for number in range(60)])
    async with remote.worker(concurrency=60):
        for handle in handles:
            assert len(await handle.aresult(timeout=30)) == 200_000


async def test_a_second_worker_of_a_name_is_refused_and_the_next_one_is_not(
    app: TaskForge, remote: Remote, platform: Platform
) -> None:
    async def job() -> None: ...

    remote.task(job)
    async with remote.worker():
        with pytest.raises(NameTaken, match="'w' lives already"):
            async with remote.worker():
                pass
    async with remote.worker():
        assert len(await platform.insights.workers()) == 1


async def test_without_a_server_it_says_so() -> None:
    link = RemoteLink(f"http://127.0.0.1:{free_port()}", KEY)
    with pytest.raises(Unavailable, match="cannot be reached"):
        await link.register(registration("w", "t"))
    await link.close()


async def test_with_a_wrong_key_it_says_so(server: str) -> None:
    link = RemoteLink(server, "wrong")
    with pytest.raises(Unauthenticated):
        await link.register(registration("w", "t"))
    await link.close()


async def test_one_that_has_left_is_unknown(server: str) -> None:
    link = RemoteLink(server, KEY)
    await link.register(registration("w", "t"))
    await link.leave()
    with pytest.raises(NotFound):
        await link.claim(1, 1)
    await link.close()


async def test_a_claim_whose_answer_was_lost_leaves_nothing_behind(
    app: TaskForge, server: str, platform: Platform
) -> None:
    async def t() -> None: ...

    task = app.task(name="t")(t)
    handles = await app.aenqueue_many([task.job() for _ in range(3)])
    link = RemoteLink(server, KEY)
    await link.register(registration("w", "t"))
    before = await link.claim(1, 1)
    send = link._transport.send

    async def lose(*arguments: Any, **options: Any) -> Any:
        await send(*arguments, **options)
        raise Unavailable("the answer was lost")

    link._transport.send = lose  # type: ignore[method-assign]
    with pytest.raises(Unavailable):
        await link.claim(2, 1)
    link._transport.send = send  # type: ignore[method-assign]
    after = await link.claim(2, 1)
    claimed = {attempt.job.id for attempt in (*before.attempts, *after.attempts)}
    assert claimed == {handle.id for handle in handles}
    await link.close()
