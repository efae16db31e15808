"""The machine that a run was made on, and whether it was quiet."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import sqlite3
import time
from pathlib import Path
from typing import NamedTuple

STATISTICS = Path("/proc/stat")
BUSY_PERCENT = 20.0
PATIENCE_SECONDS = 20.0


class Ticks(NamedTuple):
    """Processor time since the start of the machine, from the first line of /proc/stat (zeros elsewhere)."""

    whole: int
    idle: int
    stolen: int

    @classmethod
    def now(cls) -> Ticks:
        try:
            fields = [int(field) for field in STATISTICS.read_text().split("\n", 1)[0].split()[1:9]]
        except OSError:
            return cls(0, 0, 0)
        return cls(sum(fields), fields[3] + fields[4], fields[7])

    def since(self, earlier: Ticks) -> Ticks:
        return Ticks(self.whole - earlier.whole, self.idle - earlier.idle, self.stolen - earlier.stolen)

    def percent(self, part: int) -> float:
        return 100 * part / max(self.whole, 1)


class Watch:
    """Waits for quiet before each timing and sums up what disturbed the run."""

    def __init__(self) -> None:
        self._begun = Ticks.now()
        self.waited_seconds = 0.0

    async def quiet(self) -> None:
        """Return when the processors are mostly idle, or when patience is over."""
        begun = time.monotonic()
        while time.monotonic() - begun < PATIENCE_SECONDS:
            before = Ticks.now()
            await asyncio.sleep(0.4)
            spent = Ticks.now().since(before)
            if spent.percent(spent.whole - spent.idle) < BUSY_PERCENT:
                break
        self.waited_seconds += time.monotonic() - begun

    @property
    def stolen_percent(self) -> float:
        """The share of all processor time that the host of a virtual machine took."""
        spent = Ticks.now().since(self._begun)
        return spent.percent(spent.stolen)


def describe() -> dict[str, str]:
    """Versions and hardware, as they are printed above the figures."""
    return {
        "processors": str(os.cpu_count()),
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        **{package: _version(package) for package in ("asyncpg", "uvloop", "pgqueuer", "huey")},
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
