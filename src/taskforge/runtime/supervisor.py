"""Keeps worker processes running: starts those that crashed again, passes signals on, ends when all are gone."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from taskforge.runtime.backoff import Backoff
from taskforge.runtime.liveness import Liveness, last_claim
from taskforge.runtime.process import DRAINED, START_ANEW
from taskforge.runtime.process_group import ProcessGroup
from taskforge.runtime.signals import SIGNALS
from taskforge.runtime.systemd import STOPPING, Systemd
from taskforge.runtime.wakeup import Wakeup

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from taskforge.runtime.liveness import LivenessOptions

logger = logging.getLogger(__name__)

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0
"""A worker that ran for so long is started again without waiting longer than the first time."""
KILL_SECONDS = 3.0
"""How long workers may take to exit after a second signal."""


class WorkerCommand(NamedTuple):
    """One worker: its name, and the command line that starts it."""

    name: str
    words: Sequence[str]
    metrics_port: int = 0


class Supervisor:
    """Runs one process for each command. ``tell`` gets a line for people about each event.

    A worker that ends with `DRAINED` stays down; so does one that ends with a code of ``permanent``: a wrong
    option does not get right by trying. Every other end is a crash, an unasked 0 too: it is started again after a
    pause that doubles, or at once when it only asked to be started anew.
    """

    def __init__(
        self,
        workers: Sequence[WorkerCommand],
        *,
        liveness: LivenessOptions,
        permanent: Collection[int],
        tell: Callable[[str], None],
    ) -> None:
        self._workers = workers
        self._liveness = liveness
        self._permanent = permanent
        self._tell = tell
        self._systemd = Systemd()
        self._groups: dict[str, ProcessGroup] = {}
        self._wakeups: dict[str, Wakeup] = {}
        self._claimed: dict[str, float] = {}
        self._signal = 0
        self._signals = 0
        self._folder = Path()

    async def run(self) -> int:
        """Return the exit code when no worker is left: 0, 128 + the second signal, or that of a failed worker."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._stop, number)
        with tempfile.TemporaryDirectory(prefix="taskforge-") as folder:
            self._folder = Path(folder)
            async with Liveness(self._liveness, self._systemd, self._stalled):
                codes = await asyncio.gather(*(self._keep(worker) for worker in self._workers))
        if self._signals > 1:
            return 128 + self._signal
        return next((code for code in codes if code), 0)

    async def _keep(self, worker: WorkerCommand) -> int:
        """Have this worker run until it is over with it; its last exit code."""
        backoff = Backoff(FIRST_PAUSE, LONGEST_PAUSE)
        wakeup = self._wakeups[worker.name] = Wakeup()
        while True:
            began = time.monotonic()
            code = await self._run_once(worker)
            if self._signals:
                # one that had only begun to start dies of the signal, which does no harm
                return 0 if code in (DRAINED, START_ANEW, 128 + self._signal) else code
            if code == DRAINED:
                self._tell(f"worker {worker.name} was drained on request and stays down")
                return 0
            if code in self._permanent:
                self._tell(f"worker {worker.name} ended with code {code} and stays down")
                return code
            pause = 0.0
            if code == START_ANEW:
                self._tell(f"worker {worker.name} asked to be started anew")
            else:
                if time.monotonic() - began > STEADY_SECONDS:
                    backoff.reset()
                pause = backoff.delay()
                self._tell(
                    f"worker {worker.name} died ({_way_to_die(code)}); it starts again in {pause:.1f} s"
                )
            await wakeup.wait(pause)
            if self._signals:
                return 0

    async def _run_once(self, worker: WorkerCommand) -> int:
        """Start it and wait for its end; the exit code, 128 + n for signal n."""
        ended = asyncio.Event()
        file = self._file_of(worker)
        environment = os.environ | {
            "TASKFORGE_LIVENESS_FILE": str(file),
            "TASKFORGE_LIVENESS_PORT": "0",
            "TASKFORGE_METRICS_PORT": str(worker.metrics_port),
        }
        try:
            group = ProcessGroup(worker.words, ended.set, environment=environment, stdin=subprocess.PIPE)
        except OSError as error:
            self._tell(f"cannot start worker {worker.name}: {error}")
            return 1
        self._groups[worker.name] = group
        await ended.wait()
        del self._groups[worker.name]
        if group.process.stdin is not None:
            group.process.stdin.close()
        file.unlink(missing_ok=True)
        code = group.returncode or 0
        return code if code >= 0 else 128 - code

    def _stop(self, number: signal.Signals) -> None:
        """Have the workers drain; the second time, have them exit at once, and kill those that do not."""
        self._signals += 1
        self._signal = number
        self._systemd.tell(STOPPING)
        if self._signals == 2:
            asyncio.get_running_loop().call_later(KILL_SECONDS, self._kill)
        for group in self._groups.values():
            with contextlib.suppress(ProcessLookupError):
                group.terminate()
        for wakeup in self._wakeups.values():
            wakeup.set()

    def _kill(self) -> None:
        for group in self._groups.values():
            group.kill()

    def _stalled(self) -> float:
        """For how many seconds the slowest of the workers has not been able to claim."""
        for worker in self._workers:
            moment = last_claim(self._file_of(worker))
            if moment is not None:
                self._claimed[worker.name] = moment
        if len(self._claimed) < len(self._workers):
            return float("inf")
        return max(0.0, time.time() - min(self._claimed.values()))

    def _file_of(self, worker: WorkerCommand) -> Path:
        return self._folder / worker.name.replace("/", "_")


def _way_to_die(code: int) -> str:
    if code <= 128:
        return f"exit code {code}"
    try:
        return signal.Signals(code - 128).name
    except ValueError:
        return f"signal {code - 128}"
