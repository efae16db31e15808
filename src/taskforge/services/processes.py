"""Which process this is, and whether another one on this machine still lives."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from taskforge.domain.worker import ProcessIdentity

_PROC = Path("/proc")


def this_process() -> ProcessIdentity:
    """The identity of this process. ``machine`` is empty where the system does not tell."""
    pid = os.getpid()
    return ProcessIdentity(socket.gethostname(), this_machine(), pid, _started(pid))


def this_machine() -> str:
    """The booted kernel and the process namespace: within these, a pid means one process."""
    if not sys.platform.startswith("linux"):
        return ""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return ""
    return f"{boot} {namespace}"


def is_alive(process: ProcessIdentity) -> bool | None:
    """Whether it lives; None when this process cannot know (another machine, or no way to tell)."""
    if not process.machine or process.machine != this_machine():
        return None
    return _started(process.pid) == process.started


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty when it is gone or a zombie."""
    try:
        # the name in brackets may hold spaces and brackets; state is the first field after it, start the 20th
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
