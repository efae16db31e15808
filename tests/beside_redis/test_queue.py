"""Jobs that are handed out by ready queues in Redis: what it is for, and that nothing is lost whatever becomes of it."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import redis.asyncio as redis_asyncio

from taskforge import Context, TaskForge
from taskforge.coordination.redis_server import LONGEST_PAUSE
from taskforge.coordination.redis_signals import ANSWER_SECONDS, QUIET_SECONDS
from taskforge.domain.errors import InvalidSetting, Unavailable
from taskforge.domain.job import JobStatus
from taskforge.domain.queue import QueueState
from taskforge.services.agreement import HEAD
from tests.conftest import SOAK
from tests.support.eventually import eventually
from tests.support.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from uuid import UUID

    from tests.support.redis_server import RedisProcess

pytestmark = pytest.mark.anyio
POLL = 0.25
FROZEN_SECONDS = 30.0 if SOAK else 1.5 * (QUIET_SECONDS + ANSWER_SECONDS)
PATIENCE = 60.0


class Scene:
    """An application whose jobs go by Redis. ``runs`` counts how often each job's handler began."""

    def __init__(self, database_url: str, redis_url: str, **settings: Any) -> None:
        standard: dict[str, Any] = {
            "dispatch": "redis",
            "poll_seconds": POLL,
            "poll_without_hints_seconds": POLL,
        }
        settings = standard | settings
        self.app = TaskForge(database_url, redis_url=redis_url, **settings)
        self.runs: Counter[UUID] = Counter()
        self.accepted: list[UUID] = []
        self.statements: Counter[str] = Counter()

        @self.app.task(max_attempts=2, retry_base=0.05)
        async def note(ctx: Context, fail: bool = False) -> None:
            self.runs[ctx.id] += 1
            if fail and ctx.attempt == 1:
                raise ValueError("once")

        self.note = note

    async def add(self, count: int, **options: Any) -> None:
        task = self.note.options(**options) if options else self.note
        self.accepted += [handle.id for handle in await self.app.aenqueue_many([task.job()] * count)]

    async def ready(self) -> Any:
        ready = (await self.app.platform()).foundation.ready_queues
        assert ready is not None
        return ready

    async def is_whole(self) -> None:
        """Raises AssertionError while Redis does not have all of the queue."""
        platform = await self.app.platform()
        queue = await platform.queues.get("default")
        try:
            assert await (await self.ready()).incomplete(platform.project_id, [queue.id]) == []
        except Unavailable as error:
            raise AssertionError("it does not answer") from error

    async def all_ran(self) -> None:
        """Every job that was accepted succeeds, and none ran twice."""
        insights = (await self.app.platform()).insights

        async def are_done() -> None:
            counts = await insights.counts()
            assert counts.get(JobStatus.SUCCEEDED, 0) == len(self.accepted), counts

        await eventually(are_done, timeout=PATIENCE)
        assert self.runs == Counter(self.accepted)

    async def count_statements(self) -> None:
        """From now on."""
        engine = (await self.app.platform()).foundation.engine
        if not self.statements:
            call, read = engine.call, engine.read

            def counted(verb: Callable[..., Any]) -> Callable[..., Any]:
                def run(one: Any) -> Any:
                    self.statements[one.name] += 1
                    return verb(one)

                return run

            engine.call = counted(call)  # type: ignore[method-assign]
            engine.read = counted(read)  # type: ignore[method-assign]
        self.statements.clear()


@asynccontextmanager
async def scene(database_url: str, redis_url: str, **settings: Any) -> AsyncIterator[Scene]:
    """A scene with the application open."""
    scene = Scene(database_url, redis_url, **settings)
    async with scene.app:
        yield scene


@asynccontextmanager
async def at_work(database_url: str, redis_url: str, **settings: Any) -> AsyncIterator[Scene]:
    """A scene with a worker that gets its jobs from Redis by now."""
    async with scene(database_url, redis_url, **settings) as here, here.app.worker(concurrency=5):
        await eventually(here.is_whole)
        yield here


async def configure(redis: RedisProcess, name: str, value: str) -> None:
    """Change how a server is set up."""
    async with redis_asyncio.Redis.from_url(redis.url) as client:
        await client.config_set(name, value)


@pytest.fixture
def proxy(private_redis: RedisProcess) -> Iterator[Proxy]:
    """Before the private server."""
    with Proxy.before(private_redis.url) as proxy:
        yield proxy


async def test_redis_says_which_and_the_database_only_claims_and_settles(
    database_url: str, redis_url: str
) -> None:
    async with at_work(database_url, redis_url, recovery_interval_seconds=3600) as here:
        await here.add(3)
        await here.all_ran()  # the first claims of a worker are the database's
        await here.count_statements()
        await here.add(40)
        await here.all_ran()
        assert here.statements["claim_these_jobs"] > 0
        assert here.statements["claim_jobs"] <= 2  # after a hint that others may not have heard of
        await here.add(1, delay=0.3)
        await here.all_ran()

        async def is_idle() -> None:
            await here.count_statements()
            await asyncio.sleep(4 * POLL)  # nothing is to happen
            chores = {"recovery_outlook", "beat_jobs", "note_usage"}
            assert not here.statements.keys() - chores

        await eventually(is_idle, timeout=PATIENCE)


async def test_retries_and_schedules_come_back_by_redis(database_url: str, redis_url: str) -> None:
    async with at_work(database_url, redis_url) as here:
        handle = await here.note.aenqueue(fail=True)
        await handle.aresult(timeout=PATIENCE)
        assert here.runs[handle.id] == 2
        for _ in range(3):
            await here.add(4, delay=0.05)
            await here.add(4, priority=3)
        here.accepted.append(handle.id)
        here.runs[handle.id] = 1
        await here.all_ran()


async def test_a_limit_and_a_pause_hold(database_url: str, redis_url: str) -> None:
    async with at_work(database_url, redis_url) as here:
        queues = (await here.app.platform()).queues
        await queues.update("default", settings={"max_concurrent_jobs": 1})
        await here.add(5)
        await here.all_ran()
        await queues.update("default", settings={"max_concurrent_jobs": None}, state=QueueState.PAUSED)
        await here.add(5)
        await asyncio.sleep(2 * POLL)
        assert len(here.runs) == 5
        await queues.update("default", state=QueueState.ACTIVE)
        await here.all_ran()


async def test_what_redis_never_heard_of_and_what_was_pulled_and_lost(
    database_url: str, redis_url: str
) -> None:
    """A crash between commit and push; a worker that dies between pull and claim."""
    async with scene(database_url, redis_url) as here:
        platform = await here.app.platform()
        offering, agreement = platform.offering, platform.agreement
        assert offering is not None
        assert agreement is not None
        await here.add(1)
        await agreement.round(0.001)
        offering.offer = lambda jobs: None  # type: ignore[method-assign]
        await here.add(20)
        queue = await platform.queues.get("default")
        pulled = await (await here.ready()).pull(platform.project_id, [queue.id], [here.note.name], 5)
        assert pulled.jobs == here.accepted[:1]
        async with here.app.worker(concurrency=5):
            await here.all_ran()


async def test_idle_workers_get_what_redis_never_heard_of(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is compared by then; that jobs are ready is seen by whoever looks for all."""
    async with at_work(database_url, redis_url) as here:
        await here.add(1)
        await here.all_ran()
        platform = await here.app.platform()
        assert platform.offering is not None
        monkeypatch.setattr(platform.offering, "offer", lambda jobs: None)

        async def nothing_is_compared() -> None:
            await here.count_statements()
            await asyncio.sleep(3 * POLL)  # nothing is to happen
            assert not here.statements["queue_heads"]

        await eventually(nothing_is_compared, timeout=PATIENCE)
        await here.add(3)
        await here.all_ran()
        assert here.statements["queue_heads"]


async def test_an_idle_worker_hears_of_a_configuration_whose_hint_was_lost(
    database_url: str, redis_url: str
) -> None:
    async with at_work(database_url, redis_url) as here:
        platform = await here.app.platform()
        queue = await platform.queues.get("default")
        await platform.stores.queues.change(platform.project_id, queue.id, lambda q: replace(q, priority=7))

        def is_known() -> None:
            found = platform.directory.by_id(queue.id)
            assert found is not None
            assert found.priority == 7

        await eventually(is_known, timeout=PATIENCE)


async def test_switching_on_and_off_while_jobs_wait(database_url: str, redis_url: str) -> None:
    """Some processes have it, others not; both enqueue, both work."""
    async with (
        scene(database_url, redis_url) as with_it,
        scene(database_url, redis_url, dispatch="database") as without,
    ):
        await with_it.add(20)
        await without.add(20)
        async with with_it.app.worker(concurrency=3, name="a"), without.app.worker(concurrency=3, name="b"):
            await with_it.add(20)
            await without.add(20)
            without.accepted += with_it.accepted
            with_it.runs = without.runs = Counter()
            insights = (await without.app.platform()).insights

            async def are_done() -> None:
                assert (await insights.counts()).get(JobStatus.SUCCEEDED, 0) == 80

            await eventually(are_done, timeout=PATIENCE)


async def test_emptied_again_and_again(database_url: str, private_redis: RedisProcess) -> None:
    """F24: FLUSHALL, and a restart with empty memory."""
    async with at_work(database_url, private_redis.url) as here:
        server = (await here.app.platform()).foundation.redis
        assert server is not None
        for _ in range(3):
            await here.add(20)
            await server.ask(lambda client: client.flushall())
            await here.add(20, delay=0.1)
        await here.all_ran()
        private_redis.kill()
        await here.add(20)
        private_redis.start()
        await here.add(20)
        await here.all_ran()
        await eventually(here.is_whole, timeout=PATIENCE)
        await here.count_statements()
        await here.add(20)
        await here.all_ran()

        async def is_used_again() -> None:
            await here.add(1)
            await here.all_ran()
            assert here.statements["claim_these_jobs"] > 0

        await eventually(is_used_again, timeout=PATIENCE)


async def test_it_stands_still(database_url: str, private_redis: RedisProcess) -> None:
    """F25: frozen for longer than commands wait, listeners are patient and the first pauses last; work goes on meanwhile."""
    async with at_work(database_url, private_redis.url) as here:
        server = (await here.app.platform()).foundation.redis
        assert server is not None
        await here.add(10)
        private_redis.freeze()
        clock = asyncio.get_running_loop().time
        until = clock() + FROZEN_SECONDS
        refusals = 0
        while clock() < until:
            refusals += not server.is_answering
            await here.add(3)
            await here.add(2, delay=0.1)
            await here.all_ran()
            await asyncio.sleep(POLL)
        assert refusals > 0  # it is left alone: what ran then was not held up by it
        private_redis.thaw()

        async def is_used_again() -> None:
            await here.count_statements()
            await here.add(5)
            await here.all_ran()
            assert here.statements["claim_these_jobs"] > 0

        await eventually(is_used_again, timeout=LONGEST_PAUSE + PATIENCE)


async def test_its_memory_is_full(database_url: str, private_redis: RedisProcess) -> None:
    """F26: writes are refused; then keys are evicted."""
    async with at_work(database_url, private_redis.url) as here:
        await configure(private_redis, "maxmemory", "1")
        for _ in range(3):
            await here.add(5)
            await here.add(5, delay=0.05)
        await here.all_ran()
        await configure(private_redis, "maxmemory-policy", "allkeys-lru")
        for _ in range(3):
            await here.add(5)
            await here.add(5, delay=0.05)
        await here.all_ran()


@pytest.mark.parametrize("kind", ["ready", "scheduled", "types"])
async def test_one_key_of_a_queue_is_evicted(database_url: str, redis_url: str, kind: str) -> None:
    """F26: what is left of a queue is not taken for all of it."""
    async with scene(database_url, redis_url) as here:
        platform = await here.app.platform()
        assert platform.agreement is not None
        assert platform.foundation.redis is not None
        await here.add(5)
        await here.add(5, delay=0.5)
        await platform.agreement.round(0.001)
        queue = await platform.queues.get("default")
        ready = await here.ready()
        assert await ready.incomplete(platform.project_id, [queue.id]) == []
        key = platform.foundation.redis.key(platform.project_id, kind, str(queue.id))
        await platform.foundation.redis.ask(lambda client: client.unlink(key))
        pulled = await ready.pull(platform.project_id, [queue.id], [here.note.name], 10)
        assert pulled.incomplete == [queue.id]
        assert pulled.jobs == []
        async with here.app.worker(concurrency=5):
            await here.all_ran()


async def test_cancelled_pulls_lose_nothing(database_url: str, redis_url: str) -> None:
    """F27: a reply that nobody waits for any more takes jobs along; the next command gets its own reply."""
    async with scene(database_url, redis_url) as here:
        platform = await here.app.platform()
        assert platform.agreement is not None
        await here.add(30)
        await platform.agreement.round(0.001)
        queue = await platform.queues.get("default")
        ready = await here.ready()
        for turns in range(12):
            pull = asyncio.create_task(ready.pull(platform.project_id, [queue.id], [here.note.name], 2))
            for _ in range(turns):
                await asyncio.sleep(0)
            pull.cancel()
            await asyncio.wait({pull})
            assert await ready.incomplete(platform.project_id, [queue.id]) == []
        async with here.app.worker(concurrency=5):
            await here.all_ran()


async def test_a_lagging_replica_takes_over(
    database_url: str, private_redis: RedisProcess, proxy: Proxy, another_redis: RedisProcess
) -> None:
    """F28: first it refuses writes, then it is the master, with what it had long ago."""
    async with at_work(database_url, proxy.url(private_redis.url)) as here:
        await here.add(10)
        await here.all_ran()
        another_redis.start("--replicaof", "127.0.0.1", str(private_redis.port))
        async with redis_asyncio.Redis.from_url(another_redis.url) as replica:

            async def has_them_all() -> None:
                assert await replica.dbsize() >= 3

            await eventually(has_them_all)
            private_redis.freeze()  # from now on it lags
            proxy.lead_to(another_redis.url)
            await here.add(10)
            await here.all_ran()
            await replica.replicaof("NO", "ONE")
            await here.add(10)
            await here.all_ran()


async def test_a_setting_that_makes_no_sense_is_refused(sqlite_url: str) -> None:
    for dispatch in ("redis", "paper"):
        app = TaskForge(sqlite_url, dispatch=dispatch)
        with pytest.raises(InvalidSetting, match="dispatch"):
            await app.platform()
        await app.aclose()


async def test_what_is_missing_behind_many_jobs_of_other_types_is_found(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their workers are away, so none of them leaves the head of the queue, and what was not told would never be there."""
    async with at_work(database_url, redis_url) as here:
        others = TaskForge(database_url, redis_url=redis_url, dispatch="redis")

        @others.task(name="elsewhere")
        async def elsewhere() -> None: ...

        async with others:
            async with others.worker(name="elsewhere"):
                pass  # the type is known from now on
            await others.aenqueue_many([elsewhere.job()] * 3 * HEAD)
            platform, ready = await here.app.platform(), await here.ready()
            queue = await platform.queues.get("default")

            async def are_there() -> None:
                assert await ready.size(platform.project_id, queue.id) == 3 * HEAD

            await eventually(are_there)
            assert platform.offering is not None
            monkeypatch.setattr(platform.offering, "offer", lambda jobs: None)  # as if it died before
            await here.add(1)
            await here.all_ran()
