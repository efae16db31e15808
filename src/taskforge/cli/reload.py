"""A worker process that is started anew when a Python file changes."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from taskforge.cli.errors import note
from taskforge.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    from taskforge.cli.session import Session

LOOK_MILLISECONDS = 300
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else []))


def worker_command(session: Session, reference: str | None, **options: object) -> list[str]:
    """The command line of a worker in a child process; what is not given it finds by itself, as we would.

    ``options`` are those of the command `worker`; a list makes the option repeated, True a flag, None leaves it out.
    """
    command = [sys.executable, "-m", "taskforge"]
    command += [f"--{name.replace('_', '-')}={value}" for name, value in session.arguments.items()]
    command += ["--verbose"] * session.verbose
    command += ["worker", "--leaves-with-parent"]
    for name, value in options.items():
        values = value if isinstance(value, list) else [] if value is None else [value]
        command += [f"--{name}" if one is True else f"--{name}={one}" for one in values]
    return command + ([] if reference is None else [reference])


class Reloader:
    """Keeps one child running. Ctrl-C reaches it as SIGTERM, so that jobs that run may end; a second kills."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        self._command = command
        self._folder = folder
        self._child: subprocess.Popen[bytes] | None = None
        self._is_asked = False
        self._stopping = threading.Event()

    def run(self) -> int:
        """Start, watch, start anew; answer the exit code once it was told to stop and the child has ended."""
        with self._signals():
            self._start()
            for changed in self._changes():
                self._tell_of_end()
                if changed:
                    note(f"changed: {', '.join(changed)}")
                    self._drain()
                    self._start()
            self._drain()
        return ExitCode.OK

    def _start(self) -> None:
        if self._stopping.is_set():
            return
        self._is_asked = False
        # a group of its own: the terminal's Ctrl-C shall come to it once, and through us
        self._child = subprocess.Popen(  # noqa: S603 - our own command
            self._command, stdin=subprocess.PIPE, process_group=0
        )

    def _ask(self) -> None:
        """The first time the child drains, the second time it exits at once."""
        child = self._child
        if child is not None and child.poll() is None:
            self._is_asked = True
            child.terminate()

    def _drain(self) -> None:
        """Have the child end, and wait until it has."""
        child = self._child
        if child is None:
            return
        if not self._is_asked:
            self._ask()
        child.wait()
        if child.stdin is not None:
            child.stdin.close()
        self._child = None

    def _tell_of_end(self) -> None:
        if self._child is None or self._child.poll() is None:
            return
        if self._child.returncode == ExitCode.START_ANEW:
            self._drain()
            self._start()
        else:
            note(f"the worker ended with code {self._child.returncode}; it starts anew when a file changes")
            self._drain()

    def _changes(self) -> Iterator[list[str]]:
        """Names of files that changed, again and again, and nothing from time to time, until told to stop."""
        from pathlib import Path

        from watchfiles import PythonFilter, watch

        for changes in watch(
            self._folder,
            watch_filter=PythonFilter(),
            stop_event=self._stopping,
            rust_timeout=LOOK_MILLISECONDS,
            yield_on_timeout=True,
            raise_interrupt=False,
        ):
            if self._stopping.is_set():
                return
            yield sorted({Path(path).name for _, path in changes})

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(number: int, frame: FrameType | None) -> None:
            is_second = self._stopping.is_set()
            self._stopping.set()
            if is_second or not self._is_asked:
                self._ask()

        former = {number: signal.signal(number, stop) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
