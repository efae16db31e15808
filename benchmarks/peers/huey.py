"""huey on a SQLite file. It keeps no history: a job's row is deleted before the job runs."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from benchmarks.contender import Contender
from benchmarks.peers.huey_tasks import HueyApp, build
from benchmarks.peers.huey_worker import FILE
from taskforge.bench.import_time import import_time
from taskforge.bench.ledger import Ledger, counter, sqlite_path
from taskforge.bench.observe import observe_drain, observe_latency
from taskforge.bench.processes import running
from taskforge.bench.stamps import StampFile
from taskforge.bench.timing import time_sequential

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from benchmarks.workspace import Workspace
    from taskforge.bench.figures import Drain, ImportTime, Latency, Rate

UNFINISHED = "SELECT count(*) FROM task"
COMMAND = [sys.executable, "-m", "benchmarks.peers.huey_worker"]


class HueyContender(Contender):
    name = "huey"

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._stamps = StampFile(workspace.folder / "stamps-huey")

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[tuple[str, HueyApp]]:
        async with self._workspace.fresh() as database_url:
            bench = build(sqlite_path(database_url))
            try:
                await self._workspace.settle()
                yield database_url, bench
            finally:
                bench.huey.storage.close()

    async def sequential(self, jobs: int) -> Rate | None:
        async with self._opened() as (_, bench):
            return await _load(bench, jobs)

    async def sequential_blocking(self, jobs: int) -> Rate | None:
        return await self.sequential(jobs)

    async def drain(self, jobs: int, processes: int) -> Drain | None:
        async with self._opened() as (database_url, bench), counter(database_url) as count:
            for number in range(jobs):
                bench.noop(number)
            return await observe_drain(
                COMMAND,
                self._environment(database_url),
                self._stamps,
                Ledger(count, UNFINISHED, ()),
                jobs=jobs,
                processes=processes,
            )

    async def latency(self, jobs: int) -> Latency | None:
        async def warm_up(number: int) -> None:
            bench.noop(number)

        async def enqueue(sent: float) -> None:
            bench.latency(sent)

        async with self._opened() as (database_url, bench):
            with running(COMMAND, self._environment(database_url), self._workspace.folder) as workers:
                return await observe_latency(warm_up, enqueue, jobs, self._stamps, workers)

    async def import_time(self) -> ImportTime | None:
        return import_time("huey")

    def _environment(self, database_url: str) -> dict[str, str]:
        return {**self._stamps.environment, FILE: sqlite_path(database_url)}


async def _load(bench: HueyApp, jobs: int) -> Rate:
    async def enqueue(number: int) -> None:
        bench.noop(number)

    return await time_sequential(enqueue, jobs)
