"""The database's own dispatch, ready queues in Redis, taskiq and huey, on one PostgreSQL and one Redis: `--help`.

`python -m benchmarks.redis_dispatch` prints a line for each measurement; nothing is kept. The peers record nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import sys
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import redis.asyncio as redis_asyncio
import uvloop

from benchmarks.server import postgres_server
from benchmarks.spent import STATISTICS, Spent, spent
from benchmarks.workspace import PostgresWorkspace
from taskforge.bench import drain, idle, latency
from taskforge.bench.enqueue import load, opened
from taskforge.bench.ledger import Ledger
from taskforge.bench.observe import observe_drain, observe_latency, until_done
from taskforge.bench.processes import WORKER_CONCURRENCY, running, worker_command
from taskforge.bench.stamps import StampFile
from taskforge.demo.own_redis import own_redis
from taskforge.storage.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

    from taskforge.bench.figures import Drain

AT_ONCE = 20
EIGHT = 8
OURS = ("database", "redis")
MEASURES = ("drain", "latency", "backlog", "idle")
PEER_URL = "TASKFORGE_BENCH_REDIS"
WORKER = {
    "taskiq": [
        sys.executable, "-m", "taskiq", "worker", "benchmarks.peers.taskiq_tasks:broker", "-w", "1",
        "--max-async-tasks", str(WORKER_CONCURRENCY), "--max-prefetch", str(WORKER_CONCURRENCY),
        "--log-level", "WARNING",
    ],
    "huey": [sys.executable, "-m", "benchmarks.peers.huey_redis"],
}  # fmt: skip


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Variables for this process and those that it starts."""
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]


class Run:
    """One sitting: what is measured, and how often."""

    def __init__(
        self,
        workspace: PostgresWorkspace,
        admin: asyncpg.Connection[asyncpg.Record],
        redis_url: str,
        chosen: argparse.Namespace,
    ) -> None:
        self._workspace = workspace
        self._admin = admin
        self._redis_url = redis_url
        self._chosen = chosen
        self._stamps = StampFile(workspace.folder / "stamps")

    async def take(self) -> None:
        """All measurements, in turn."""
        chosen = self._chosen
        for number in range(chosen.repetitions):
            if "drain" in chosen.only:
                await self._drains(number)
            if "latency" in chosen.only:
                await self._latencies(number)
        for number in range(chosen.backlog_repetitions if "backlog" in chosen.only else 0):
            for name in OURS:
                self._say(number, "backlog", f"taskforge by {name}", await self._backlog(name))
        for name in OURS if "idle" in chosen.only else ():
            async with self._fresh(name) as url:
                found = await idle.idle_queries(url, self._stamps, chosen.idle_seconds)
                self._say(0, "idle", f"taskforge by {name}", {"statements/minute": found.per_minute})

    async def _drains(self, number: int) -> None:
        for processes in self._chosen.processes:
            for name in OURS:
                found = await self._drain(name, processes)
                self._say(number, f"drain, {processes} workers", f"taskforge by {name}", found)
        for name in self._chosen.peers:
            self._say(number, "drain, 1 workers", name, await self._drain_of(name))

    async def _latencies(self, number: int) -> None:
        for name in OURS:
            self._say(number, "latency", f"taskforge by {name}", await self._latency(name))
        for name in self._chosen.peers:
            self._say(number, "latency", name, await self._latency_of(name))

    async def _drain(self, dispatch: str, processes: int) -> dict[str, float]:
        """``jobs`` are emptied to the last; the processor time of the workers includes their start."""
        async with self._fresh(dispatch) as url:
            before, own = await self._spent(url), os.times()
            found = await drain.drain(url, self._chosen.jobs, processes, self._stamps)
            ended = os.times()
            used = (await self._spent(url)).since(before)
        workers = (
            ended.children_user + ended.children_system - own.children_user - own.children_system
        ) * 1000
        return _rates(found) | used._replace(workers=workers).per_job(self._chosen.jobs)

    async def _backlog(self, dispatch: str) -> dict[str, float]:
        """Of ``backlog`` ready jobs eight processes run ``jobs``, after some to come into step."""
        warm, jobs, at_once = self._chosen.jobs // 4, self._chosen.jobs, self._chosen.concurrency
        async with self._fresh(dispatch) as url:
            await load(url, self._chosen.backlog)
            await self._admin.execute("CHECKPOINT")
            before = await self._spent(url)
            async with opened(url) as bench:
                agreement = (await bench.app.platform()).agreement
                while agreement is not None and (await agreement.state())[1]:
                    await agreement.round(0.001)
            filled = (await self._spent(url)).since(before)
            self._stamps.clear()
            given = {**self._stamps.environment, "TASKFORGE_DATABASE_URL": url}
            with running(worker_command(at_once), given, self._workspace.folder, EIGHT) as workers:
                pids = [worker.pid for worker in workers]
                await until_done(asyncio.create_task(self._stamps.wait_for(warm, 120)), workers)
                before, begun, first = await self._spent(url, pids), time.monotonic(), self._stamps.count()
                await until_done(asyncio.create_task(self._stamps.wait_for(warm + jobs, 120)), workers)
                after, ended, last = await self._spent(url, pids), time.monotonic(), self._stamps.count()
        figures = {"jobs/s": (last - first) / (ended - begun)} | after.since(before).per_job(last - first)
        if dispatch == "redis":
            figures["filling Redis, database us/job"] = sum(filled[:3]) * 1000 / self._chosen.backlog
        return figures

    async def _spent(self, url: str, workers: Sequence[int] = ()) -> Spent:
        return await spent(self._admin, url.rpartition("/")[2], workers)

    async def _latency(self, dispatch: str) -> dict[str, float]:
        async with self._fresh(dispatch) as url:
            found = await latency.latency_between_processes(url, self._chosen.latency_jobs, self._stamps)
        return {"p50 ms": found.p50, "p95 ms": found.p95}

    async def _drain_of(self, name: str) -> dict[str, float]:
        async with self._peer(name) as (peer, client):
            numbers = iter(range(self._chosen.jobs))

            async def enqueue_some() -> None:
                for number in numbers:
                    await _enqueue(peer, name, "noop", number)

            await asyncio.gather(*(enqueue_some() for _ in range(AT_ONCE)))

            async def count(_: str) -> int:
                return int(await client.llen(peer.QUEUE))

            found = await observe_drain(
                WORKER[name], self._stamps.environment, self._stamps, Ledger(count, "", ()),
                jobs=self._chosen.jobs, processes=1,
            )  # fmt: skip
        return _rates(found)

    async def _latency_of(self, name: str) -> dict[str, float]:
        async with self._peer(name) as (peer, _):

            def sending(task: str) -> Callable[[Any], Awaitable[None]]:
                return lambda value: _enqueue(peer, name, task, value)

            with running(WORKER[name], self._stamps.environment, self._workspace.folder) as workers:
                found = await observe_latency(
                    sending("noop"), sending("latency"), self._chosen.latency_jobs, self._stamps, workers
                )
        return {"p50 ms": found.p50, "p95 ms": found.p95}

    @asynccontextmanager
    async def _fresh(self, dispatch: str) -> AsyncIterator[str]:
        """A database with tables, and an empty Redis where it is used."""
        given = {"TASKFORGE_DISPATCH": dispatch}
        if dispatch == "redis":
            given["TASKFORGE_REDIS_URL"] = self._redis_url
            async with redis_asyncio.Redis.from_url(self._redis_url) as client:
                await client.flushall()
        async with self._workspace.fresh() as url:
            await migrate(url)
            await self._workspace.settle()
            with environment(**given):
                yield url

    @asynccontextmanager
    async def _peer(self, name: str) -> AsyncIterator[tuple[Any, Any]]:
        """A peer's tasks, and its Redis, which is empty."""
        with environment(**{PEER_URL: self._redis_url}):
            peer = importlib.import_module(
                "benchmarks.peers." + ("huey_redis" if name == "huey" else "taskiq_tasks")
            )
            async with redis_asyncio.Redis.from_url(self._redis_url) as client:
                await client.flushall()
                if name == "taskiq":
                    await peer.broker.startup()
                try:
                    yield peer, client
                finally:
                    if name == "taskiq":
                        await peer.broker.shutdown()

    def _say(self, number: int, what: str, who: str, figures: dict[str, float]) -> None:
        said = ", ".join(f"{value:,.1f} {figure}" for figure, value in figures.items())
        print(f"#{number + 1} {what:<18} {who:<22} {said}", flush=True)


def _rates(found: Drain) -> dict[str, float]:
    """From the first handler, and from the start of the workers."""
    with_start = found.jobs / (found.start_seconds + found.agreed_seconds)
    return {"jobs/s": found.per_second, "jobs/s with the start": with_start}


async def _enqueue(peer: Any, name: str, task: str, value: float) -> None:
    if name == "huey":
        getattr(peer, task)(value)
    else:
        await getattr(peer, task).kiq(value)


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.redis_dispatch", description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--latency-jobs", type=int, default=300)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--peers", nargs="*", choices=sorted(WORKER), default=sorted(WORKER))
    parser.add_argument("--only", nargs="+", choices=MEASURES, default=MEASURES)
    parser.add_argument(
        "--backlog", type=int, default=1_000_000, help="ready jobs, of which eight workers run --jobs"
    )
    parser.add_argument("--backlog-repetitions", type=int, default=1)
    parser.add_argument(
        "--concurrency", type=int, default=WORKER_CONCURRENCY, help="of a worker beside the backlog"
    )
    parser.add_argument("--idle-seconds", type=float, default=60.0)
    return parser.parse_args()


async def sit(address: str, redis_url: str, folder: Path) -> None:
    """Measure and print."""
    admin = await asyncpg.connect(address)
    try:
        await admin.execute(f"CREATE EXTENSION IF NOT EXISTS {STATISTICS}")
        await Run(PostgresWorkspace(address, folder), admin, redis_url, arguments()).take()
    finally:
        await admin.close()


def main() -> int:
    """Bring the servers, measure, take them away."""
    with (
        postgres_server(preload=STATISTICS) as address,
        own_redis() as redis_url,
        tempfile.TemporaryDirectory(prefix="taskforge-benchmarks-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(sit(address, redis_url, Path(folder)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
