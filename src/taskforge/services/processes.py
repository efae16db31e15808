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
    pid, machine = os.getpid(), this_machine()
    return ProcessIdentity(socket.gethostname(), machine, pid, _started(pid) if machine else "")


def this_machine() -> str:
    """The booted kernel and the namespaces: within these, a pid and a start time mean one process.

    Empty where ``/proc`` is missing, or shows the processes of another namespace.
    """
    if not sys.platform.startswith("linux"):
        return ""
    try:
        if str((_PROC / "self").readlink()) != str(os.getpid()):
            return ""
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = (_PROC / "self/ns/pid").readlink()
    except OSError:
        return ""
    return f"{boot} {namespace}{_time_namespace()}"


def is_alive(process: ProcessIdentity) -> bool | None:
    """Whether it lives; None when this process cannot know (another machine, or no way to tell).

    False is said only of one that is surely gone: its jobs are given to others at once.
    """
    if not process.machine or process.machine != this_machine():
        return None
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it exists, and is another user's
    try:
        return _started(process.pid) == process.started
    except OSError:
        return None  # hidden from us, or we are out of file descriptors


def _time_namespace() -> str:
    """Older kernels have none. It shifts what /proc says of the start of a process."""
    try:
        return f" {(_PROC / 'self/ns/time').readlink()}"
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty when it is a zombie. Raises OSError."""
    # the name in brackets may hold spaces and brackets; state is the first field after it, start the 20th
    fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]
