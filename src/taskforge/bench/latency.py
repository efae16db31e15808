"""How soon an idle worker begins a job, at fifty jobs a second."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from .enqueue import opened
from .observe import observe_latency
from .processes import WORKER_CONCURRENCY, running, worker_command
from .tasks import QUEUE

if TYPE_CHECKING:
    from .figures import Latency
    from .processes import WorkerProcess
    from .stamps import StampFile
    from .tasks import BenchApp


async def latency_between_processes(database_url: str, jobs: int, stamps: StampFile) -> Latency:
    """The producer here, the worker in a process of its own."""
    environment = {**stamps.environment, "TASKFORGE_DATABASE_URL": database_url}
    async with opened(database_url) as bench:
        with running(worker_command(), environment, stamps.path.parent) as workers:
            return await _observe(bench, jobs, stamps, workers)


async def latency_in_process(database_url: str, jobs: int, stamps: StampFile) -> Latency:
    """Producer and worker in this process."""
    os.environ.update(stamps.environment)
    async with (
        opened(database_url) as bench,
        bench.app.worker(queues=[QUEUE], concurrency=WORKER_CONCURRENCY),
    ):
        return await _observe(bench, jobs, stamps, [])


async def _observe(bench: BenchApp, jobs: int, stamps: StampFile, workers: list[WorkerProcess]) -> Latency:
    return await observe_latency(bench.noop.aenqueue, bench.latency.aenqueue, jobs, stamps, workers)
