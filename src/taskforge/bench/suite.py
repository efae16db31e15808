"""The measurements that `taskforge bench` makes of one installation, without a peer beside it."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .drain import drain
from .enqueue import enqueue_bulk, enqueue_concurrent, enqueue_sequential
from .idle import idle_queries
from .import_time import import_time
from .latency import latency_between_processes, latency_in_process
from .stamps import StampFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from .figures import Drain, IdleQueries, ImportTime, Latency, Rate

ENQUEUED, LATENCY_JOBS = 5_000, 300


@dataclass(frozen=True, slots=True)
class Report:
    """Every figure of one run; `as_dict` is what `taskforge bench --json` prints."""

    import_time: ImportTime
    sequential: Rate
    concurrent: Rate
    bulk: Rate
    drain_one: Drain
    drain_two: Drain
    latency: Latency
    latency_in_process: Latency
    idle: IdleQueries

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON values, with the rates worked out."""
        figures: dict[str, Any] = asdict(self)
        for name in ("sequential", "concurrent", "bulk", "drain_one", "drain_two"):
            figures[name]["per_second"] = getattr(self, name).per_second
        figures["idle"]["per_minute"] = self.idle.per_minute
        return figures


async def measure(
    fresh_database: Callable[[], str],
    jobs: int = 20_000,
    idle_seconds: float = 60.0,
    progress: Callable[[str], None] = lambda _name: None,
) -> Report:
    """Measure one after the other; `fresh_database` gives the URL of an empty, migrated database."""
    with tempfile.TemporaryDirectory(prefix="taskforge-bench-") as folder:
        stamps = StampFile(Path(folder) / "stamps")
        progress("import time")
        imported = import_time()
        progress("enqueue")
        sequential = await enqueue_sequential(fresh_database(), min(jobs, ENQUEUED))
        concurrent = await enqueue_concurrent(fresh_database(), min(jobs, ENQUEUED))
        bulk = await enqueue_bulk(fresh_database(), jobs)
        progress("drain by one worker")
        drain_one = await drain(fresh_database(), jobs, 1, stamps)
        progress("drain by two workers")
        drain_two = await drain(fresh_database(), jobs, 2, stamps)
        progress("latency")
        between = await latency_between_processes(fresh_database(), LATENCY_JOBS, stamps)
        within = await latency_in_process(fresh_database(), LATENCY_JOBS, stamps)
        progress(f"idle for {idle_seconds:g} s")
        idle = await idle_queries(fresh_database(), stamps, idle_seconds)
    return Report(imported, sequential, concurrent, bulk, drain_one, drain_two, between, within, idle)
