"""A database with its history, victims to be killed on it, and a survivor that has to put things right."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conformance.stage import run_sql
from tests.proof import app
from tests.proof.checker import FINISHED, Verdict, judge
from tests.proof.history import HISTORY_VARIABLE, Event, Note, read, write
from tests.proof.record import evidence
from tests.proof.victim import Victim
from tests.support.eventually import eventually
from tests.support.processes import clean_environment
from tests.support.watchdog import watchdog

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge.sdk.handle import JobHandle

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 30.0
WORKER = ["worker", "tests.proof.app:app", "-c", "4"]


class Victims:
    """The server that forks them (`tests.proof.victim`)."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.proof.victim"],
            cwd=ROOT,
            env=clean_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        watchdog().guard("group", str(self._server.pid))

    def fork(self, victim: Victim) -> int:
        """Start one; answers its pid."""
        pid = self._ask({"run": victim._asdict()})
        watchdog().guard("group", str(pid))
        return pid

    async def end(self, pid: int) -> int:
        """Wait for its end; answers its exit code, or minus the signal's number. Raises TimeoutError, and ends it."""
        asked = asyncio.create_task(asyncio.to_thread(self._ask, {"wait": pid}))
        done, _ = await asyncio.wait({asked}, timeout=LIMIT_SECONDS)
        if not done:
            os.killpg(pid, signal.SIGKILL)
        code = await asked
        if not done:
            raise TimeoutError(f"process {pid} did not come to its end within {LIMIT_SECONDS:g} s")
        watchdog().forget("group", str(pid))
        return code

    def close(self) -> None:
        """End the server."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.close()
        self._server.wait(10)
        self._server.stdout.close()
        watchdog().forget("group", str(self._server.pid))

    def _ask(self, request: dict[str, Any]) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())


class Stand:
    """One database; victims and survivor share the settings."""

    def __init__(self, url: str, folder: Path, victims: Victims) -> None:
        self.url = url
        self.victims = victims
        self.history = folder / "history.jsonl"
        self.output = folder / "output.log"
        self.environment = {
            "TASKFORGE_DATABASE_URL": url,
            "TASKFORGE_LEASE_SECONDS": "1.5",
            "TASKFORGE_RECOVERY_INTERVAL_SECONDS": "0.2",
            "TASKFORGE_RETENTION_INTERVAL_SECONDS": "1",
            HISTORY_VARIABLE: str(self.history),
        }
        self.app = app.make(url)
        self.deleted: set[str] = set()
        self._survivors = 0

    async def close(self) -> None:
        """Let go of the database."""
        await self.app.aclose()

    async def enqueue(
        self, task: str, count: int = 1, *, delay: float | None = None, **arguments: Any
    ) -> str:
        """Jobs that are accepted; the id of the last."""
        found = self.app.registry.find(task)
        call = (found if delay is None else found.options(delay=delay)).job(**arguments)
        handles: list[JobHandle[Any]] = await self.app.aenqueue_many([call] * count)
        for handle in handles:
            write(Event.ACCEPTED, file=self.history, job=str(handle.id))
        return str(handles[-1].id)

    def fork(self, *arguments: str, label: str = "", side: str = "", crowded: bool = False) -> int:
        """Start a process with the settings of this stand. ``crowded``: its claims are all in vain until it holds the gate."""
        victim = Victim(list(arguments), self.environment, str(self.output), label, side, crowded)
        return self.victims.fork(victim)

    async def perform(self, *arguments: str) -> None:
        """Run a process to its good end."""
        code = await self.victims.end(self.fork(*arguments))
        assert code == 0, f"{arguments} ended with {code}: {self.said}"

    async def die(self, pid: int, label: str, side: str) -> None:
        """See that a victim was killed where it was to be."""
        code = await self.victims.end(pid)
        assert code == -signal.SIGKILL, f"it never came to {label} {side}: {self.said}"
        last = [note for note in read(self.history) if note.event == Event.KILLED][-1]
        assert (last.pid, last.what.split()[:2]) == (pid, [label, side])

    async def began(self, count: int = 1) -> None:
        """Wait until so many handlers have begun."""
        await self._until(
            lambda: sum(note.event == Event.START for note in self.notes) >= count, "no handler began"
        )

    async def came(self, name: str) -> None:
        """Wait until a worker is online."""
        await self._until(lambda: f"worker {name} is online" in self.said, f"{name} does not come")

    async def finish(self) -> Verdict:
        """Have a survivor bring all jobs to their end; judge."""
        self._survivors += 1
        name = f"survivor-{self._survivors}"
        survivor = self.fork(*WORKER, "--name", name)
        insights = (await self.app.platform()).insights

        async def is_done() -> None:
            counts = await insights.counts()
            unfinished = {status: n for status, n in counts.items() if n and status.value not in FINISHED}
            assert not unfinished, f"unfinished: {unfinished}; {self.said}"

        await eventually(is_done, LIMIT_SECONDS)
        await self.came(name)
        os.kill(survivor, signal.SIGTERM)
        assert await self.victims.end(survivor) == 0, self.said
        return judge(await evidence(self.url, self.notes, deleted=frozenset(self.deleted)))

    async def stored(self) -> int:
        """How many jobs are in the database."""
        return sum((await (await self.app.platform()).insights.counts()).values())

    async def miscounted(self) -> list[str]:
        """Where what is counted beside the jobs and executions differs from them."""
        said = []
        for name, counted, truth in (
            (
                "attempts",
                "SELECT succeeded + failed + cancelled AS n FROM attempt_metrics WHERE span_seconds = 60"
                " AND job_type <> '' UNION ALL SELECT succeeded + failed + cancelled FROM attempt_deltas",
                "SELECT count(*) FROM executions",
            ),
            (
                "succeeded jobs",
                "SELECT succeeded_jobs AS n FROM queue_totals"
                " UNION ALL SELECT succeeded - removed FROM attempt_deltas",
                "SELECT count(*) FROM jobs WHERE status = 'succeeded'",
            ),
        ):
            [[found]] = await self.sql(f"SELECT coalesce(sum(n), 0) FROM ({counted}) c")
            [[right]] = await self.sql(truth)
            if found != right and not (name == "attempts" and self.deleted):
                said.append(f"{name}: {right}, but {found} are counted")
        return said

    async def sql(self, statement: str) -> list[Any]:
        """Run a statement by hand."""
        return await run_sql(self.url, statement)

    @property
    def notes(self) -> list[Note]:
        """All that was written down."""
        return read(self.history)

    @property
    def said(self) -> str:
        """What the processes have printed."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    async def _until(self, holds: Callable[[], bool], otherwise: str) -> None:
        def check() -> None:
            assert holds(), f"{otherwise}; {self.said}"

        await eventually(check, LIMIT_SECONDS)
