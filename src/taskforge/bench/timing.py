"""The clocks of the enqueue measurements, for any system's call."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from .figures import Rate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

WARM_UP = 10
BATCH = 1_000
WIDTH = 50
CALLERS = 3
"""So many send batches at once, where more than one does."""


async def time_sequential(enqueue: Callable[[int], Awaitable[object]], jobs: int) -> Rate:
    """Time one awaited call after the other."""
    for number in range(WARM_UP):
        await enqueue(number)
    begun = time.perf_counter()
    for number in range(jobs):
        await enqueue(number)
    return Rate(jobs, time.perf_counter() - begun)


async def time_concurrent(enqueue: Callable[[int], Awaitable[object]], jobs: int, width: int = WIDTH) -> Rate:
    """Time single calls of which `width` are under way at any moment."""
    for number in range(WARM_UP):
        await enqueue(number)
    numbers = iter(range(jobs))

    async def caller() -> None:
        for number in numbers:
            await enqueue(number)

    begun = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(width)))
    return Rate(jobs, time.perf_counter() - begun)


async def time_bulk(
    enqueue: Callable[[range], Awaitable[object]], jobs: int, batch: int = BATCH, callers: int = 1
) -> Rate:
    """Time batches of `batch` jobs by so many callers, of whom each sends the next when its last is accepted."""
    await asyncio.gather(*(enqueue(range(WARM_UP)) for _ in range(callers)))
    begun = time.perf_counter()
    await send_in_batches(enqueue, jobs, batch, callers)
    return Rate(jobs, time.perf_counter() - begun)


async def send_in_batches(
    enqueue: Callable[[range], Awaitable[object]], jobs: int, batch: int = BATCH, callers: int = 1
) -> None:
    """Exactly so many jobs, without a clock: the load of the other measurements."""
    beginnings = iter(range(0, jobs, batch))

    async def caller() -> None:
        for first in beginnings:
            await enqueue(range(first, min(first + batch, jobs)))

    await asyncio.gather(*(caller() for _ in range(callers)))
