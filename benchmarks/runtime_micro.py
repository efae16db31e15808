"""How many no-op jobs a second one worker process can run when claiming and settling cost nothing.

``python -m benchmarks.runtime_micro [--jobs N] [--concurrency N] [--threads] [--profile]``
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import gc
import os
import pstats
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from taskforge.domain.job import ClaimedJob
from taskforge.domain.job_options import JobOptions
from taskforge.domain.outcome import Report, Succeeded
from taskforge.domain.worker import ProcessIdentity, Registration
from taskforge.ports.link import Attempt, BeatReply, Welcome, Work
from taskforge.runtime.process import GARBAGE_THRESHOLD, run_until_complete
from taskforge.runtime.worker.options import WorkerOptions
from taskforge.runtime.worker.worker import Worker
from taskforge.sdk.registry import Registry
from taskforge.sdk.task import make_task

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

NO_ONE = BeatReply(frozenset(), frozenset(), drain=False)


class EndlessLink:
    """Hands out made-up jobs after one turn of the event loop, until there have been enough."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self.claimed = 0
        self.settled = 0
        self.claims = 0
        self.settles = 0
        self.done = asyncio.Event()
        self.poll_interval = 1.0
        self._attempts = [_attempt(datetime.now(UTC)) for _ in range(1000)]

    def lull(self) -> float:
        return 0.0

    def stand_by(
        self, suspects: int, take: Callable[[Work | None, float], None]
    ) -> Callable[[], bool] | None:
        return None

    async def register(self, registration: Registration) -> Welcome:
        return Welcome(uuid.uuid4(), 30.0, 10.0)

    async def claim(self, free: int, suspects: int) -> Work:
        await asyncio.sleep(0)
        now = datetime.now(UTC)
        count = min(free, self.jobs - self.claimed)
        self.claimed += count
        self.claims += 1
        return Work(self._attempts[:count], now, None)

    async def settle(self, reports: Sequence[Report]) -> frozenset[uuid.UUID]:
        await asyncio.sleep(0)
        assert all(isinstance(report.outcome, Succeeded) for report in reports), reports[0]
        self.settles += 1
        self.settled += len(reports)
        if self.settled == self.jobs:
            self.done.set()
        return frozenset()

    async def beat(self, beats: Sequence[Any], incidents: Any = None, usage: Any = None) -> BeatReply:
        return NO_ONE

    async def log(self, lines: Sequence[Any]) -> frozenset[Any]:
        return frozenset()

    def forget(self, execution_ids: Sequence[Any]) -> None: ...

    async def leave(self) -> None: ...

    def on_hint(self, wake: Callable[[], None], cancel: Callable[[], None]) -> Callable[[], None]:
        return lambda: None


_ID = uuid.uuid4()


def _attempt(now: datetime) -> Attempt:
    values: Any = (_ID, _ID, "noop", "{}", 0, 0, 1, None, 0, None, None, 0, 1, _ID, None, None, now)
    return Attempt(ClaimedJob(*values), 600.0, 3, "default")


async def noop() -> None:
    """Nothing."""


def noop_in_thread() -> None:
    """Nothing."""


async def measure(jobs: int, concurrency: int, in_threads: bool) -> None:
    link = EndlessLink(jobs)
    registry = Registry()
    registry.add(
        make_task(
            noop_in_thread if in_threads else noop,
            name="noop",
            queue="default",
            pool=None,
            options=JobOptions(),
            backend=cast("Any", None),
        )
    )

    @contextlib.asynccontextmanager
    async def beat_link(worker_id: uuid.UUID) -> AsyncIterator[EndlessLink]:
        yield EndlessLink(0)

    process = ProcessIdentity("bench", "", os.getpid(), "")
    options = WorkerOptions("bench", ["default"], process, concurrency=concurrency)
    begun, used = time.perf_counter(), time.process_time()
    async with Worker(link, beat_link, registry, options):
        await link.done.wait()
        seconds, used = time.perf_counter() - begun, time.process_time() - used
    print(
        f"{jobs / seconds:,.0f} jobs/s, {used / jobs * 1e6:.1f} µs of processor time each; "
        f"{link.claims} claims, {link.settles} settles"
    )


def main() -> None:
    """Print the rate, or the profile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=300_000)
    parser.add_argument("--concurrency", type=int, default=500)
    parser.add_argument("--threads", action="store_true")
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    gc.freeze()
    gc.set_threshold(GARBAGE_THRESHOLD, 10, 10)
    profile = cProfile.Profile()
    if arguments.profile:
        profile.enable()
    run_until_complete(measure(arguments.jobs, arguments.concurrency, arguments.threads))
    if arguments.profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(30)


if __name__ == "__main__":
    main()
