"""The figures of queues, job types and workers, for the commands `metrics` of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.cli.show import plain, print_json
from taskforge.cli.tables import print_fields, print_table
from taskforge.cli.text import mebibytes, milliseconds, moment
from taskforge.domain.metrics import success_rate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskforge.cli.session import Session
    from taskforge.domain.metrics import (
        DepthPoint,
        ExecutionFigures,
        QueueMetrics,
        TaskFigures,
        TypeMetrics,
        WorkerMetrics,
    )
    from taskforge.platform import Platform

HEADS = ("TOTAL", "OK", "FAILED", "RATE", "AVG", "P95", "P99", "WAIT P95")


def queue_metrics(session: Session, name: str | None, hours: float, *, as_json: bool) -> None:
    """One queue with its job types, or all queues."""
    if name is None:
        _all_queues(session, hours, as_json=as_json)
        return

    async def look(platform: Platform) -> tuple[QueueMetrics, Sequence[TypeMetrics], DepthPoint]:
        queue = await platform.queues.get(name)
        period = await platform.metrics.last(hours)
        return (
            await platform.metrics.queue(queue.id, period),
            await platform.metrics.job_types(period, queue_id=queue.id),
            await platform.metrics.depth(queue.id),
        )

    found, types, depth = session.run(look)
    if as_json:
        print_json({**plain(found), "depth": plain(depth), "job_types": plain(types)})
        return
    print_fields(
        [
            ("queue", found.queue_name),
            *_fields(found),
            ("running", found.running_executions),
            ("ready", depth.ready),
            ("held", depth.held),
            ("scheduled", depth.scheduled),
            ("oldest ready", milliseconds(depth.latency_seconds * 1000)),
        ]
    )
    if types:
        print()
        _print_table("TYPE", {kind.job_type: kind for kind in types}, ("CPU", "PEAK"), _type_usage)


def type_metrics(session: Session, queue: str | None, hours: float, *, as_json: bool) -> None:
    """All job types, in one queue or in all."""

    async def look(platform: Platform) -> Sequence[TypeMetrics]:
        chosen = None if queue is None else (await platform.queues.get(queue)).id
        return await platform.metrics.job_types(await platform.metrics.last(hours), queue_id=chosen)

    found = session.run(look)
    if as_json:
        print_json({"job_types": plain(found)})
    else:
        _print_table("TYPE", {kind.job_type: kind for kind in found}, ("CPU", "PEAK"), _type_usage)


def worker_metrics(session: Session, name: str | None, hours: float, *, as_json: bool) -> None:
    """One worker by its name, or all that lived in these hours."""

    async def look(platform: Platform) -> Sequence[WorkerMetrics]:
        period = await platform.metrics.last(hours)
        if name is None:
            return await platform.metrics.workers(period)
        return [await platform.metrics.worker_named(name, period)]

    found = session.run(look)
    if as_json:
        print_json(plain(found[0]) if name is not None else {"workers": plain(found)})
    elif name is None:
        _print_table("WORKER", {worker.worker_name: worker for worker in found}, ("CPU", "MEMORY"), _usage)
    else:
        [worker] = found
        cpu, memory = _usage(worker)
        print_fields(
            [
                ("worker", worker.worker_name),
                *_fields(worker),
                ("running", worker.running_executions),
                ("cpu", cpu),
                ("memory", memory),
            ]
        )
        if worker.tasks:
            print()
            print_tasks(worker.tasks)


def _all_queues(session: Session, hours: float, *, as_json: bool) -> None:
    async def look(platform: Platform) -> Sequence[QueueMetrics]:
        return await platform.metrics.queues(await platform.metrics.last(hours))

    found = session.run(look)
    if as_json:
        print_json({"queues": plain(found)})
    else:
        _print_table("QUEUE", {queue.queue_name: queue for queue in found})


def _fields(found: ExecutionFigures) -> list[tuple[str, object]]:
    return [
        ("from", moment(found.period_start)),
        ("to", moment(found.period_end)),
        ("figures", "exact" if found.exact else "percentiles within 1 %"),
        ("total", found.total_executions),
        ("succeeded", found.successful_executions),
        ("failed", found.failed_executions),
        ("cancelled", found.cancelled_executions),
        ("success rate", _rate(found)),
        *(
            (f"{what} {name}", milliseconds(getattr(found, f"{name}_{what}")))
            for what in ("duration", "wait")
            for name in ("avg", "p50", "p95", "p99")
        ),
    ]


def _rate(found: ExecutionFigures) -> str:
    if not found.total_executions:
        return "-"
    return f"{success_rate(found.successful_executions, found.total_executions):.1f} %"


def _print_table(
    head: str,
    rows: Mapping[str, Any],
    more_heads: Sequence[str] = (),
    more: Any = lambda _: (),
) -> None:
    print_table(
        (head, *HEADS, *more_heads),
        [
            (
                name,
                found.total_executions,
                found.successful_executions,
                found.failed_executions,
                _rate(found),
                milliseconds(found.avg_duration),
                milliseconds(found.p95_duration),
                milliseconds(found.p99_duration),
                milliseconds(found.p95_wait),
                *more(found),
            )
            for name, found in rows.items()
        ],
        empty="nothing ran in this time",
        right=(*HEADS, *more_heads),
    )


def print_tasks(tasks: Sequence[TaskFigures]) -> None:
    """What executions used, a line for each job type."""
    heads = ("MEASURED", "CPU AVG", "CPU MAX", "PEAK MEMORY")
    print_table(
        ("TYPE", *heads),
        [
            (
                task.job_type,
                task.measured_executions,
                milliseconds(task.avg_cpu_time),
                milliseconds(task.max_cpu_time),
                mebibytes(task.peak_memory_bytes),
            )
            for task in tasks
        ],
        empty="",
        right=heads,
    )


def _type_usage(kind: TypeMetrics) -> tuple[str, str]:
    if kind.usage is None:
        return "", ""
    return milliseconds(kind.usage.avg_cpu_time), mebibytes(kind.usage.peak_memory_bytes)


def _usage(worker: WorkerMetrics) -> tuple[str, str]:
    return (
        "" if worker.cpu_usage is None else f"{worker.cpu_usage:.0f} %",
        "" if worker.memory_usage is None else f"{worker.memory_usage:.1f} %",
    )
