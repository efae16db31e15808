"""The HTTP API beside a worker under development: a process of its own, which ends with this one."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskforge.cli.session import Session

PATIENCE_SECONDS = 15.0


@contextmanager
def served_beside(session: Session, *, wanted: bool, port: int | None) -> Iterator[None]:
    """Within the block the API is served; None: on the port of the settings, or another. The end of its standard input is the end of it, however we end."""
    if not wanted:
        yield
        return
    command = [sys.executable, "-m", "taskforge"]
    command += [f"--{name.replace('_', '-')}={value}" for name, value in session.arguments.items()]
    command += ["--verbose"] * session.verbose
    command += ["serve", "--development", "--leaves-with-parent"]
    command += [] if port is None else ["--port", str(port)]
    # a group of its own: the terminal's Ctrl-C ends the worker, and then us
    server = subprocess.Popen(command, stdin=subprocess.PIPE, process_group=0)  # noqa: S603 - our own command
    try:
        yield
    finally:
        if server.stdin is not None:
            server.stdin.close()
        try:
            server.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
