"""TaskForge as a contender: the measurements of `taskforge.bench` on fresh databases."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from benchmarks.contender import Contender
from benchmarks.serving import serving
from taskforge.bench import claims, drain, enqueue, idle, latency
from taskforge.bench.import_time import import_time
from taskforge.bench.ledger import is_sqlite
from taskforge.bench.stamps import StampFile
from taskforge.bench.timing import CALLERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from benchmarks.workspace import Workspace
    from taskforge.bench.figures import ClaimBacklog, Drain, IdleQueries, ImportTime, Latency, Rate


class TaskForgeContender(Contender):
    name = "taskforge"

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._stamps = StampFile(workspace.folder / "stamps-taskforge")

    @asynccontextmanager
    async def _migrated(self) -> AsyncIterator[str]:
        async with self._workspace.fresh() as database_url:
            if not is_sqlite(database_url):
                from taskforge.storage.migrate import migrate

                await migrate(database_url)
            await self._workspace.settle()
            yield database_url

    async def sequential(self, jobs: int) -> Rate | None:
        async with self._migrated() as database_url:
            return await enqueue.enqueue_sequential(database_url, jobs)

    async def sequential_blocking(self, jobs: int) -> Rate | None:
        async with self._migrated() as database_url:
            return await enqueue.enqueue_sequential_blocking(database_url, jobs)

    async def concurrent(self, jobs: int) -> Rate | None:
        async with self._migrated() as database_url:
            return await enqueue.enqueue_concurrent(database_url, jobs)

    async def bulk(self, jobs: int) -> Rate | None:
        async with self._migrated() as database_url:
            return await enqueue.enqueue_bulk(database_url, jobs)

    async def bulk_concurrent(self, jobs: int) -> Rate | None:
        async with self._migrated() as database_url:
            return await enqueue.enqueue_bulk(database_url, jobs, callers=CALLERS)

    async def drain(self, jobs: int, processes: int) -> Drain | None:
        async with self._migrated() as database_url:
            return await drain.drain(database_url, jobs, processes, self._stamps)

    async def drain_remote(self, jobs: int) -> Drain | None:
        async with (
            self._migrated() as database_url,
            serving(database_url, self._stamps.path.parent) as server,
        ):
            return await drain.drain(database_url, jobs, 1, self._stamps, environment=server)

    async def drain_by_rules(self, jobs: int) -> Drain | None:
        rules = {"max_concurrent_jobs": 10_000, "rate_limit": 10_000_000}
        async with self._migrated() as database_url:
            return await drain.drain(database_url, jobs, 1, self._stamps, rules=rules)

    async def drain_by_all_rules(self, jobs: int) -> Drain | None:
        rules = {"policy": "fair", "max_concurrent_jobs": 10_000, "rate_limit": 10_000_000}
        async with self._migrated() as database_url:
            return await drain.drain(database_url, jobs, 1, self._stamps, rules=rules, customers=20)

    async def drain_among_unknown(self, jobs: int, unknown: int) -> Drain | None:
        async with self._migrated() as database_url:
            return await drain.drain(database_url, jobs, 1, self._stamps, unknown=unknown)

    async def latency(self, jobs: int) -> Latency | None:
        async with self._migrated() as database_url:
            return await latency.latency_between_processes(database_url, jobs, self._stamps)

    async def latency_in_process(self, jobs: int) -> Latency | None:
        async with self._migrated() as database_url:
            return await latency.latency_in_process(database_url, jobs, self._stamps)

    async def idle(self, seconds: float) -> IdleQueries | None:
        async with self._migrated() as database_url:
            return await idle.idle_queries(database_url, self._stamps, seconds)

    async def claim_backlog(self, large: int) -> ClaimBacklog | None:
        async with self._migrated() as database_url:
            return await claims.claim_backlog(database_url, large=large)

    async def import_time(self) -> ImportTime | None:
        return import_time("taskforge")
