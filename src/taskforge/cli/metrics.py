"""The figures of queues, job types and workers, for the commands `metrics` of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.cli.show import print_json
from taskforge.cli.tables import print_fields, print_table
from taskforge.cli.text import mebibytes, milliseconds, stamp
from taskforge.domain.metrics import success_rate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from taskforge.cli.session import Session

    Figures = Mapping[str, Any]

HEADS = ("TOTAL", "OK", "FAILED", "RATE", "AVG", "P95", "P99", "WAIT P95")


def queue_metrics(session: Session, name: str | None, hours: float, *, as_json: bool) -> None:
    """One queue with its job types, or all queues."""
    if name is None:
        _all_queues(session, hours, as_json=as_json)
        return
    found = session.ask(lambda desk: desk.metrics.queue(name, hours))
    if as_json:
        print_json(found)
        return
    depth = found["depth"]
    print_fields(
        [
            ("queue", found["queue_name"]),
            *_fields(found),
            ("running", found["running_executions"]),
            ("ready", depth["ready"]),
            ("held", depth["held"]),
            ("scheduled", depth["scheduled"]),
            ("oldest ready", milliseconds(depth["latency_seconds"] * 1000)),
        ]
    )
    if found["job_types"]:
        print()
        _print_table("TYPE", "job_type", found["job_types"], ("CPU", "PEAK"), _type_usage)


def type_metrics(session: Session, queue: str | None, hours: float, *, as_json: bool) -> None:
    """All job types, in one queue or in all."""
    found = session.ask(lambda desk: desk.metrics.job_types(queue, hours))
    if as_json:
        print_json({"job_types": found})
    else:
        _print_table("TYPE", "job_type", found, ("CPU", "PEAK"), _type_usage)


def worker_metrics(session: Session, name: str | None, hours: float, *, as_json: bool) -> None:
    """One worker by its name, or all that lived in these hours."""
    if name is None:
        _all_workers(session, hours, as_json=as_json)
        return
    worker = session.ask(lambda desk: desk.metrics.worker(name, hours))
    if as_json:
        print_json(worker)
        return
    cpu, memory = _usage(worker)
    print_fields(
        [
            ("worker", worker["worker_name"]),
            *_fields(worker),
            ("running", worker["running_executions"]),
            ("cpu", cpu),
            ("memory", memory),
        ]
    )
    if worker["tasks"]:
        print()
        print_tasks(worker["tasks"])


def _all_queues(session: Session, hours: float, *, as_json: bool) -> None:
    found = session.ask(lambda desk: desk.metrics.queues(hours))
    if as_json:
        print_json({"queues": found})
    else:
        _print_table("QUEUE", "queue_name", found)


def _all_workers(session: Session, hours: float, *, as_json: bool) -> None:
    found = session.ask(lambda desk: desk.metrics.workers(hours))
    if as_json:
        print_json({"workers": found})
    else:
        _print_table("WORKER", "worker_name", found, ("CPU", "MEMORY"), _usage)


def _fields(found: Figures) -> list[tuple[str, object]]:
    return [
        ("from", stamp(found["period_start"])),
        ("to", stamp(found["period_end"])),
        ("figures", "exact" if found["exact"] else "percentiles within 1 %"),
        ("total", found["total_executions"]),
        ("succeeded", found["successful_executions"]),
        ("failed", found["failed_executions"]),
        ("cancelled", found["cancelled_executions"]),
        ("success rate", _rate(found)),
        *(
            (f"{what} {name}", milliseconds(found[f"{name}_{what}"]))
            for what in ("duration", "wait")
            for name in ("avg", "p50", "p95", "p99")
        ),
    ]


def _rate(found: Figures) -> str:
    if not found["total_executions"]:
        return "-"
    return f"{success_rate(found['successful_executions'], found['total_executions']):.1f} %"


def _print_table(
    head: str,
    subject: str,
    rows: Sequence[Figures],
    more_heads: Sequence[str] = (),
    more: Callable[[Figures], Sequence[str]] = lambda _: (),
) -> None:
    print_table(
        (head, *HEADS, *more_heads),
        [
            (
                found[subject],
                found["total_executions"],
                found["successful_executions"],
                found["failed_executions"],
                _rate(found),
                milliseconds(found["avg_duration"]),
                milliseconds(found["p95_duration"]),
                milliseconds(found["p99_duration"]),
                milliseconds(found["p95_wait"]),
                *more(found),
            )
            for found in rows
        ],
        empty="nothing ran in this time",
        right=(*HEADS, *more_heads),
    )


def print_tasks(tasks: Sequence[Figures]) -> None:
    """What executions used, a line for each job type."""
    heads = ("MEASURED", "CPU AVG", "CPU MAX", "PEAK MEMORY")
    print_table(
        ("TYPE", *heads),
        [
            (
                task["job_type"],
                task["measured_executions"],
                milliseconds(task["avg_cpu_time"]),
                milliseconds(task["max_cpu_time"]),
                mebibytes(task["peak_memory_bytes"]),
            )
            for task in tasks
        ],
        empty="",
        right=heads,
    )


def _type_usage(kind: Figures) -> tuple[str, str]:
    usage = kind["usage"]
    return (
        ("", "")
        if usage is None
        else (milliseconds(usage["avg_cpu_time"]), mebibytes(usage["peak_memory_bytes"]))
    )


def _usage(worker: Figures) -> tuple[str, str]:
    cpu, memory = worker["cpu_usage"], worker["memory_usage"]
    return "" if cpu is None else f"{cpu:.0f} %", "" if memory is None else f"{memory:.1f} %"
