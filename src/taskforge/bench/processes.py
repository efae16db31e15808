"""Worker processes: started, watched and ended by their own process id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

WORKER_CONCURRENCY = 500
_GRACE_SECONDS = 10.0


class WorkerDied(RuntimeError):
    """A worker process ended by itself; its last output is the message."""


class WorkerProcess:
    """One process in a session of its own, its output kept in a file beside the stamps."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - the command is built in this package
                command,
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def check(self) -> None:
        """Raise WorkerDied if the process has ended."""
        if self._process.poll() is not None:
            raise WorkerDied(self.log.read_text(errors="replace")[-2000:] or "without output")

    def stop(self) -> None:
        """Ask the process to end, then end its whole session."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def memory_mib(self, field: str) -> float | None:
        """A field of /proc/<pid>/status (`VmRSS` now, `VmHWM` the peak), children included."""
        kibibytes = [_status_field(pid, field) for pid in _family(self._process.pid)]
        known = [value for value in kibibytes if value is not None]
        return sum(known) / 1024 if known else None


def worker_command(concurrency: int = WORKER_CONCURRENCY) -> list[str]:
    """The command that a user would type for one worker process of the measured application."""
    arguments = ["worker", "taskforge.bench.worker_app:app", "-q", "bench", "-c", str(concurrency)]
    return [sys.executable, "-m", "taskforge", *arguments]


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, processes: int = 1
) -> Iterator[list[WorkerProcess]]:
    """So many processes of one command, ended when the block is left."""
    with ExitStack() as stack:
        workers = []
        for number in range(processes):
            worker = WorkerProcess(command, environment, folder / f"worker-{number}.log")
            stack.callback(worker.stop)
            workers.append(worker)
        yield workers


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(member for child in children for member in _family(int(child)))]


def _status_field(pid: int, field: str) -> int | None:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{field}:")), None)
