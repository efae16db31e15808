"""Run the demo: a job for each file of the standard library, then a job that reports on all of them."""

from __future__ import annotations

import asyncio
import time
from secrets import token_hex
from typing import TYPE_CHECKING

from taskforge.demo import ledger
from taskforge.demo.progress import DemoProgress, Pace, ProgressScreen
from taskforge.demo.sources import source_files
from taskforge.demo.summary import DemoSummary
from taskforge.demo.tasks import DEAD_LETTER_QUEUE, DESCRIPTIONS, QUEUES, READING_QUEUE, build
from taskforge.domain.errors import Conflict, InvalidInput
from taskforge.domain.queue import QueueState

if TYPE_CHECKING:
    from pathlib import Path

    from taskforge import TaskForge

_LOOK_SECONDS = 0.2
_REPORT_TIMEOUT_SECONDS = 120.0


async def run_demo(
    app: TaskForge,
    *,
    report_folder: Path,
    limit: int | None = None,
    concurrency: int = 4,
    database: str = "",
    progress: ProgressScreen = lambda _: None,
) -> DemoSummary:
    """Read the running Python's library with this application, in this process, and report.

    Ends when every file's job has ended, one way or the other, and the report is written. Raises
    `NoLibrarySource` without source to read, `InvalidInput` for a limit below 1 or a folder that cannot be
    made, `JobFailed` if the report could not be written, and what the database raises.
    """
    folder = await asyncio.to_thread(made, report_folder)
    found = source_files()
    files = found if limit is None else source_files(limit=limit)
    run = f"demo-{token_hex(4)}"
    tasks = build(app)
    await prepare_queues(app)
    started = time.monotonic()
    await app.aenqueue_many([tasks.analyse_file.options(tags=[run]).job(str(path)) for path in files])
    async with app.worker(queues=list(QUEUES), concurrency=concurrency):
        last = await _watch(app, run, len(files), started, progress)
        writing = tasks.write_report.options(tags=[run])
        handle = await writing.aenqueue(run, str(folder), last.seconds)
        written = await handle.aresult(timeout=_REPORT_TIMEOUT_SECONDS)
        counts = await ledger.counts_of(app, run)
        dead = await ledger.dead_letters(app, run, READING_QUEUE)
    return DemoSummary(
        run=run,
        files=len(files),
        files_in_library=len(found),
        lines=written["lines"],
        counts=counts,
        dead_letters=dead,
        retries=written["retries"],
        seconds=last.seconds,
        jobs_per_second=written["jobs_per_second"],
        p50_milliseconds=written["p50_ms"],
        p95_milliseconds=written["p95_ms"],
        report=written["html"],
        csv=written["csv"],
        database=database,
        redis=await _said_of_redis(app),
    )


async def _said_of_redis(app: TaskForge) -> str | None:
    platform = await app.platform()
    if platform.foundation.ready_queues is None:
        return None
    handed_out = platform.foundation.handed_out
    total = handed_out.by_queues + handed_out.by_record
    return (
        f"said which job is next for {handed_out.by_queues:,} of {total:,} attempts; the database claimed all"
    )


async def prepare_queues(app: TaskForge) -> None:
    """Make the demo's queues, or put right what an earlier run or a person left of them."""
    queues = (await app.platform()).queues
    for name in (DEAD_LETTER_QUEUE, *QUEUES):
        try:
            await queues.create(name, description=DESCRIPTIONS[name])
        except Conflict:  # made before
            await queues.update(name, state=QueueState.ACTIVE)
    dead = await queues.get(DEAD_LETTER_QUEUE)
    await queues.update(READING_QUEUE, settings={"dead_letter_queue_id": str(dead.id)})


def made(folder: Path) -> Path:
    """The folder, absolute and existing. Raises `InvalidInput` if it cannot be made."""
    folder = folder.absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(
            f"the report folder {folder} cannot be made: {error.strerror}", field="report_folder"
        ) from error
    return folder


async def _watch(
    app: TaskForge, run: str, total: int, started: float, progress: ProgressScreen
) -> DemoProgress:
    """Show the progress until all jobs have ended; the last look at it."""
    pace = Pace(total)
    while True:
        counts = await ledger.counts_of(app, run)
        look = pace.look(time.monotonic() - started, counts)
        progress(look)
        if look.done >= total:
            return look
        await asyncio.sleep(_LOOK_SECONDS)
