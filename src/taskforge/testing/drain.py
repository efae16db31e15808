"""Runs all jobs that are due, as a worker would: the same claim, executor and settlement, but no waiting."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import TYPE_CHECKING

from taskforge.domain.errors import Conflict
from taskforge.domain.worker import Registration, TaskDescription, WorkerType
from taskforge.housekeeping import Housekeeping
from taskforge.runtime.worker.announcer import Announcer
from taskforge.runtime.worker.executor import Executor
from taskforge.runtime.worker.options import WorkerOptions
from taskforge.runtime.worker.reporter import report_of
from taskforge.runtime.worker.slots import Slots
from taskforge.services.processes import this_process
from taskforge.version import VERSION

if TYPE_CHECKING:
    from taskforge.app import TaskForge
    from taskforge.ports.link import Link
    from taskforge.runtime.worker.running import Running

AT_ONCE = 10
LISTENER_SECONDS = 10.0

_numbers = itertools.count(1)


async def drain(app: TaskForge, most: int) -> int:
    """Run what is due until nothing is, on this event loop; how many attempts that were.

    Raises Conflict after ``most`` of them: jobs that make jobs for ever.
    """
    platform = await app.platform()
    await Housekeeping(platform).recovery.sweep()
    count = 0
    served: set[str] = set()
    while True:  # jobs may make queues
        queues = {queue.name for queue in await platform.queues.list()} | {
            task.queue for task in app.registry
        }
        if queues == served or not len(app.registry):
            return count
        served = queues
        options = WorkerOptions(
            name=f"drain {next(_numbers)}",
            queues=sorted(queues),
            process=this_process(),
            concurrency=AT_ONCE,
            capture_level=None,
            capture_output=False,
            locking=app.lock,
            hooks=app.hooks,
        )
        link = platform.link()
        welcome = await link.register(_registration(app, options))
        try:
            count += await _Drain(app, link, options, welcome.trust).run(most - count)
        finally:
            await link.leave()


def _registration(app: TaskForge, options: WorkerOptions) -> Registration:
    return Registration(
        name=options.name,
        type=WorkerType.GENERAL,
        capabilities={},
        max_concurrent_jobs=options.concurrency,
        queues=options.queues,
        tasks=[
            TaskDescription(task.name, task.queue, None, task.description, task.defaults)
            for task in app.registry
        ],
        process=options.process,
        version=VERSION,
    )


class _Drain:
    def __init__(self, app: TaskForge, link: Link, options: WorkerOptions, trust: float) -> None:
        self._link = link
        self._trust = trust
        self._ended: list[Running] = []
        self._event = asyncio.Event()
        self._slots = Slots(options.concurrency)
        self._announcer = Announcer(app.hooks)
        self._executor = Executor(app.registry, self._slots, self._report, options, on_stuck=self._event.set)

    async def run(self, most: int) -> int:
        count = 0
        try:
            while True:
                sent = time.monotonic()
                work = await self._link.claim(self._slots.room(), AT_ONCE)
                if not work.attempts:
                    return count
                count += len(work.attempts)
                self._executor.start(work, time.monotonic(), sent + self._trust)
                while len(self._ended) < len(work.attempts):
                    self._event.clear()
                    await self._event.wait()
                await self._settle()
                if count >= most:
                    raise Conflict(f"{count} attempts were run, and there are more", hint="drain(most=...)")
        finally:
            self._executor.release_all()
            await self._executor.close()
            await self._announcer.close(LISTENER_SECONDS)

    def _report(self, running: Running) -> None:
        self._ended.append(running)
        self._event.set()

    async def _settle(self) -> None:
        batch, self._ended = self._ended, []
        lost = await self._link.settle([report_of(running) for running in batch])
        self._slots.settle(batch)
        self._announcer.take(batch, lost)
