"""Watching worker processes from outside: a drain, a latency, an idle time, for any system's worker."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from .figures import Drain, IdleQueries, Latency
from .processes import running
from .statement_proxy import counting_statements

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from .ledger import Ledger
    from .processes import WorkerProcess
    from .stamps import StampFile

STALLED_SECONDS = 45.0
POLL_SECONDS = 0.003
LATENCY_GAP_SECONDS = 0.02
LATENCY_SETTLE_SECONDS = 1.0
IDLE_SETTLE_SECONDS = 5.0


class Disagreement(RuntimeError):
    """Every handler ran, but the database does not show every outcome."""


async def observe_drain(
    command: Sequence[str],
    environment: Mapping[str, str],
    stamps: StampFile,
    ledger: Ledger,
    *,
    jobs: int,
    processes: int,
) -> Drain:
    """Start the processes on a loaded queue and watch them empty it."""
    stamps.clear()
    started = time.time()
    with running(command, environment, stamps.path.parent, processes) as workers:
        watch = asyncio.create_task(stamps.wait_for(jobs, STALLED_SECONDS))
        await until_done(watch, workers)
        agreed = await _agreement(ledger, jobs)
        peaks = [worker.memory_mib("VmHWM") for worker in workers]
    runs = stamps.values()
    first = min(runs)
    return Drain(
        processes=processes,
        jobs=jobs,
        agreed_seconds=agreed - first,
        run_seconds=max(runs) - first,
        start_seconds=first - started,
        peak_memory_mib=max((peak for peak in peaks if peak is not None), default=None),
    )


async def observe_latency(
    warm_up: Callable[[int], Awaitable[object]],
    enqueue: Callable[[float], Awaitable[object]],
    jobs: int,
    stamps: StampFile,
    workers: list[WorkerProcess],
) -> Latency:
    """Wait until the worker answers, let it fall idle, then send it jobs."""
    stamps.clear()
    await warm_up(0)
    await until_done(asyncio.create_task(stamps.wait_for(1, STALLED_SECONDS)), workers)
    await asyncio.sleep(LATENCY_SETTLE_SECONDS)
    idle_memory = workers[0].memory_mib("VmRSS") if workers else None
    stamps.clear()
    due = time.perf_counter()
    for _ in range(jobs):
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await enqueue(time.time())
        due += LATENCY_GAP_SECONDS
    await until_done(asyncio.create_task(stamps.wait_for(jobs, STALLED_SECONDS)), workers)
    return Latency.of([seconds * 1000 for seconds in stamps.values()], idle_memory)


async def observe_idle(
    command: Sequence[str],
    environment: Mapping[str, str],
    stamps: StampFile,
    database_url: str,
    seconds: float,
) -> IdleQueries:
    """Count through a proxy what a worker on PostgreSQL sends."""
    async with counting_statements(database_url) as proxy:
        address = {"TASKFORGE_DATABASE_URL": proxy.database_url}
        with running(command, {**environment, **address}, stamps.path.parent) as workers:
            await asyncio.sleep(IDLE_SETTLE_SECONDS)
            before = proxy.statements
            if before == 0:
                workers[0].check()
                raise RuntimeError("the worker has sent nothing through the counting proxy")
            await asyncio.sleep(seconds)
            workers[0].check()
            return IdleQueries(proxy.statements - before, seconds)


async def until_done(watch: asyncio.Task[None], workers: list[WorkerProcess]) -> None:
    """Wait for the task, and fail at once when a worker process has ended."""
    try:
        while not watch.done():
            for worker in workers:
                worker.check()
            await asyncio.wait([watch], timeout=0.25)
    finally:
        watch.cancel()
    await watch


async def _agreement(ledger: Ledger, jobs: int) -> float:
    """The moment at which no job is unfinished, by the stamps' clock; the history is checked after it."""
    limit = time.monotonic() + STALLED_SECONDS
    while not await ledger.is_empty():
        if time.monotonic() > limit:
            raise Disagreement(f"jobs are still unfinished {STALLED_SECONDS:g} s after the last handler")
        await asyncio.sleep(POLL_SECONDS)
    agreed = time.time()
    if not await ledger.has_kept(jobs):
        raise Disagreement(f"the history does not show {jobs} succeeded jobs")
    return agreed
