"""Programs of ours that start in the blink of an eye: forked from a process that has imported what they need.

They are processes like any other, with a session, an environment, a folder and an end of their own. Only what
`python` does before the first line of a program is done once for all of them.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tests.support.watchdog import watchdog

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CAN_FORK = hasattr(os, "pidfd_open") and sys.platform == "linux"
ITS_OWN = ("PYTHONHASHSEED", "PYTHONOPTIMIZE", "PYTHONDEVMODE", "PYTHONWARNINGS", "TZ")
"""What Python reads when it starts: a program that wants another value is started by itself."""


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
    """A process of the nursery; used as `subprocess.Popen` is."""

    def __init__(self, connection: socket.socket, arguments: Sequence[str]) -> None:
        self._connection = connection
        self._arguments = arguments
        self._read = b""
        self._code: int | None = None
        pid = self._line(None)
        assert pid is not None
        self.pid = pid

    def poll(self) -> int | None:
        """How it ended, or None while it runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end. Raises subprocess.TimeoutExpired."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(list(self._arguments), timeout or 0)
        return code

    def send_signal(self, sig: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            os.kill(self.pid, sig)

    def _ended(self, timeout: float | None) -> int | None:
        if self._code is None:
            self._code = self._line(timeout)
            if self._code is not None:
                self._connection.close()
        return self._code

    def _line(self, timeout: float | None) -> int | None:
        deadline = None if timeout is None else time.monotonic() + timeout
        while b"\n" not in self._read:
            self._connection.settimeout(None if deadline is None else max(0.0, deadline - time.monotonic()))
            try:
                received = self._connection.recv(100)
            except (TimeoutError, BlockingIOError):
                return None
            assert received, "the nursery has gone"
            self._read += received
        line, _, self._read = self._read.partition(b"\n")
        return int(line)


class Nursery:
    """The process that forks. It ends with ours."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = str(Path(tempfile.mkdtemp(prefix="taskforge-nursery-"), "socket"))
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


def fits(environment: Mapping[str, str], first: str) -> bool:
    """Whether `python` with this environment and first argument (a program, or how it is given) can be forked."""
    is_program = first in ("-m", "-c") or not first.startswith("-")
    return CAN_FORK and is_program and all(environment.get(name) == os.environ.get(name) for name in ITS_OWN)


@cache
def _of_process(pid: int) -> Nursery:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TASKFORGE_")}
    return Nursery(kept | {"PYTHONUNBUFFERED": "1"})


def nursery() -> Nursery:
    """The one of this process, started at first use."""
    return _of_process(os.getpid())
