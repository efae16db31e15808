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
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import redis.asyncio as redis_asyncio
import uvloop

from benchmarks.server import postgres_server
from benchmarks.workspace import PostgresWorkspace
from taskforge.bench import drain, idle, latency
from taskforge.bench.ledger import Ledger
from taskforge.bench.observe import observe_drain, observe_latency
from taskforge.bench.processes import WORKER_CONCURRENCY, running
from taskforge.bench.stamps import StampFile
from taskforge.demo.own_redis import own_redis
from taskforge.storage.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

AT_ONCE = 20
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

    def __init__(self, workspace: PostgresWorkspace, redis_url: str, chosen: argparse.Namespace) -> None:
        self._workspace = workspace
        self._redis_url = redis_url
        self._chosen = chosen
        self._stamps = StampFile(workspace.folder / "stamps")

    async def take(self) -> None:
        """All measurements, in turn."""
        for number in range(self._chosen.repetitions):
            for name in ("database", "redis"):
                for processes in self._chosen.processes:
                    self._say(
                        number,
                        f"drain, {processes} workers",
                        f"taskforge by {name}",
                        await self._drain(name, processes),
                    )
                self._say(number, "latency", f"taskforge by {name}", await self._latency(name))
            for name in self._chosen.peers:
                self._say(number, "drain, 1 workers", name, await self._drain_of(name))
                self._say(number, "latency", name, await self._latency_of(name))
        for name in ("database", "redis"):
            async with self._fresh(name) as url:
                found = await idle.idle_queries(url, self._stamps, self._chosen.idle_seconds)
                self._say(0, "idle", f"taskforge by {name}", {"statements/minute": found.per_minute})

    async def _drain(self, dispatch: str, processes: int) -> dict[str, float]:
        async with self._fresh(dispatch) as url:
            before = await _active_ms(url)
            found = await drain.drain(url, self._chosen.jobs, processes, self._stamps)
            used = await _active_ms(url) - before
        return {"jobs/s": found.per_second, "database us/job": used * 1000 / self._chosen.jobs}

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
        return {"jobs/s": found.per_second}

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


async def _enqueue(peer: Any, name: str, task: str, value: float) -> None:
    if name == "huey":
        getattr(peer, task)(value)
    else:
        await getattr(peer, task).kiq(value)


async def _active_ms(database_url: str) -> float:
    """How long all sessions of the database have been executing statements."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        active = await connection.fetchval(
            "SELECT active_time FROM pg_stat_database WHERE datname = current_database()"
        )
        return float(active)
    finally:
        await connection.close()


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.redis_dispatch", description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--latency-jobs", type=int, default=300)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--peers", nargs="*", choices=sorted(WORKER), default=sorted(WORKER))
    parser.add_argument("--idle-seconds", type=float, default=60.0)
    return parser.parse_args()


def main() -> int:
    """Measure and print."""
    with (
        postgres_server() as address,
        own_redis() as redis_url,
        tempfile.TemporaryDirectory(prefix="taskforge-benchmarks-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(Run(PostgresWorkspace(address, Path(folder)), redis_url, arguments()).take())
    return 0


if __name__ == "__main__":
    sys.exit(main())
