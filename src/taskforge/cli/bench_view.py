"""The figures of a benchmark as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.cli.tables import print_table

if TYPE_CHECKING:
    from taskforge.bench.figures import Drain, Latency
    from taskforge.bench.suite import Report


def print_report(report: Report) -> None:
    """A table with one line for each figure."""
    rows = [
        ("import taskforge", f"{report.import_time.milliseconds:.0f} ms"),
        ("enqueue, one after another", f"{report.sequential.per_second:,.0f} jobs/s"),
        ("enqueue, 50 at a time", f"{report.concurrent.per_second:,.0f} jobs/s"),
        ("enqueue, in bulk", f"{report.bulk.per_second:,.0f} jobs/s"),
        ("drain by one worker", _drain(report.drain_one)),
        ("drain by two workers", _drain(report.drain_two)),
        ("latency between processes", _latency(report.latency)),
        ("latency within a process", _latency(report.latency_in_process)),
        ("queries of an idle worker", f"{report.idle.per_minute:.1f} a minute"),
    ]
    print_table(("MEASURED", "FIGURE"), rows, empty="")


def _drain(drain: Drain) -> str:
    memory = "" if drain.peak_memory_mib is None else f", at most {drain.peak_memory_mib:.0f} MiB a process"
    return f"{drain.per_second:,.0f} jobs/s{memory}"


def _latency(latency: Latency) -> str:
    return f"p50 {latency.p50:.1f} ms, p95 {latency.p95:.1f} ms, p99 {latency.p99:.1f} ms"
