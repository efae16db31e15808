"""How fast jobs are accepted: one after the other, fifty at a time, in batches."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from .figures import Rate
from .tasks import QUEUE, BenchApp, build
from .timing import BATCH, WARM_UP, WIDTH, send_in_batches, time_bulk, time_concurrent, time_sequential

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping


@asynccontextmanager
async def opened(database_url: str) -> AsyncIterator[BenchApp]:
    """The measured application, closed at the end."""
    bench = build(database_url)
    try:
        yield bench
    finally:
        await bench.app.aclose()


async def enqueue_sequential(database_url: str, jobs: int) -> Rate:
    """`await task.aenqueue(...)`, one after the other."""
    async with opened(database_url) as bench:
        return await time_sequential(bench.noop.aenqueue, jobs)


async def enqueue_sequential_blocking(database_url: str, jobs: int) -> Rate:
    """`task.enqueue(...)` from a plain thread, one after the other."""

    def enqueue_all(bench: BenchApp) -> Rate:
        for number in range(WARM_UP):
            bench.noop.enqueue(number)
        begun = time.perf_counter()
        for number in range(jobs):
            bench.noop.enqueue(number)
        return Rate(jobs, time.perf_counter() - begun)

    async with opened(database_url) as bench:
        return await asyncio.to_thread(enqueue_all, bench)


async def enqueue_concurrent(database_url: str, jobs: int, width: int = WIDTH) -> Rate:
    """Single `aenqueue` calls, `width` of them under way at any moment."""
    async with opened(database_url) as bench:
        return await time_concurrent(bench.noop.aenqueue, jobs, width)


async def enqueue_bulk(database_url: str, jobs: int, batch: int = BATCH, callers: int = 1) -> Rate:
    """`app.aenqueue_many`, each caller a batch at a time."""
    async with opened(database_url) as bench:
        return await time_bulk(_batches(bench), jobs, batch, callers)


async def load(database_url: str, jobs: int, customers: int = 0) -> None:
    """Store exactly so many no-op jobs, of so many fairness keys if any."""
    async with opened(database_url) as bench:
        await send_in_batches(_batches(bench, customers), jobs)


async def prepare(
    database_url: str, rules: Mapping[str, object], unknown: int, *, is_divided: bool = False
) -> None:
    """Give the measured queue its rules and assignments, and jobs of a type that nobody knows."""
    from taskforge.domain.job_options import JobOptions
    from taskforge.services.submission import JobRequest

    async with opened(database_url) as bench:
        platform = await bench.app.platform()
        if rules:
            await platform.queues.create(QUEUE, settings=rules)
        if is_divided:
            await platform.assignments.create(QUEUE, "*", weight=3)
            await platform.assignments.create(QUEUE, "absent", weight=1)
        request = JobRequest(QUEUE, "known.to.nobody", "{}", JobOptions())

        async def enqueue(numbers: range) -> None:
            await platform.submission.submit_many([request] * len(numbers), declare=True)

        if unknown:
            await send_in_batches(enqueue, unknown)


def _batches(bench: BenchApp, customers: int = 0) -> Callable[[range], Awaitable[None]]:
    theirs = [bench.noop.options(fairness_key=f"c{number}") for number in range(customers)]

    async def enqueue(numbers: range) -> None:
        await bench.app.aenqueue_many(
            [(theirs[number % customers] if theirs else bench.noop).job(number) for number in numbers]
        )

    return enqueue
