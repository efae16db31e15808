"""What is found, as JSON documents: the fields of the domain, times of RFC 3339 in UTC, enums by value."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.domain.execution import Execution, StoredLogLine
    from taskforge.domain.explanation import Explanation
    from taskforge.domain.job import Job
    from taskforge.domain.metrics import TaskFigures
    from taskforge.domain.queue import Queue
    from taskforge.domain.stats import ExecutionStats, StatusCounts
    from taskforge.domain.worker import Worker, WorkerStatus


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    print(json.dumps(plain(document), indent=2, ensure_ascii=not is_unicode))


def plain(value: Any) -> Any:
    """Dataclasses, ids, times and enums as JSON values."""
    import msgspec

    return msgspec.to_builtins(value, str_keys=True)


def job_document(job: Job) -> dict[str, Any]:
    """All fields of a job, and the seeds' names for some of them."""
    from taskforge.domain.job import Hold

    return {
        **plain(job),
        "processed_at": plain(job.completed_at),
        "no_worker_for_type": job.hold is Hold.NO_WORKER,
    }


def whole_job_document(
    job: Job, executions: Sequence[Execution], stats: ExecutionStats, output: Any, usage: TaskFigures | None
) -> dict[str, Any]:
    """A job with its result, its attempts (newest first), what they add up to, and what its type uses."""
    return {
        **job_document(job),
        "output": output,
        "executions": plain(executions),
        "stats": plain(stats),
        "type_usage": None if usage is None else plain(usage),
    }


def explanation_document(found: Explanation) -> dict[str, Any]:
    """Why a job has not run; ``code`` and ``message`` are the first obstacle's."""
    return {**plain(found), "code": found.code.value, "message": found.message}


def line_document(line: StoredLogLine) -> dict[str, Any]:
    """A line of an execution's log."""
    document: dict[str, Any] = plain(line)
    return document


def queue_document(
    queue: Queue, counts: StatusCounts | None = None, dead_letters: int | None = None
) -> dict[str, Any]:
    """A queue with the settings that are set, and what lies in it where that was asked for."""
    document = {**plain(queue), "settings": queue.settings.to_json(), "is_active": queue.is_active}
    if counts is not None:
        by_status = {status.value: count for status, count in counts.items()}
        document["stats"] = {**by_status, "total": sum(by_status.values())}
        if counts.bounded:
            document["stats"]["at_least"] = sorted(counts.bounded)
    if dead_letters is not None:
        document["dead_letter_count"] = dead_letters
    return document


def worker_document(worker: Worker, status: WorkerStatus) -> dict[str, Any]:
    """A worker with its status."""
    return {**plain(worker), "status": status.value}
