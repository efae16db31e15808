"""Keeps what the tests start from outliving them, even when they are killed with -9.

A small child process holds the other end of a pipe. The kernel closes our end however we die, and the child then
stops what is still registered. Unlike PR_SET_PDEATHSIG this works on every Unix and for daemons as well.
"""

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Literal

Kind = Literal["group", "cluster"]


class Watchdog:
    """A handle on the child process that cleans up after us."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(__file__).with_name("watchdog_program.py"))],
            stdin=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )

    def guard(self, kind: Kind, what: str) -> None:
        """Have `what` removed when this process ends: a process group's id, or a PostgreSQL folder."""
        self._send("guard", kind, what)

    def forget(self, kind: Kind, what: str) -> None:
        """Take back a `guard`: it is already gone."""
        self._send("forget", kind, what)

    def close(self) -> None:
        """Remove what is still guarded, and wait until that is done."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _send(self, verb: str, kind: Kind, what: str) -> None:
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(json.dumps({verb: [kind, what]}) + "\n")
            self._process.stdin.flush()


_ours: Watchdog | None = None
_ours_lock = threading.Lock()


def watchdog() -> Watchdog:
    """The one watchdog of this process, started at first use."""
    global _ours
    with _ours_lock:
        if _ours is None:
            _ours = Watchdog()
        return _ours


def close_watchdog() -> None:
    """End the watchdog of this process, if it ever started one, and with it all that is still guarded."""
    global _ours
    with _ours_lock:
        if _ours is not None:
            _ours.close()
            _ours = None
