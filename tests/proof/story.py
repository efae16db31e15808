"""`make prove`: the story of kill -9 in a minute, told on a terminal while it happens.

Workers run jobs; one after the other is killed in the middle of its work. At the end the checker reads what the
handlers wrote down and what the database says, and gives its verdict. Needs nothing but TaskForge itself.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from taskforge.storage.address import masked
from taskforge.storage.migrate import migrate
from tests.proof import app
from tests.proof.checker import FINISHED, Fault, Verdict, judge
from tests.proof.history import HISTORY_VARIABLE, Event, read, write
from tests.proof.record import Evidence, evidence
from tests.support.processes import Processes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge import TaskForge
    from tests.proof.history import Note
    from tests.support.processes import ChildProcess

ROOT = Path(__file__).parents[2]
WORKERS = ("Ada", "Grace", "Linus")
RAGING_PART = 0.75
SETTLING_SECONDS = 60.0
LEAST_KILLS = 3
INTRODUCTION = (
    "Three workers run jobs, four at a time each. One after the other is killed with `kill -9` in the middle of its work, "
    "and another is started in its place. In the end every job that was accepted has to have ended, and a checker compares "
    "what the jobs wrote into a file of their own, while they ran, with what the database says of them.\n"
)
MEANINGS = {
    Fault.LOST: "jobs that never ended, or were given up for no reason",
    Fault.OVERLAP: "jobs with two live owners at a time",
    Fault.STALE: "writes of a former owner that were taken",
    Fault.RECORD: "jobs without exactly one final record",
    Fault.UNEXPLAINED: "runs without a claim, losses without a kill",
}


class Story:
    """One telling, on one database."""

    def __init__(self, url: str, folder: Path, console: Console, seed: int) -> None:
        self._url = url
        self._console = console
        self.history = folder / "history.jsonl"
        self._processes = Processes(folder)
        self._seed = seed
        self._random = random.Random(seed)
        self._begun = time.monotonic()
        self._workers: dict[str, ChildProcess] = {}
        self._accepted: set[str] = set()
        self._kills = 0

    async def tell(self, seconds: float) -> Verdict:
        """Kill for three quarters of the time, then let all jobs end."""
        self._console.print(INTRODUCTION, highlight=False)
        self._say(f"Jobs are kept in {masked(self._url)}; the seed is {self._seed}.")
        await migrate(self._url)
        application = app.make(self._url)
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
        )
        try:
            self._say(f"Three workers start: {', '.join(WORKERS)}.")
            for name in WORKERS:
                self._start(name)
            for child in self._workers.values():
                await child.printed("is online")
            self._say("All are online.")
            with bar:
                shown = bar.add_task("jobs finished", total=None)
                until = time.monotonic() + seconds * RAGING_PART
                killing = asyncio.create_task(self._kill_again_and_again(until))
                while time.monotonic() < until:
                    await self._enqueue(application)
                    bar.update(shown, completed=await self._finished(application), total=len(self._accepted))
                    await asyncio.sleep(0.25)
                await killing
                self._say(f"Enough: {self._kills} workers were killed. Now every job has to end.")
                await self._wait(application, bar)
            self._say("All have ended. The workers are told to leave, and the checker reads the evidence.")
            await self._leave()
        finally:
            await application.aclose()
            self._processes.clean_up()
        return judge(self._ours(await evidence(self._url, read(self.history))))

    async def _kill_again_and_again(self, until: float) -> None:
        await asyncio.sleep(2)  # whoever watches sees them at work first
        while time.monotonic() < until:
            busy = [name for name in WORKERS if self._running(self._workers[name].pid)]
            name = self._random.choice(busy or WORKERS)
            child = self._workers[name]
            running = self._running(child.pid)
            write(Event.KILLED, file=self.history, pid=child.pid)
            await asyncio.to_thread(child.kill)
            self._kills += 1
            jobs = "1 job was" if running == 1 else f"{running} jobs were"
            self._say(f"kill -9 {child.pid}: {name} is gone, {jobs} running there. A new {name} starts.")
            self._start(name)
            await asyncio.sleep(self._random.uniform(1.0, 3.0))

    async def _enqueue(self, application: TaskForge) -> None:
        task = application.registry.find(self._random.choice(["plain", "work", "block"]))
        call = task.job(seconds=self._random.choice([0.1, 0.3, 0.6, 1.2]))
        for handle in await application.aenqueue_many([call] * self._random.randint(2, 5)):
            write(Event.ACCEPTED, file=self.history, job=str(handle.id))
            self._accepted.add(str(handle.id))

    async def _finished(self, application: TaskForge) -> int:
        counts = await (await application.platform()).insights.counts()
        return sum(count for status, count in counts.items() if status.value in FINISHED)

    async def _wait(self, application: TaskForge, bar: Progress) -> None:
        limit = time.monotonic() + SETTLING_SECONDS
        insights = (await application.platform()).insights
        while time.monotonic() < limit:
            counts = await insights.counts()
            done = sum(count for status, count in counts.items() if status.value in FINISHED)
            bar.update(bar.task_ids[0], completed=done, total=len(self._accepted))
            if done == sum(counts.values()):
                return
            await asyncio.sleep(0.2)

    async def _leave(self) -> None:
        for child in self._workers.values():
            child.terminate()
        for child in self._workers.values():
            await child.ended(40)

    def _start(self, name: str) -> None:
        self._workers[name] = self._processes.taskforge(
            "worker",
            "tests.proof.app:app",
            "--name",
            name,
            "-c",
            "4",
            environment={
                "TASKFORGE_DATABASE_URL": self._url,
                "TASKFORGE_LEASE_SECONDS": "3",
                "TASKFORGE_RECOVERY_INTERVAL_SECONDS": "0.5",
                "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
                HISTORY_VARIABLE: str(self.history),
            },
        )

    def _running(self, pid: int) -> int:
        notes = [note for note in read(self.history) if note.pid == pid]
        ended = {note.execution for note in notes if note.event in (Event.END, Event.STOP)}
        return sum(note.event == Event.START and note.execution not in ended for note in notes)

    def _ours(self, found: Evidence) -> Evidence:
        """A database that was given may hold jobs of others."""
        mine = {execution.id for execution in found.executions if execution.job in self._accepted}
        return found._replace(
            jobs={job_id: job for job_id, job in found.jobs.items() if job_id in self._accepted},
            executions=[execution for execution in found.executions if execution.job in self._accepted],
            lines=[line for line in found.lines if line.execution in mine],
        )

    def _say(self, words: str) -> None:
        self._console.print(f"[dim]{time.monotonic() - self._begun:5.1f} s[/]  {words}", highlight=False)


def show(console: Console, verdict: Verdict, pauses: Sequence[float]) -> None:
    """The verdict as a table. ``pauses`` are seconds from a kill to the next run of a job that it cut off."""
    table = Table(title="What came of it", show_header=False)
    table.add_row("jobs accepted", str(verdict.accepted))
    table.add_row("jobs finished", str(verdict.finished))
    table.add_row("of these given up, after three lost workers", str(verdict.buried))
    table.add_row("workers killed with -9", str(verdict.kills))
    table.add_row("runs cut off by that", str(verdict.losses))
    if pauses:
        table.add_row(
            "from a kill to the next run of such a job",
            f"{statistics.median(pauses):.1f} s in the median, {max(pauses):.1f} s at most",
        )
    table.add_section()
    for fault, meaning in MEANINGS.items():
        count = verdict.count(fault)
        table.add_row(meaning, f"[{'red' if count else 'green'}]{count}[/]")
    console.print(table)
    for violation in verdict.violations:
        console.print(f"[red]{violation.fault}[/]: job {violation.job}: {violation.text}", highlight=False)


def pauses_after_kills(notes: Sequence[Note]) -> list[float]:
    """For each run that a kill cut off, the seconds until the next run of its job began, where there was one."""
    killed = {note.pid: note.at for note in notes if note.event == Event.KILLED}
    ended = {note.execution for note in notes if note.event in (Event.END, Event.STOP)}
    cut_off: dict[str, float] = {}
    found = []
    for note in notes:
        if note.event != Event.START:
            continue
        if note.job in cut_off:
            found.append(note.at - cut_off.pop(note.job))
        if note.execution not in ended and note.pid in killed:
            cut_off[note.job] = killed[note.pid]
    return found


def main() -> int:
    """Answers 0 when nothing was found."""
    parser = argparse.ArgumentParser(
        prog="make prove", description="Kill workers, and see that no job is lost."
    )
    parser.add_argument("--database-url", help="postgresql://user@host/name; else a temporary SQLite file")
    parser.add_argument("--seconds", type=float, default=55.0, help="about how long it takes")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    chosen = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory(prefix="taskforge-prove-") as name:
        folder = Path(name)
        url = chosen.database_url or f"sqlite:///{folder / 'prove.db'}"
        story = Story(url, folder, console, chosen.seed)
        verdict = asyncio.run(story.tell(chosen.seconds))
        show(console, verdict, pauses_after_kills(read(story.history)))
    if verdict.violations or verdict.finished != verdict.accepted:
        console.print("[red]This must not be.[/] Please report it, with what stands above.")
        return 1
    if verdict.kills < LEAST_KILLS:
        console.print("Too little happened to prove anything: the machine is busy, or --seconds is small.")
        return 1
    console.print("Nothing was lost, nothing ran twice at a time, nothing late was taken.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
