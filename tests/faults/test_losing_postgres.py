"""PostgreSQL goes away in every way we know of: workers go on, and whoever enqueues is told in time."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from taskforge import Context, TaskForge
from taskforge.domain.errors import Unavailable
from taskforge.domain.job import JobStatus
from taskforge.storage.engine import One
from taskforge.storage.migrate import schema_state
from taskforge.storage.postgres import PostgresEngine
from tests.support.databases import migrate
from tests.support.eventually import eventually
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from uuid import UUID

    from taskforge.platform import Platform
    from taskforge.storage.engine import Script
    from tests.support.postgres import PostgresServer

pytestmark = [pytest.mark.anyio, pytest.mark.chaos, pytest.mark.postgres]

RECONNECT = 12.0
"""No pause between two tries is longer than ten seconds."""


class Site:
    """An application, its worker in this process, and what its handlers have done."""

    def __init__(self, url: str, **settings: Any) -> None:
        self.app = app = TaskForge(url, recovery_interval_seconds=0.5, **settings)
        self.began: list[UUID] = []
        self.stopped: dict[UUID, float] = {}
        self.failing = 0

        @app.task(retry_base=0.05, retry_jitter=False)
        async def work(ctx: Context, seconds: float = 0.0) -> str:
            self.began.append(ctx.id)
            ctx.log.info("working")
            try:
                await asyncio.sleep(seconds)
            except asyncio.CancelledError:
                self.stopped[ctx.id] = time.monotonic()
                raise
            if self.failing > 0:
                self.failing -= 1
                raise ValueError("on purpose")
            return "done"

        self.work = work

    async def platform(self) -> Platform:
        return await self.app.platform()

    async def in_good_order(self, job_id: UUID) -> None:
        """One success, and no loss."""
        platform = await self.platform()
        job = await platform.insights.job(job_id)
        records = await platform.insights.executions(job)
        assert (job.status, job.losses) == (JobStatus.SUCCEEDED, 0)
        assert [record.status for record in records].count(records[0].status) == 1
        assert "worker_lost" not in {record.reason for record in records}


@asynccontextmanager
async def site_on(url: str, *, worker: bool = True, **settings: Any) -> AsyncIterator[Site]:
    site = Site(url, **settings)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(site.app.aclose)
        await site.platform()
        if worker:
            await stack.enter_async_context(site.app.worker(grace=0.2, concurrency=4))
        yield site


@pytest.mark.parametrize("how", ["cut", "stall"])
async def test_enqueue_says_unavailable_within_five_seconds(postgres_url: str, how: str) -> None:
    with Proxy.before(postgres_url) as proxy:
        async with site_on(proxy.url(postgres_url), worker=False) as site:
            await site.work.aenqueue()
            getattr(proxy, how)()
            for call in (
                site.work.aenqueue(),
                site.app.aenqueue_many([site.work.job(), site.work.job()]),
                site.work.options(queue="another").aenqueue(),
                Site(proxy.url(postgres_url)).work.aenqueue(),
            ):
                before = time.monotonic()
                with pytest.raises(Unavailable):
                    await call
                assert time.monotonic() - before < 20
            proxy.resume()
            await site.work.aenqueue()


@pytest.mark.parametrize("statement", [b"BEGIN", b"to_regclass", b"taskforge_migrations ORDER"])
async def test_a_connection_lost_while_the_schema_is_looked_at(postgres_url: str, statement: bytes) -> None:
    with Proxy.before(postgres_url) as proxy:
        proxy.reset_answer_of(statement)
        with pytest.raises(Unavailable):
            await schema_state(proxy.url(postgres_url))
        (await schema_state(proxy.url(postgres_url))).check()


async def test_a_server_that_says_it_goes_down_before_it_closes_the_connections(postgres_url: str) -> None:
    """asyncpg has no word of ours for that moment: neither enqueueing nor hints may stumble over it."""
    with Proxy.before(postgres_url) as proxy:
        async with site_on(proxy.url(postgres_url)) as site:
            assert await (await site.work.aenqueue()).aresult(timeout=RECONNECT) == "done"
            await asyncio.to_thread(proxy.say_last_words)
            for _ in range(3):  # turns of the event loop, which hears them
                await asyncio.sleep(0)
            job = await site.work.aenqueue()
            proxy.reset()
            assert await job.aresult(timeout=RECONNECT) == "done"
            await site.in_good_order(job.id)


async def test_a_look_at_the_schema_that_gets_no_answer_does_not_hang(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskforge.storage.migrate.CHECK_TIMEOUT", 0.5)
    holder = await asyncpg.connect(postgres_url)
    async with holder.transaction():
        await holder.execute("LOCK TABLE taskforge_migrations")
        before = time.monotonic()
        with pytest.raises(Unavailable):
            await schema_state(postgres_url)
        assert time.monotonic() - before < 20
    await holder.close()
    (await schema_state(postgres_url)).check()


async def test_an_outage_shorter_than_the_lease_costs_nothing(postgres_url: str) -> None:
    with Proxy.before(postgres_url) as proxy:
        async with site_on(proxy.url(postgres_url), lease_seconds=12) as site:
            job = await site.work.aenqueue(seconds=1.0)
            await eventually(lambda: _assert(job.id in site.began))
            proxy.cut()
            await asyncio.sleep(3)
            proxy.resume()
            assert await job.aresult(timeout=RECONNECT) == "done"
            await site.in_good_order(job.id)
            assert site.began.count(job.id) == 1


@pytest.mark.parametrize("how", ["cut", "stall"])
async def test_past_the_lease_handlers_are_stopped_and_nothing_spins(postgres_url: str, how: str) -> None:
    lease = 3.0
    with Proxy.before(postgres_url) as proxy:
        async with site_on(proxy.url(postgres_url), lease_seconds=lease) as site:
            job = await site.work.aenqueue(seconds=60)
            await eventually(lambda: _assert(job.id in site.began))
            getattr(proxy, how)()
            lost, tried = time.monotonic(), proxy.attempts
            await eventually(lambda: _assert(job.id in site.stopped), lease + 2)
            assert site.stopped[job.id] - lost < lease, "before the database gives it to others"
            await asyncio.sleep(max(0.0, lost + 6 - time.monotonic()))
            # each loop within its interval, which are short here; what spins tries thousands of times
            assert 2 <= proxy.attempts - tried < 300, "it tries again, with pauses"
            proxy.resume()
            await eventually(lambda: _assert(site.began.count(job.id) == 2), 25)
            platform = await site.platform()

            async def told() -> bool:
                [worker] = await platform.insights.workers()
                assert worker.incidents.leases_lost == 1
                return True

            await until(told, RECONNECT)
            await site.app.cancel(job.id)


async def test_a_crash_of_the_server_while_jobs_run(private_postgres: PostgresServer) -> None:
    url = private_postgres.create_database("crash")
    migrate(url)
    async with site_on(url, lease_seconds=15) as site:
        jobs = [await site.work.aenqueue(seconds=0.5) for _ in range(20)]
        await eventually(lambda: _assert(len(site.began) >= 4))
        await asyncio.to_thread(private_postgres.restart, immediate=True)
        up = time.monotonic()
        for job in jobs:
            assert await job.aresult(timeout=40) == "done"
        another = await site.work.aenqueue()
        assert await another.aresult(timeout=RECONNECT) == "done"
        assert time.monotonic() - up < 60
        for job in jobs:
            await site.in_good_order(job.id)


KINDS = {
    "enqueue": b"INSERT INTO jobs",
    "claim": b"UPDATE jobs SET status = 'processing'",
    "settle a success": b"UPDATE jobs SET status = 'succeeded'",
    "settle a failure": b"jsonb_object_agg(execution_id::text",
    "beat": b"UPDATE workers w SET last_heartbeat",
    "log lines": b"INSERT INTO log_lines",
    "recovery": b"AS expired_leases",
    "hints": b"NOTIFY taskforge",
    "listen": b"LISTEN",
}


@pytest.mark.parametrize("later", [0, 1], ids=["unseen", "carried out"])
async def test_a_connection_lost_at_each_kind_of_statement(postgres_url: str, later: int) -> None:
    """Reset when it was sent (``unseen``), or when it was carried out and its answer is on the way.

    Without a cache of prepared statements each is sent with its text, then carried out by a second request.
    """
    with Proxy.before(postgres_url) as proxy:
        async with site_on(proxy.url(postgres_url), lease_seconds=9, statement_cache=0) as site:
            for kind, request in KINDS.items():
                proxy.reset_answer_of(request, later=later if kind not in ("hints", "listen") else 0)
                if kind == "listen":
                    await asyncio.to_thread(proxy.reset)
                site.failing = 1 if kind == "settle a failure" else 0
                job = await site.work.aenqueue(seconds=1.2 if kind in ("beat", "log lines") else 0.0)
                assert await job.aresult(timeout=25) == "done", kind
                assert await asyncio.to_thread(proxy.sprung.wait, 15), kind
                await site.in_good_order(job.id)
                platform = await site.platform()
                counts = await platform.insights.counts()
                assert counts[JobStatus.PROCESSING] == 0, kind


async def test_isolation_levels_of_the_role_do_not_matter(postgres_url: str) -> None:
    name = postgres_url.rpartition("/")[2]
    await _admin(
        postgres_url, f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'"
    )
    async with site_on(postgres_url) as site, site.app.worker(name="second", concurrency=8):
        jobs = await site.app.aenqueue_many([site.work.job() for _ in range(200)])
        single = await asyncio.gather(*(site.work.aenqueue() for _ in range(20)))
        for job in [*jobs, *single]:
            assert await job.aresult(timeout=30) == "done"
        for job in jobs[:20]:
            await site.in_good_order(job.id)


async def test_a_statement_that_takes_too_long_is_tried_again(
    postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody locks the row of a running job, while the role's statements may take 300 ms."""
    name = postgres_url.rpartition("/")[2]
    await _admin(postgres_url, f"ALTER DATABASE \"{name}\" SET statement_timeout = '300ms'")
    async with site_on(postgres_url, lease_seconds=12) as site:
        job = await site.work.aenqueue(seconds=0.5)
        await eventually(lambda: _assert(job.id in site.began))
        blocker = await asyncpg.connect(postgres_url)
        try:
            async with blocker.transaction():
                await blocker.execute("SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE", job.id)
                await eventually(lambda: _assert("cannot report 1 ended job" in caplog.text))
        finally:
            await blocker.close()
        assert await job.aresult(timeout=RECONNECT) == "done"
        await site.in_good_order(job.id)


@pytest.mark.parametrize("is_script", [False, True], ids=["a statement", "a transaction"])
async def test_a_statement_without_an_answer_is_given_up_here_and_at_the_server(
    postgres_url: str, is_script: bool
) -> None:
    """Somebody holds what it needs, and the server itself would wait for as long as he does."""
    engine = PostgresEngine(postgres_url, statement_timeout=0.5, application_name="hasty")
    blocker = await asyncpg.connect(postgres_url)
    try:
        change = One("bump_config", {"project_id": await blocker.fetchval("SELECT id FROM projects")})

        def script() -> Script[None]:
            yield change

        async def nobody_waits() -> None:
            assert not await blocker.fetch(
                "SELECT 1 FROM pg_stat_activity WHERE application_name = 'hasty' AND wait_event_type = 'Lock'"
            )

        async with blocker.transaction():
            await blocker.execute("SELECT 1 FROM projects FOR UPDATE")
            with pytest.raises(Unavailable, match="no answer came in time"):
                await (engine.run(script) if is_script else engine.call(change))
            await eventually(nobody_waits)
        await engine.run(script)
    finally:
        await engine.close()
        await blocker.close()


async def test_a_pool_that_is_taken_costs_no_lease(postgres_url: str) -> None:
    """Heartbeats have a connection of their own."""
    async with site_on(postgres_url, lease_seconds=3, pool_size=1) as site:
        job = await site.work.aenqueue(seconds=1)
        await eventually(lambda: _assert(job.id in site.began))
        engine: Any = (await site.platform()).foundation.engine
        async with engine._connections.lend(5):
            with pytest.raises(Unavailable):  # after five seconds, longer than the lease
                await site.work.aenqueue()
        assert await job.aresult(timeout=RECONNECT) == "done"
        await site.in_good_order(job.id)
        assert site.began.count(job.id) == 1


async def _admin(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def until(told: Callable[[], Any], seconds: float) -> None:
    """Wait until it raises no AssertionError."""
    await eventually(told, seconds)


def _assert(condition: bool) -> None:
    assert condition
