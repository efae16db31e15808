"""Jobs as tests look at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidPayload
from taskforge.sdk import codec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.job import Job
    from taskforge.ports.history import Ending
    from taskforge.sdk.registry import Registry


@dataclass(frozen=True, slots=True)
class EnqueuedJob:
    """One job. ``args`` are by parameter name, defaults among them, as the task would get them.

    ``status`` is ``pending``, ``scheduled``, ``processing``, ``succeeded``, ``failed`` or ``cancelled``; ``result`` and
    ``error`` (``ValueError: no``) are those of its end, None before. ``attempts`` counts those that were spent.
    """

    id: UUID
    task: str
    queue: str
    args: Mapping[str, Any]
    status: str
    priority: int
    tags: Sequence[str]
    key: str | None
    scheduled_for: datetime | None
    attempts: int
    result: Any = None
    error: str | None = None

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.args.items())
        return f"{self.task}({given}) {self.status} on {self.queue}"


def shown(job: Job, ending: Ending | None, registry: Registry) -> EnqueuedJob:
    """A job as a test sees it."""
    task = registry.get(job.job_type)
    payload = codec.encode(job.payload, where="payload")
    try:
        args = codec.decode(payload) if task is None else task.shape.named(payload)
    except InvalidPayload:
        args = job.payload
    output = None if ending is None else ending.output
    failure = None if ending is None or ending.error_type is None else ending
    return EnqueuedJob(
        id=job.id,
        task=job.job_type,
        queue=job.queue_name,
        args=args if isinstance(args, dict) else {"payload": args},
        status=job.status.value,
        priority=job.priority,
        tags=job.tags,
        key=job.key,
        scheduled_for=job.scheduled_for,
        attempts=job.attempt_count,
        result=None if output is None or task is None else task.result_codec.load(output),
        error=None if failure is None else f"{failure.error_type}: {failure.error_message}",
    )
