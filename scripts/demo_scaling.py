"""`make demo-scaling`: a burst of real work; workers are started up to the maximum, and leave when it is done.

On SQLite, and on PostgreSQL with `--database-url postgresql://...`, or on one of its own where the development
wheel brings the server programs. Nothing is left behind.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from taskforge import TaskForge
from taskforge.domain.job import JobStatus
from taskforge.domain.job_options import NO_OPTIONS
from taskforge.domain.scaling import ScalingDecision, ScalingOutcome
from taskforge.domain.sentences import counted
from taskforge.domain.worker import TaskDescription, WorkerStatus
from taskforge.storage.address import masked
from taskforge.storage.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from taskforge.platform import Platform

QUEUE = "crunching"
TASKS = '''"""Work for a processor."""

import hashlib
import time

from taskforge import TaskForge

app = TaskForge()


@app.task(queue="crunching")
def crunch(seconds: float) -> int:
    rounds, until = 0, time.thread_time() + seconds
    while time.thread_time() < until:
        hashlib.sha256(b"x" * 65536).digest()
        rounds += 1
    return rounds
'''
LOOK_SECONDS = 0.2


@dataclass(slots=True)
class Story:
    """What happened: the most workers at once, and the decisions, oldest first."""

    most_workers: int = 0
    succeeded: int = 0
    left: int = 0
    decisions: list[ScalingDecision] = field(default_factory=list)


async def story(
    url: str,
    folder: Path,
    *,
    jobs: int,
    seconds: float,
    workers: int,
    patience: float = 180.0,
    tell: Callable[[str], None] = print,
) -> Story:
    """Let it happen on a database with tables; ``seconds`` of processor time a job. Raises TimeoutError."""
    (folder / "tasks.py").write_text(TASKS)
    app = TaskForge(url)
    found = Story()
    try:
        platform = await app.platform()
        await platform.queues.create(QUEUE)
        policy = {
            "max_workers": workers,
            "target_queue_length": max(1, jobs // workers // 2),
            "scale_up_threshold": 2,
            "scale_down_threshold": 1,
            "scale_up_cooldown": 1,
            "scale_down_cooldown": 2,
            "provisioner": "local",
        }
        await platform.scaling.create(QUEUE, policy)
        tell(
            f"  queue {QUEUE!r}: up to {workers} workers, down to none; {jobs} jobs of {seconds:g} s of work each"
        )
        with _autoscaler(url, folder):
            await _burst(app, jobs, seconds)
            async with asyncio.timeout(patience):
                await _watch(platform, found, jobs, tell)
        decisions = await platform.scaling.decisions(QUEUE, limit=100)
        found.decisions = list(reversed(decisions))
    finally:
        await app.aclose()
    return found


async def _burst(app: TaskForge, jobs: int, seconds: float) -> None:
    """Jobs of a task whose code is not here: as any program that only enqueues makes them."""
    from taskforge.sdk.codec import encode
    from taskforge.services.submission import JobRequest

    platform = await app.platform()
    await platform.declare([TaskDescription("tasks.crunch", QUEUE)])
    payload = encode({"seconds": seconds}, where="payload")
    await platform.submission.submit_many(
        [JobRequest(QUEUE, "tasks.crunch", payload, NO_OPTIONS)] * jobs, declare=False
    )


async def _watch(platform: Platform, found: Story, jobs: int, tell: Callable[[str], None]) -> None:
    began, before = time.monotonic(), None
    while True:
        present = [
            worker
            for worker, status in await platform.health.workers()
            if status in (WorkerStatus.ONLINE, WorkerStatus.DRAINING) and QUEUE in worker.queues
        ]
        counts = await platform.insights.counts()
        found.most_workers = max(found.most_workers, len(present))
        found.succeeded, found.left = counts[JobStatus.SUCCEEDED], len(present)
        fleet = counted(len(present), "worker", "workers")
        waiting = counted(counts[JobStatus.PENDING], "job waits", "jobs wait")
        line = f"{fleet}, {waiting}, {counts[JobStatus.PROCESSING]:,} started and not settled"
        if line != before:
            tell(f"  {time.monotonic() - began:6.1f} s  {line}")
            before = line
        if found.succeeded == jobs and not present:
            return
        await asyncio.sleep(LOOK_SECONDS)


@contextlib.contextmanager
def _autoscaler(url: str, folder: Path) -> Iterator[None]:
    """`taskforge scaling run` as a process of its own; its workers leave with it."""
    environment = os.environ | {
        "TASKFORGE_DATABASE_URL": url,
        "TASKFORGE_SCALING_INTERVAL_SECONDS": "0.5",
        "TASKFORGE_LOG_LEVEL": "warn",
    }
    command = [
        sys.executable,
        "-m",
        "taskforge",
        "scaling",
        "run",
        "tasks.py",
        "-c",
        "2",
        "--leaves-with-parent",
    ]
    with (folder / "autoscaler.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log
        )
        try:
            yield
        finally:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wrong_with(found: Story, jobs: int, workers: int) -> list[str]:
    """What did not happen as it should have."""
    ordered = max([decision.desired for decision in found.decisions], default=0)
    actions = {decision.action.value for decision in found.decisions}
    checks = {
        f"{found.succeeded} of {jobs} jobs succeeded": found.succeeded == jobs,
        f"{ordered} workers were ordered, {workers} were meant": ordered == workers,
        f"{found.left} workers are left": found.left == 0,
        f"decisions: {', '.join(sorted(actions))}": actions == {"scale_up", "scale_down"},
        "a decision was not carried out": all(d.outcome is ScalingOutcome.DONE for d in found.decisions),
    }
    return [problem for problem, holds in checks.items() if not holds]


def _print(found: Story) -> None:
    print(f"  {counted(found.most_workers, 'worker', 'workers')} at once; decisions:")
    for decision in found.decisions:
        print(
            f"    {decision.decided_at:%H:%M:%S}  {decision.action.value:<10}  {decision.workers} -> {decision.desired}  "
            f"{decision.outcome.value}  {decision.message}; {decision.detail}"
        )


@contextlib.contextmanager
def _databases(given: str | None, folder: Path) -> Iterator[list[str]]:
    """SQLite, and PostgreSQL where there is one."""
    urls = [f"sqlite:///{folder / 'scaling.db'}"]
    if given is not None:
        yield [*urls, given]
        return
    try:
        from tests.support.postgres import start_server
        from tests.support.postgres_installations import find_installations

        installations = find_installations()
    except ImportError:
        installations = []
    if not installations:
        print("no PostgreSQL is here: on SQLite only")
        yield urls
        return
    server = start_server(installations[0])
    try:
        yield [*urls, server.create_database("scaling")]
    finally:
        server.stop()


def main() -> int:
    """Tell the story on each database; 1 when something did not happen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database-url", help="a PostgreSQL database for this alone")
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=0.2, help="processor time of a job")
    parser.add_argument("--workers", type=int, default=3)
    options = parser.parse_args()
    code = 0
    with (
        tempfile.TemporaryDirectory(prefix="taskforge-scaling-") as name,
        _databases(options.database_url, Path(name)) as urls,
    ):
        for url in urls:
            print(f"{masked(url)}")
            asyncio.run(migrate(url))
            found = asyncio.run(
                story(url, Path(name), jobs=options.jobs, seconds=options.seconds, workers=options.workers)
            )
            _print(found)
            problems = wrong_with(found, options.jobs, options.workers)
            print(f"  {'; '.join(problems) if problems else 'all as it should be'}\n")
            code = max(code, bool(problems))
    return code


if __name__ == "__main__":
    sys.exit(main())
