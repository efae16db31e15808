"""What a worker uses, as messages tell it."""

from __future__ import annotations

from taskforge.domain.ids import QueueId
from taskforge.domain.worker import TaskUsage, Usage
from taskforge.wire import link as wire


def usage_of(body: wire.UsageBody | None) -> Usage | None:
    """What a worker uses, as it was received."""
    if body is None:
        return None
    tasks = [
        TaskUsage(
            QueueId(task.queue_id),
            task.job_type,
            task.executions,
            task.cpu_us,
            task.most_cpu_us,
            task.peak_memory_bytes,
        )
        for task in body.tasks
    ]
    return Usage(body.cpu_percent, body.memory_bytes, body.memory_percent, tasks)


def usage_body(usage: Usage | None) -> wire.UsageBody | None:
    """What a worker uses, to be sent."""
    if usage is None:
        return None
    return wire.UsageBody(
        cpu_percent=usage.cpu_percent,
        memory_bytes=usage.memory_bytes,
        memory_percent=usage.memory_percent,
        tasks=[
            wire.TaskUsageBody(
                queue_id=task.queue_id,
                job_type=task.job_type,
                executions=task.executions,
                cpu_us=task.cpu_us,
                most_cpu_us=task.most_cpu_us,
                peak_memory_bytes=task.peak_memory_bytes,
            )
            for task in usage.tasks
        ],
    )
