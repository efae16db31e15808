"""What the demo shows: a live bar on a terminal, plain lines elsewhere, and the summary at the end."""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from taskforge.demo.progress import DemoProgress, ProgressScreen
    from taskforge.demo.summary import DemoSummary

_LINE_SECONDS = 1.0


@contextmanager
def screen(console: Console) -> Iterator[ProgressScreen]:
    """A live bar if the console is a terminal, else a line about once a second."""
    if console.is_terminal and not console.is_dumb_terminal:
        with _live_bar(console) as show:
            yield show
    else:
        yield plain_lines(console)


def plain_lines(console: Console, clock: Callable[[], float] = time.monotonic) -> ProgressScreen:
    """A line about once a second, and one for the end."""
    said_at = clock() - _LINE_SECONDS
    said_end = False

    def show(progress: DemoProgress) -> None:
        nonlocal said_at, said_end
        at_end = progress.done >= progress.total
        if said_end or (not at_end and clock() - said_at < _LINE_SECONDS):
            return
        said_at, said_end = clock(), at_end
        console.print(line_of(progress), markup=False, highlight=False, soft_wrap=True)

    return show


def line_of(progress: DemoProgress) -> str:
    """`812/1790 done, 131.2/s, 5 failed, 4 retrying, 7 s left`"""
    return (
        f"{progress.done}/{progress.total} done, {progress.rate:.1f}/s, {progress.failed} failed, "
        f"{progress.retrying} retrying, {left_of(progress)}"
    )


def left_of(progress: DemoProgress) -> str:
    """The time left in words."""
    if progress.done >= progress.total:
        return f"{progress.seconds:.1f} s in all"
    if progress.seconds_left is None:
        return "time left unknown"
    minutes, seconds = divmod(round(progress.seconds_left), 60)
    return f"{minutes} min {seconds} s left" if minutes else f"{seconds} s left"


def print_summary(console: Console, summary: DemoSummary) -> None:
    """The numbers, then the dead letters with their reasons, then where the report is."""
    counts = ", ".join(f"{count:,} {status}" for status, count in summary.counts.items() if count)
    rows = {
        "files": f"{summary.files:,} of {summary.files_in_library:,}, {summary.lines:,} lines",
        "jobs": f"{counts} (one of them wrote the report)",
        "dead letters": f"{len(summary.dead_letters):,} after {summary.retries:,} retries",
        "duration": f"p50 {summary.p50_milliseconds:,.1f} ms, p95 {summary.p95_milliseconds:,.1f} ms",
        "rate": f"{summary.jobs_per_second:,.1f} jobs per second over {summary.seconds:,.1f} s",
        "database": summary.database,
        "redis": summary.redis,
        "report": summary.report,
        "table": summary.csv,
        "look at it": _dashboard_of(summary.database),
    }
    console.print()
    for name, value in rows.items():
        if value:
            console.print(Text.assemble((f"{name:<14}", "bold"), value), soft_wrap=True)
    if summary.dead_letters:
        console.print()
        console.print("These files do not parse; their jobs are dead letters:", style="bold")
        for letter in summary.dead_letters:
            text = Text.assemble("  ", (letter.path, "cyan"), "\n    ", (letter.error, "red"))
            console.print(text.append(f" ({letter.attempts} attempts)", "dim"), soft_wrap=True)
    if summary.note:
        console.print()
        console.print(summary.note, markup=False, highlight=False, soft_wrap=True)


def _dashboard_of(database: str) -> str | None:
    """The command that shows these jobs; None where the address does not say all that is needed."""
    if "***" in database:
        return None
    program = "taskforge" if shutil.which("taskforge") else sys.argv[0]
    return f"{program} serve --development --database-url {shlex.quote(database)}"


@contextmanager
def _live_bar(console: Console) -> Iterator[ProgressScreen]:
    columns = (
        SpinnerColumn(),
        TextColumn("reading"),
        BarColumn(bar_width=None),
        TaskProgressColumn(),
        TextColumn("{task.fields[figures]}"),
    )
    with Progress(*columns, console=console, expand=True) as bar:
        task = bar.add_task("reading", total=None, figures="")

        def show(progress: DemoProgress) -> None:
            bar.update(task, total=progress.total, completed=progress.done, figures=line_of(progress))

        yield show
