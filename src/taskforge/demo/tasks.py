"""The demo's two tasks: read one file, and write the report from what all the reading jobs left."""

from __future__ import annotations

import asyncio
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskforge.demo import findings, ledger, report
from taskforge.demo.analysis import analyse
from taskforge.demo.sources import library_root

if TYPE_CHECKING:
    from taskforge import TaskForge
    from taskforge.sdk.task import Task

READING_QUEUE = "demo"
REPORT_QUEUE = "demo-report"
DEAD_LETTER_QUEUE = "demo-dead"
DESCRIPTIONS = {
    READING_QUEUE: "taskforge demo: one job for each source file",
    REPORT_QUEUE: "taskforge demo: the report on all files",
    DEAD_LETTER_QUEUE: "taskforge demo: files that do not parse",
}
QUEUES = (READING_QUEUE, REPORT_QUEUE)


@dataclass(frozen=True, slots=True)
class DemoTasks:
    """The registered tasks of one application."""

    analyse_file: Task[[str], dict[str, Any]]
    write_report: Task[[str, str, float], dict[str, Any]]


def build(app: TaskForge) -> DemoTasks:
    """Register the demo's tasks on an application."""

    # Short retries, so that a file that never parses is a dead letter within a second.
    @app.task(name="demo.analyse_file", queue=READING_QUEUE, max_attempts=3, retry_base=0.2)
    def analyse_file(path: str) -> dict[str, Any]:
        """Parse one source file and count what is in it."""
        return analyse(path).as_dict()

    @app.task(name="demo.write_report", queue=REPORT_QUEUE, retry_base=0.2)
    async def write_report(run: str, folder: str, seconds: float) -> dict[str, Any]:
        """Write the report of a run from the results and errors of its reading jobs."""
        outcome = await ledger.outcome_of(app, run, READING_QUEUE)
        numbers = findings.RunNumbers(
            python_version=platform.python_version(),
            library=str(library_root()),
            files_found=outcome.jobs,
            counts=outcome.counts,
            retries=outcome.retries,
            seconds=seconds,
            jobs_per_second=outcome.jobs / seconds if seconds > 0 else 0.0,
            p50_milliseconds=findings.percentile(outcome.durations, 0.50),
            p95_milliseconds=findings.percentile(outcome.durations, 0.95),
        )
        written = await asyncio.to_thread(
            report.write, Path(folder), outcome.facts, outcome.failures, numbers
        )
        return {
            "html": str(written.html),
            "csv": str(written.csv),
            "lines": sum(fact.lines for fact in outcome.facts),
            "retries": numbers.retries,
            "jobs_per_second": numbers.jobs_per_second,
            "p50_ms": numbers.p50_milliseconds,
            "p95_ms": numbers.p95_milliseconds,
        }

    return DemoTasks(analyse_file, write_report)
