"""Workers of `tests.faults.app` on one database, and the notes of their handlers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.app import NOTES_VARIABLE, make
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from taskforge import TaskForge
    from taskforge.platform import Platform
    from tests.support.processes import ChildProcess, Processes

ROOT = Path(__file__).parents[2]


def worker_arguments(name: str) -> list[str]:
    """Of a worker with four places."""
    return ["worker", "tests.faults.app:app", "--name", name, "-c", "4"]


class Yard:
    """Workers on one database, and the notes of their handlers."""

    def __init__(self, processes: Processes, url: str, folder: Path) -> None:
        self.processes = processes
        self.url = url
        self.app: TaskForge = make(url)
        self._notes = folder / "notes"
        self._notes.touch()

    async def platform(self) -> Platform:
        return await self.app.platform()

    def environment(self, lease: float, interval: float) -> dict[str, str]:
        return {
            "TASKFORGE_DATABASE_URL": self.url,
            "TASKFORGE_LEASE_SECONDS": str(lease),
            "TASKFORGE_RECOVERY_INTERVAL_SECONDS": str(interval),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]),
            NOTES_VARIABLE: str(self._notes),
        }

    def worker(self, name: str, *, lease: float, interval: float = 0.3) -> ChildProcess:
        return self.processes.taskforge(
            *worker_arguments(name), environment=self.environment(lease, interval)
        )

    def notes(self, child: ChildProcess) -> list[str]:
        """What handlers in this process have noted."""
        lines = [line.split(" ", 2) for line in self._notes.read_text().splitlines()]
        return [what for _, pid, what in lines if pid == str(child.pid)]

    async def noted(self, child: ChildProcess, what: str) -> None:
        def check() -> None:
            assert what in self.notes(child), f"{self.notes(child)}\n{child.output}"

        await eventually(check, 30)
