"""pgqueuer on the same PostgreSQL, installed by its own defaults, which keep a log row for every job."""

from __future__ import annotations

import json
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
from pgqueuer import AsyncpgDriver, AsyncpgPoolDriver, Queries

from benchmarks.contender import Contender
from taskforge.bench.import_time import import_time
from taskforge.bench.ledger import Ledger, counter
from taskforge.bench.observe import observe_drain, observe_idle, observe_latency
from taskforge.bench.processes import running
from taskforge.bench.stamps import StampFile
from taskforge.bench.timing import CALLERS, send_in_batches, time_bulk, time_concurrent, time_sequential

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from benchmarks.workspace import Workspace
    from taskforge.bench.figures import Drain, IdleQueries, ImportTime, Latency, Rate

POOL_SIZE = 10
UNFINISHED = "SELECT count(*) FROM pgqueuer"
SUCCEEDED = "SELECT count(*) FROM pgqueuer_log WHERE status = 'successful'"
COMMAND = [sys.executable, "-m", "benchmarks.peers.pgqueuer_worker"]
ADDRESS = "TASKFORGE_DATABASE_URL"


class PgQueuerContender(Contender):
    name = "pgqueuer"

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._stamps = StampFile(workspace.folder / "stamps-pgqueuer")

    @asynccontextmanager
    async def _installed(self) -> AsyncIterator[tuple[str, Queries]]:
        async with self._workspace.fresh() as database_url:
            connection = await asyncpg.connect(database_url)
            try:
                queries = Queries(AsyncpgDriver(connection))
                await queries.install()
                await self._workspace.settle()
                yield database_url, queries
            finally:
                await connection.close()

    async def sequential(self, jobs: int) -> Rate | None:
        async with self._installed() as (_, queries):
            return await time_sequential(lambda number: queries.enqueue("noop", _payload(number)), jobs)

    @asynccontextmanager
    async def _pooled(self) -> AsyncIterator[Queries]:
        async with (
            self._installed() as (database_url, _),
            asyncpg.create_pool(database_url, min_size=POOL_SIZE, max_size=POOL_SIZE) as pool,
        ):
            yield Queries(AsyncpgPoolDriver(pool))

    async def concurrent(self, jobs: int) -> Rate | None:
        async with self._pooled() as queries:
            return await time_concurrent(lambda number: queries.enqueue("noop", _payload(number)), jobs)

    async def bulk(self, jobs: int) -> Rate | None:
        async with self._installed() as (_, queries):
            return await time_bulk(_batches(queries), jobs)

    async def bulk_concurrent(self, jobs: int) -> Rate | None:
        async with self._pooled() as queries:
            return await time_bulk(_batches(queries), jobs, callers=CALLERS)

    async def drain(self, jobs: int, processes: int) -> Drain | None:
        async with self._installed() as (database_url, queries), counter(database_url) as count:
            await send_in_batches(_batches(queries), jobs)
            ledger = Ledger(count, UNFINISHED, (SUCCEEDED,))
            environment = self._environment(database_url)
            return await observe_drain(
                COMMAND, environment, self._stamps, ledger, jobs=jobs, processes=processes
            )

    async def latency(self, jobs: int) -> Latency | None:
        async with self._installed() as (database_url, queries):
            with running(COMMAND, self._environment(database_url), self._workspace.folder) as workers:
                return await observe_latency(
                    lambda number: queries.enqueue("noop", _payload(number)),
                    lambda sent: queries.enqueue("latency", _payload(sent)),
                    jobs,
                    self._stamps,
                    workers,
                )

    async def idle(self, seconds: float) -> IdleQueries | None:
        async with self._installed() as (database_url, _):
            return await observe_idle(COMMAND, self._stamps.environment, self._stamps, database_url, seconds)

    async def import_time(self) -> ImportTime | None:
        return import_time("pgqueuer")

    def _environment(self, database_url: str) -> dict[str, str]:
        return {**self._stamps.environment, ADDRESS: database_url}


def _payload(n: float) -> bytes:
    return json.dumps({"n": n}).encode()


def _batches(queries: Queries) -> Callable[[range], Awaitable[None]]:
    async def enqueue(numbers: range) -> None:
        size = len(numbers)
        await queries.enqueue(["noop"] * size, [_payload(number) for number in numbers], [0] * size)

    return enqueue
