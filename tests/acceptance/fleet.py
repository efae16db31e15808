"""Real worker processes of `tests.support.chaos_app`, and what they wrote down."""

from __future__ import annotations

import json
import random
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.conformance.stage import run_sql
from tests.support.chaos_app import HISTORY_VARIABLE

if TYPE_CHECKING:
    from tests.support.processes import ChildProcess, Processes

ROOT = Path(__file__).parents[2]


class Note(NamedTuple):
    """One line of the history."""

    event: str
    job: str
    attempt: int
    pid: int
    at: float


class Record(NamedTuple):
    """One stored execution, with the process that its worker was."""

    job: str
    status: str
    reason: str | None
    attempt: int
    claim_seq: int
    pid: int
    claimed_at: Any
    finished_at: Any


class Fleet:
    """Workers on one database; ``killed`` says when which process was killed."""

    def __init__(self, processes: Processes, url: str, folder: Path, **settings: str) -> None:
        self._processes = processes
        self.url = url
        self.history_file = folder / "history.jsonl"
        self.environment = {
            "TASKFORGE_DATABASE_URL": url,
            "TASKFORGE_LEASE_SECONDS": "2",
            "TASKFORGE_RECOVERY_INTERVAL_SECONDS": "0.5",
            "PYTHONPATH": f"{ROOT}:{ROOT}/src",
            HISTORY_VARIABLE: str(self.history_file),
            **settings,
        }
        self.killed: dict[int, float] = {}

    def start(self, name: str, *options: str) -> ChildProcess:
        """A worker that is on its way."""
        return self._processes.taskforge(
            "worker", "tests.support.chaos_app:app", "--name", name, *options, environment=self.environment
        )

    def python(self, *arguments: str) -> ChildProcess:
        """Another program with the same settings."""
        return self._processes.python(*arguments, environment=self.environment)

    def kill(self, child: ChildProcess) -> None:
        """`kill -9`."""
        self.killed[child.pid] = time.monotonic()
        child.kill()

    def history(self) -> list[Note]:
        """What handlers have written, in the order of time."""
        if not self.history_file.exists():
            return []
        notes = [Note(**json.loads(line)) for line in self.history_file.read_text().splitlines()]
        return sorted(notes, key=lambda note: note.at)

    async def records(self) -> dict[str, list[Record]]:
        """The stored executions of each job, first to last."""
        rows = await run_sql(
            self.url,
            "SELECT e.job_id, e.status, e.reason, e.attempt_number, e.claim_seq, w.pid, e.claimed_at, e.finished_at "
            "FROM executions e JOIN workers w ON w.id = e.worker_id ORDER BY e.job_id, e.claim_seq",
        )
        found: dict[str, list[Record]] = {}
        for row in rows:
            record = Record(str(row[0]), *tuple(row)[1:])
            found.setdefault(record.job, []).append(record)
        return found


class Killer(threading.Thread):
    """Kills one worker after another that has begun a job, and starts it again, until stopped."""

    def __init__(self, fleet: Fleet, names: list[str], seed: int, *options: str) -> None:
        super().__init__(daemon=True)
        self._fleet = fleet
        self._random = random.Random(seed)
        self._options = options
        self._stopping = threading.Event()
        self.workers = {name: fleet.start(name, *options) for name in names}

    def run(self) -> None:
        while not self._stopping.wait(self._random.uniform(0.8, 2.0)):
            begun = {note.pid for note in self._fleet.history()}
            names = sorted(name for name, worker in self.workers.items() if worker.pid in begun)
            if not names:
                continue
            name = self._random.choice(names)
            self._fleet.kill(self.workers[name])
            self.workers[name] = self._fleet.start(name, *self._options)

    def stop(self) -> None:
        self._stopping.set()
        self.join()


def overlaps(notes: list[Note], killed: dict[int, float]) -> list[str]:
    """Pairs of runs of one job that were under way at the same time.

    A run lasts until its end is noted, or until its process was killed.
    """
    found = []
    open_runs: dict[str, Note] = {}
    for note in notes:
        before = open_runs.pop(note.job, None)
        if note.event == "end":
            if before is not None and before.pid != note.pid:
                found.append(f"{before} was still under way at {note}")
            continue
        if before is not None and killed.get(before.pid, float("inf")) > note.at:
            found.append(f"{before} was still under way at {note}")
        open_runs[note.job] = note
    return found


def runs_of(notes: list[Note]) -> dict[tuple[str, int], int]:
    """How often each process began each job."""
    counts: dict[tuple[str, int], int] = {}
    for note in notes:
        if note.event == "start":
            counts[note.job, note.pid] = counts.get((note.job, note.pid), 0) + 1
    return counts
