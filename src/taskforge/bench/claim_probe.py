"""The one place where the measurements touch the engine below the public API: a single claim.

A claim is not a verb of the public API, so its time is taken at the worker's link.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from taskforge.domain.worker import Registration, TaskDescription, WorkerType
from taskforge.services.processes import this_process

from .enqueue import opened
from .tasks import QUEUE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from taskforge.ports.link import Link

    from .tasks import BenchApp

    Claim = Callable[[int], Awaitable[int]]


@asynccontextmanager
async def open_claim(database_url: str) -> AsyncIterator[Claim]:
    """Register as a worker and hand out a function that claims up to so many jobs and returns how many."""
    async with opened(database_url) as bench, _registered(bench) as link:

        async def claim(jobs: int) -> int:
            return len((await link.claim(jobs, 0)).attempts)

        yield claim


@asynccontextmanager
async def _registered(bench: BenchApp) -> AsyncIterator[Link]:
    """A link that is registered for the bench queue and its tasks, and leaves at the end."""
    link = (await bench.app.platform()).link()
    await link.register(
        Registration(
            name="claim-probe",
            type=WorkerType.GENERAL,
            capabilities={},
            max_concurrent_jobs=1000,
            queues=[QUEUE],
            tasks=[TaskDescription(task.name, task.queue) for task in bench.app.registry],
            process=this_process(),
            version="",
        )
    )
    try:
        yield link
    finally:
        await link.leave()
