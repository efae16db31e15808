"""Jobs as people read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from taskforge.cli.job_reading import USAGE_HOURS
from taskforge.cli.tables import print_fields, print_table
from taskforge.cli.text import mebibytes, milliseconds, moment, one_line, visible
from taskforge.domain.ids import short
from taskforge.domain.job import Hold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskforge.cli.job_reading import WholeJob
    from taskforge.domain.execution import Execution, StoredLogLine
    from taskforge.domain.explanation import Explanation
    from taskforge.domain.job import Job
    from taskforge.domain.metrics import TaskFigures


def print_jobs(jobs: Sequence[Job], next_cursor: str | None) -> None:
    """A page of jobs as a table; times are UTC."""
    print_table(
        ("ID", "STATUS", "QUEUE", "TYPE", "PRIORITY", "ATTEMPTS", "CREATED", "SCHEDULED", "COMPLETED"),
        [
            (
                short(job.id),
                job.status.value,
                job.queue_name,
                job.job_type,
                job.priority,
                f"{job.attempt_count}/{job.max_attempts}",
                moment(job.created_at),
                moment(job.scheduled_for),
                moment(job.completed_at),
            )
            for job in jobs
        ],
        empty="no such jobs",
        right=("PRIORITY", "ATTEMPTS"),
    )
    if next_cursor is not None:
        print(f"\nmore: --cursor {next_cursor}")


def print_whole_job(found: WholeJob) -> None:
    """Everything about one job."""
    job = found.job
    print_fields(
        (
            ("id", job.id),
            ("type", job.job_type),
            ("queue", job.queue_name),
            ("status", job.status.value + _why(job)),
            ("priority", job.priority),
            ("attempts", f"{job.attempt_count} of {job.max_attempts}"),
            ("lost workers", job.losses or ""),
            ("payload", _json(job.payload)),
            ("tags", ", ".join(job.tags)),
            ("key", job.key or ""),
            ("concurrency key", "" if job.concurrency_key is None else _places(job)),
            ("requires", _wishes(job.requires)),
            ("prefers", _wishes(job.prefers)),
            ("fairness key", "" if job.fairness_key is None else _share(job)),
            ("weighs", _weight(job)),
            ("progress", "" if job.progress is None else _json(job.progress)),
            ("created", moment(job.created_at)),
            ("scheduled for", moment(job.scheduled_for)),
            ("must start by", moment(job.expires_at)),
            ("must end by", moment(job.timeout_at)),
            ("completed", moment(job.completed_at)),
            ("dead letter since", moment(job.dead_lettered_at)),
            ("result", "" if found.output is None else _json(found.output)),
            ("usage", "" if found.usage is None else _usage(found.usage)),
        )
    )
    if found.executions:
        print()
        print_table(
            ("EXECUTION", "ATTEMPT", "STATUS", "WORKER", "CLAIMED", "DURATION", "ERROR"),
            [_execution_row(execution) for execution in found.executions],
            empty="",
            right=("ATTEMPT", "DURATION"),
        )
        if found.executions[0].traceback:
            print(f"\n{visible(found.executions[0].traceback).rstrip()}")


def _usage(usage: TaskFigures) -> str:
    cpu = f"{milliseconds(usage.avg_cpu_time)} of a processor, {milliseconds(usage.max_cpu_time)} at most"
    memory = "" if usage.peak_memory_bytes is None else f", up to {mebibytes(usage.peak_memory_bytes)}"
    return f"of its type: {cpu}{memory} ({usage.measured_executions} measured in {USAGE_HOURS} hours)"


def print_explanation(found: Explanation) -> None:
    """A sentence for each obstacle, the weightiest first."""
    print(f"{short(found.job_id)} is {found.status.value}.")
    for obstacle in found.obstacles:
        print(visible(obstacle.message))


def print_line(line: StoredLogLine) -> None:
    """A line of a log."""
    extra = f"  {_json(line.metadata)}" if line.metadata else ""
    time = f"{moment(line.logged_at)}.{line.logged_at.microsecond // 1000:03d}"
    print(f"{time} {line.level.value:<5} {visible(line.message)}{extra}", flush=True)


def _execution_row(execution: Execution) -> tuple[object, ...]:
    error = f"{execution.error_type}: {execution.error_message or ''}" if execution.error_type else ""
    reason = f" ({execution.reason.value})" if execution.reason and not error else ""
    return (
        short(execution.id),
        execution.attempt_number,
        execution.status.value + reason,
        "" if execution.worker_id is None else short(execution.worker_id),
        moment(execution.claimed_at),
        milliseconds(execution.duration_ms),
        one_line(error),
    )


def _why(job: Job) -> str:
    if job.hold is Hold.NO_WORKER:
        return " (no worker knows this job type)"
    if job.hold is Hold.PAUSED:
        return " (paused; see `taskforge pauses list`)"
    if job.hold is Hold.SUSPECT:
        return " (has lost a worker; is run apart from other such jobs)"
    if job.hold is Hold.KEY:
        return f" (at most {job.concurrency_limit} of concurrency key {job.concurrency_key!r} run at once)"
    if job.failure is not None:
        return f" ({job.failure})"
    return " (asked to stop)" if job.cancel_requested_at is not None else ""


def _places(job: Job) -> str:
    return f"{job.concurrency_key} (at most {job.concurrency_limit} at once)"


def _share(job: Job) -> str:
    return f"{job.fairness_key} ({job.fairness_weight} at a turn)"


def _weight(job: Job) -> str:
    parts = [f"{job.slots} slots"] if job.slots > 1 else []
    parts += [f"{job.rate_tokens} tokens of the rate"] if job.rate_tokens > 1 else []
    return ", ".join(parts)


def _json(value: Any) -> str:
    return visible(json.dumps(value, ensure_ascii=False))


def _wishes(wishes: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {wish}" for name, wish in wishes.items())
