"""Programs of ours that start in the blink of an eye: forked from a process that has imported what they need.

They are processes like any other, with a session, an environment, a folder and an end of their own. Only what
`python` does before the first line of a program is done once for all of them.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tests.support.watchdog import watchdog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CAN_FORK = hasattr(os, "pidfd_open") and sys.platform == "linux"
ITS_OWN = ("PYTHONHASHSEED", "PYTHONOPTIMIZE", "PYTHONDEVMODE", "PYTHONWARNINGS", "TZ")
"""What Python reads when it starts: a program that wants another value is started by itself."""


LOOK_SECONDS = 0.2
"""Another thread may have read how a process ended: who waits looks so often."""


class Started(Protocol):
    """What `subprocess.Popen` and a `Forked` have in common."""

    pid: int

    def poll(self) -> int | None:
        """How it ended, or None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        ...

    def send_signal(self, sig: int) -> None:
        """Send it a signal, if it still runs."""
        ...


class Forked:
    """A process of the nursery; used as `subprocess.Popen` is, by several threads as well."""

    def __init__(self, connection: socket.socket, arguments: Sequence[str]) -> None:
        self._connection = connection
        self._arguments = arguments
        self._lock = threading.Lock()
        self._read = b""
        self._code: int | None = None
        pid = self._line()
        assert pid is not None
        self.pid = pid
        connection.setblocking(False)

    def poll(self) -> int | None:
        """How it ended, or None while it runs."""
        with self._lock:
            if self._code is None:
                self._code = self._line()
                if self._code is not None:
                    self._connection.close()
            return self._code

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while (code := self.poll()) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(list(self._arguments), timeout or 0)
            self._look_out(min(left, LOOK_SECONDS))
        return code

    def send_signal(self, sig: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def _look_out(self, seconds: float) -> None:
        """Until there may be something to read; another thread may read it, and close, before us."""
        descriptor = self._connection.fileno()
        if descriptor >= 0:
            waiting = select.poll()
            waiting.register(descriptor, select.POLLIN)
            waiting.poll(seconds * 1000)

    def _line(self) -> int | None:
        while b"\n" not in self._read:
            try:
                received = self._connection.recv(100)
            except BlockingIOError:
                return None
            assert received, "the nursery has gone"
            self._read += received
        line, _, self._read = self._read.partition(b"\n")
        return int(line)


class Nursery:
    """The process that forks. It ends with ours."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="taskforge-nursery-"))
        self._address = str(self._folder / "socket")
        self._server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("nursery_program.py")), self._address],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        watchdog().guard("group", str(self._server.pid))
        assert self._server.stdout is not None
        ready = self._server.stdout.readline()
        assert ready == b"ready\n", "the nursery did not start"

    def start(
        self, arguments: Sequence[str], output: int, folder: Path, environment: Mapping[str, str]
    ) -> Forked:
        """A new process that does what `python` would with these arguments."""
        request = {"arguments": list(arguments), "folder": str(folder), "environment": dict(environment)}
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(self._address)
        socket.send_fds(connection, [json.dumps(request).encode() + b"\n"], [output])
        return Forked(connection, arguments)

    def close(self) -> None:
        """End it, and what it has left in the file system."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(10)
        self._server.stdout.close()
        watchdog().forget("group", str(self._server.pid))
        shutil.rmtree(self._folder)


def fits(environment: Mapping[str, str], first: str) -> bool:
    """Whether `python` with this environment and first argument (a program, or how it is given) can be forked."""
    is_program = first in ("-m", "-c") or not first.startswith("-")
    return CAN_FORK and is_program and all(environment.get(name) == os.environ.get(name) for name in ITS_OWN)


_ours: dict[int, Nursery] = {}
"""By the process that has started it: what is forked of us starts one of its own."""


def nursery() -> Nursery:
    """The one of this process, started at first use."""
    if os.getpid() not in _ours:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TASKFORGE_")}
        _ours[os.getpid()] = Nursery(kept | {"PYTHONUNBUFFERED": "1"})
    return _ours[os.getpid()]


def close_nursery() -> None:
    """End that of this process, if there is one."""
    started = _ours.pop(os.getpid(), None)
    if started is not None:
        started.close()
