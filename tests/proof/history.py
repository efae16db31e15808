"""What happened, written down by those it happened to: each note is one write(2) to a file opened for appending.

The kernel keeps such a write whole, so that a killed process leaves whole lines or none. `PROOF_HISTORY` names the file.
"""

from __future__ import annotations

import json
import os
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

HISTORY_VARIABLE = "PROOF_HISTORY"
RESTARTED = "server restarted"
"""What a note says that is of a server stopped as by a loss of power."""


class Event(StrEnum):
    """What a note says. The first three are of handlers, the others of processes; `pid` says of which."""

    START = "start"
    END = "end"
    STOP = "stop"
    ACCEPTED = "accepted"
    KILLED = "killed"
    FROZEN = "frozen"
    WOKEN = "woken"
    STALLED = "stalled"
    CUT = "cut"
    HEALED = "healed"
    REMARK = "remark"


class Note(NamedTuple):
    """`at` is the monotonic clock that all processes of a machine share, `wall` the time of day, both in seconds.

    `since` is the beginning (monotonic) of what a process notices only when it is over.
    """

    event: str
    pid: int
    at: float
    wall: float
    job: str = ""
    execution: str = ""
    attempt: int = 0
    since: float = 0.0
    what: str = ""


def write(
    event: Event, *, pid: int | None = None, file: str | Path | None = None, at: float = 0, **more: Any
) -> None:
    """Append a note, of this process and moment unless said otherwise."""
    at = at or time.monotonic()
    entry = {
        "event": event,
        "pid": os.getpid() if pid is None else pid,
        "at": at,
        "wall": time.time(),
        **more,
    }
    descriptor = os.open(file or os.environ[HISTORY_VARIABLE], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, (json.dumps(entry) + "\n").encode())
    finally:
        os.close(descriptor)


def read(file: Path) -> list[Note]:
    """All notes in the order of time."""
    if not file.exists():
        return []
    notes = [Note(**json.loads(line)) for line in file.read_text().splitlines()]
    return sorted(notes, key=lambda note: note.at)
