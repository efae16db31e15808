"""The SQLite file is held by others, full or read-only for a while: results wait, and are delivered."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from taskforge import Context, TaskForge
from taskforge.domain.errors import Unavailable
from taskforge.domain.job import JobStatus
from taskforge.storage.address import parse_address
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from uuid import UUID

pytestmark = [pytest.mark.anyio, pytest.mark.chaos]


@contextmanager
def held(url: str) -> Iterator[None]:
    """Another program has a writing transaction open."""
    connection = sqlite3.connect(parse_address(url).target, isolation_level=None, timeout=10)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@asynccontextmanager
async def at_work(url: str, began: list[UUID], **settings: Any) -> AsyncIterator[TaskForge]:
    app = TaskForge(url, recovery_interval_seconds=0.5, **settings)

    @app.task
    async def work(ctx: Context, seconds: float = 0.0, answer: str = "done") -> str:
        began.append(ctx.id)
        await asyncio.sleep(seconds)
        return answer

    try:
        async with app.worker(grace=0.2):
            yield app
    finally:
        await app.aclose()


async def one_success(app: TaskForge, job_id: UUID) -> None:
    platform = await app.platform()
    job = await platform.insights.job(job_id)
    assert (job.status, job.losses, job.attempt_count) == (JobStatus.SUCCEEDED, 0, 1)
    assert len(await platform.insights.executions(job)) == 1


async def test_a_result_waits_while_another_program_writes(sqlite_url: str) -> None:
    began: list[UUID] = []
    async with at_work(sqlite_url, began, lease_seconds=20) as app:
        job = await app.registry.find("work").aenqueue(seconds=0.5)
        await eventually(lambda: _assert(began == [job.id]))
        with held(sqlite_url):
            await asyncio.sleep(2.5)
        assert await job.aresult(timeout=15) == "done"
        await one_success(app, job.id)
        assert began == [job.id]


async def test_enqueue_says_so_within_five_seconds_and_does_not_do_it_later(sqlite_url: str) -> None:
    began: list[UUID] = []
    async with at_work(sqlite_url, began, lease_seconds=60) as app:
        task = app.registry.find("work")
        await (await task.aenqueue()).aresult(timeout=10)
        with held(sqlite_url):
            before = time.monotonic()
            with pytest.raises(Unavailable):
                await task.aenqueue()
            assert time.monotonic() - before < 20
        await (await task.aenqueue()).aresult(timeout=15)
        counts = await (await app.platform()).insights.counts()
        assert counts[JobStatus.SUCCEEDED] == 2
        assert sum(counts.values()) == 2


@pytest.mark.parametrize(
    ("spoil", "mend"),
    [
        ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
        ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000"),
    ],
    ids=["read-only", "full"],
)
async def test_a_result_is_delivered_when_the_file_can_be_written_again(
    sqlite_url: str, spoil: str, mend: str, caplog: pytest.LogCaptureFixture
) -> None:
    began: list[UUID] = []
    async with at_work(sqlite_url, began, lease_seconds=20) as app:
        task = app.registry.find("work")
        answer = "x" * 100_000  # which needs room
        job = await task.aenqueue(seconds=0.5, answer=answer)
        await eventually(lambda: _assert(began == [job.id]))
        engine: Any = (await app.platform()).foundation.engine
        writer = engine._writer
        with writer._in_use:
            writer._connection.execute(spoil).fetchall()
        fill = [task.job(seconds=0) for _ in range(3000)]
        with pytest.raises(Unavailable):
            await app.aenqueue_many(fill)
        await eventually(lambda: _assert("cannot report 1 ended job" in caplog.text))
        with writer._in_use:
            writer._connection.execute(mend).fetchall()
        assert await job.aresult(timeout=15) == answer
        await one_success(app, job.id)


def _assert(condition: bool) -> None:
    assert condition
