"""Running the measurements of `taskforge.bench` for the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.bench.scratch import scratch_databases
from taskforge.bench.suite import measure
from taskforge.cli.errors import note
from taskforge.runtime.process import run_until_complete

if TYPE_CHECKING:
    from pathlib import Path

    from taskforge.bench.suite import Report


def measure_here(database_url: str | None, folder: Path | None, jobs: int, idle_seconds: float) -> Report:
    """Measure one thing after the other, saying on standard error which."""
    with scratch_databases(database_url, folder) as fresh:
        work = measure(fresh, jobs, idle_seconds, lambda name: note(f"measuring: {name}"))
        return run_until_complete(work)  # on the event loop that workers use
