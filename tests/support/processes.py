"""Real child processes for tests: start one, wait for what it prints, signal it, and never leave one behind."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support.nursery import Started, fits, nursery
from tests.support.watchdog import watchdog

POLL_SECONDS = 0.02
PATIENCE_SECONDS = 60
"""Far more than a process needs: a busy machine is no failure."""


class ChildProcess:
    """A program in a process group of its own, whose output (stdout and stderr) goes to one file."""

    def __init__(
        self, command: Sequence[str | Path], output_file: Path, folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.command = [str(part) for part in command]
        self.output_file = output_file
        with output_file.open("wb") as output:
            self._process: Started
            if self.command[0] == sys.executable and fits(environment, self.command[1]):
                self._process = nursery().start(self.command[1:], output.fileno(), folder, environment)
            else:
                self._process = subprocess.Popen(
                    self.command,
                    cwd=folder,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        watchdog().guard("group", str(self.pid))

    @property
    def pid(self) -> int:
        """Its process id, which is also the id of its process group."""
        return self._process.pid

    @property
    def output(self) -> str:
        """Everything printed so far."""
        return self.output_file.read_text(errors="replace")

    @property
    def returncode(self) -> int | None:
        """How it ended (minus the signal's number if by one), or None while it runs."""
        return self._process.poll()

    def wait_for(self, pattern: str, timeout: float = PATIENCE_SECONDS) -> re.Match[str]:
        """Wait until the output matches a regular expression (lines apart: `^` and `$` work for each).

        Raises AssertionError with the output if it ends or `timeout` seconds pass without.
        """
        deadline = time.monotonic() + timeout
        while True:
            ended = self.returncode is not None  # asked before reading, so that its last words are seen
            if match := re.search(pattern, self.output, re.MULTILINE):
                return match
            if ended or time.monotonic() > deadline:
                fate = f"ended with {self.returncode}" if ended else f"did not, within {timeout} s,"
                raise AssertionError(f"{self} {fate} print {pattern!r}; its output:\n{self.output}")
            time.sleep(POLL_SECONDS)

    async def printed(self, pattern: str, timeout: float = PATIENCE_SECONDS) -> re.Match[str]:
        """`wait_for` without blocking the event loop."""
        return await asyncio.to_thread(self.wait_for, pattern, timeout)

    def wait(self, timeout: float = PATIENCE_SECONDS) -> int:
        """Wait until it ends; return how. Raises AssertionError with the output if it does not."""
        try:
            return self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            message = f"{self} still runs after {timeout} s; its output:\n{self.output}"
            raise AssertionError(message) from None

    async def ended(self, timeout: float = PATIENCE_SECONDS) -> int:
        """`wait` without blocking the event loop."""
        return await asyncio.to_thread(self.wait, timeout)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program itself, not to its children."""
        self._process.send_signal(number)

    def terminate(self) -> None:
        """SIGTERM, as a deploy does; `wait` then tells how it ended."""
        self.send(signal.SIGTERM)

    def kill(self) -> None:
        """`kill -9` of the program and all its children, and wait until the program is gone."""
        with contextlib.suppress(ProcessLookupError, PermissionError):  # Darwin says so of a group of zombies
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def kill_alone(self) -> None:
        """`kill -9` of the program itself, not of its children; wait until it is gone."""
        self.send(signal.SIGKILL)
        self._process.wait()

    def clean_up(self) -> None:
        """Make sure that nothing of it is left."""
        self.kill()
        watchdog().forget("group", str(self.pid))

    def __str__(self) -> str:
        return f"`{' '.join(self.command)}` (pid {self.pid})"


class Processes:
    """Starts the child processes of one test, and ends them with it. The fixture `processes` gives one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._children: list[ChildProcess] = []

    def start(
        self,
        *command: str | Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> ChildProcess:
        """Start a program in `folder` (the test's own by default), with `environment` added to a clean one.

        Clean means: no setting of TaskForge from outside, and output that is not buffered.
        """
        number = len(self._children) + 1
        child = ChildProcess(
            command,
            output_file=self._folder / f"process-{number}.log",
            folder=folder or self._folder,
            environment=clean_environment() | dict(environment or {}),
        )
        self._children.append(child)
        return child

    def python(
        self,
        *arguments: str | Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> ChildProcess:
        """`start` this Python with `arguments`."""
        return self.start(sys.executable, *arguments, environment=environment, folder=folder)

    def taskforge(
        self,
        *arguments: str | Path,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> ChildProcess:
        """`start` our own command line with `arguments`."""
        return self.python("-m", "taskforge", *arguments, environment=environment, folder=folder)

    def clean_up(self) -> None:
        """End every one of them, with its children."""
        for child in self._children:
            child.clean_up()


def is_running(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def clean_environment() -> dict[str, str]:
    """Our environment without any setting of TaskForge."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TASKFORGE_")}
    return kept | {"PYTHONUNBUFFERED": "1"}
