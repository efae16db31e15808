"""Starts workers as processes of this host (``ports.scaling.Provisioner``).

A worker leaves by itself when it has been asked to drain; all of them leave when this process ends, however it does:
each has the read end of a pipe as its standard input. One that dies soon after its start is a failure: until one has
lived for a while, only one at a time is tried.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskforge.domain.errors import ProvisionerFailed
from taskforge.ports.scaling import Capacity
from taskforge.runtime.process import DRAINED, START_ANEW
from taskforge.runtime.process_group import ProcessGroup

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskforge.ports.scaling import Order

STEADY_SECONDS = 5.0
"""A worker that lived for so long has started well."""
KILL_SECONDS = 5.0
"""For so long beyond their grace workers may take to leave at the end."""
LONGEST_QUEUE_PART = 40


@dataclass(slots=True)
class _Process:
    name: str
    queue: str
    group: ProcessGroup
    started: float
    ended: asyncio.Event


class LocalWorkers:
    """``command`` gives the command line of a worker of this name for this queue. ``grace`` is seconds.

    Used on one event loop; ``close`` ends all that was started.
    """

    def __init__(
        self,
        command: Callable[[str, str], Sequence[str]],
        *,
        grace: float,
        steady: float = STEADY_SECONDS,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._command = command
        self._grace = grace
        self._steady = steady
        self._monotonic = monotonic
        self._processes: dict[str, _Process] = {}
        self._stumbled: dict[str, str] = {}
        self._count = 0
        self._closing = False

    @property
    def pids(self) -> Sequence[int]:
        """The processes that live."""
        return [process.group.pid for process in self._processes.values()]

    async def look(self, queue_name: str, target: str | None) -> Capacity | None:
        own = [process.name for process in self._processes.values() if process.queue == queue_name]
        return Capacity(len(own), frozenset(own))

    async def scale(self, order: Order) -> str:
        missing = min(order.desired - order.workers, order.most - self._own(order.queue_name))
        if missing <= 0:
            names = ", ".join(name for name, _ in order.leaving)
            return f"they leave when they are idle: {names}" if names else "there is none to start"
        if order.queue_name in self._stumbled:
            await self._try_one(order.queue_name)
            missing -= 1
        started = [self._start(order.queue_name) for _ in range(missing)]
        return f"started {len(started)} processes" if started else "started a process"

    async def close(self) -> None:
        """Let all of them end what they run within their grace, and end them."""
        self._closing = True
        processes = list(self._processes.values())
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.group.terminate()
        waiting = [asyncio.ensure_future(process.ended.wait()) for process in processes]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=self._grace + KILL_SECONDS)
            for process in processes:
                if not process.ended.is_set():
                    process.group.kill()
            if late:
                await asyncio.wait(late, timeout=KILL_SECONDS)

    async def _try_one(self, queue: str) -> None:
        """Start one where the last one died, and see whether it lives. Raises ProvisionerFailed."""
        process = self._start(queue)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._steady):
                await process.ended.wait()
        if process.ended.is_set() and queue in self._stumbled:
            raise ProvisionerFailed(self._stumbled[queue])
        self._stumbled.pop(queue, None)

    def _start(self, queue: str) -> _Process:
        if self._closing:
            raise ProvisionerFailed("this process is about to end")
        self._count += 1
        name = f"auto-{queue[:LONGEST_QUEUE_PART]}-{socket.gethostname()[:20]}-{os.getpid()}-{self._count}"
        ended = asyncio.Event()

        def over() -> None:
            self._over(name)
            ended.set()

        try:
            group = ProcessGroup(
                self._command(name, queue), over, environment=_environment(), stdin=subprocess.PIPE
            )
        except OSError as error:
            raise ProvisionerFailed(f"no process could be started: {error}") from None
        process = _Process(name, queue, group, self._monotonic(), ended)
        self._processes[name] = process
        return process

    def _over(self, name: str) -> None:
        process = self._processes.pop(name)
        if process.group.process.stdin is not None:
            process.group.process.stdin.close()
        code = process.group.returncode or 0
        lived = self._monotonic() - process.started
        if code in (0, DRAINED, START_ANEW):
            self._stumbled.pop(process.queue, None)
        elif lived < self._steady and not self._closing:
            how = f"exit code {code}" if code > 0 else f"signal {-code}"
            self._stumbled[process.queue] = f"a worker died within {lived:.1f} s of its start: {how}"

    def _own(self, queue: str) -> int:
        return sum(process.queue == queue for process in self._processes.values())


def _environment() -> dict[str, str]:
    """Ours, without what tells of the life of one process."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in ("TASKFORGE_LIVENESS_FILE", "TASKFORGE_LIVENESS_PORT", "NOTIFY_SOCKET")
    }
