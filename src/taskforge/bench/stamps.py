"""The file in which handlers leave a mark: eight bytes a run, appended in one write.

An O_APPEND write of eight bytes is atomic over threads and processes and costs about 2 µs, so the
size of the file is the number of runs however many workers there are.
"""

from __future__ import annotations

import asyncio
import os
import struct
import time
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

STAMPS_VARIABLE = "TASKFORGE_BENCH_STAMPS"
_FORMAT = struct.Struct("<d")
_POLL_SECONDS = 0.002


class MissingRuns(RuntimeError):
    """Fewer handlers ran than were enqueued, within the time given."""


@cache
def _descriptor(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def leave(value: float) -> None:
    """Append one number to the file that the environment names (called by handlers)."""
    os.write(_descriptor(os.environ[STAMPS_VARIABLE]), _FORMAT.pack(value))


class StampFile:
    """The reading side; `environment` is what the handlers' process must be started with."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clear()

    @property
    def environment(self) -> dict[str, str]:
        return {STAMPS_VARIABLE: str(self.path)}

    def clear(self) -> None:
        """Empty the file; handlers that hold it open go on appending at its new end."""
        self.path.write_bytes(b"")

    def count(self) -> int:
        return self.path.stat().st_size // _FORMAT.size

    def values(self) -> list[float]:
        content = self.path.read_bytes()
        whole = len(content) // _FORMAT.size * _FORMAT.size
        return [value for (value,) in _FORMAT.iter_unpack(content[:whole])]

    async def wait_for(self, runs: int, seconds: float) -> None:
        """Return once `runs` marks are there; MissingRuns after `seconds` without a new one."""
        seen, changed = -1, time.monotonic()
        while (count := self.count()) < runs:
            if count != seen:
                seen, changed = count, time.monotonic()
            elif time.monotonic() - changed > seconds:
                raise MissingRuns(f"{count} of {runs} handlers ran; nothing new for {seconds:g} s")
            await asyncio.sleep(_POLL_SECONDS)
