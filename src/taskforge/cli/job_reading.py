"""What the commands of `jobs` ask the services."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from taskforge.domain.errors import InvalidInput, NotFound
from taskforge.domain.execution import ExecutionStatus
from taskforge.domain.log_level import LogLevel
from taskforge.domain.metrics import task_figures
from taskforge.ports.history import JobFilter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from datetime import datetime

    from taskforge.domain.execution import Execution, StoredLogLine
    from taskforge.domain.job import Job, JobStatus
    from taskforge.domain.metrics import TaskFigures
    from taskforge.domain.stats import ExecutionStats
    from taskforge.platform import Platform

LOOK_SECONDS = 0.3
PAGE = 1000
USAGE_HOURS = 24


class JobQuery(NamedTuple):
    """Which jobs a list shows; queues by name."""

    limit: int
    cursor: str | None = None
    queues: Sequence[str] = ()
    statuses: Sequence[JobStatus] | None = None
    job_type: str | None = None
    tag: str | None = None
    dead_letter_queue: str | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    scheduled_from: datetime | None = None
    scheduled_to: datetime | None = None


class WholeJob(NamedTuple):
    """A job with its result and its attempts, newest first.

    ``usage``: what measured executions of its type in its queue used in the last hours.
    """

    job: Job
    executions: Sequence[Execution]
    stats: ExecutionStats
    output: Any
    usage: TaskFigures | None


async def page_of_jobs(platform: Platform, query: JobQuery) -> tuple[Sequence[Job], str | None]:
    """Jobs, and the cursor to go on with if there are more. Raises NotFound for an unknown queue."""
    dead_letters = query.dead_letter_queue
    chosen = JobFilter(
        queue_ids=[(await platform.queues.get(name)).id for name in query.queues] or None,
        statuses=query.statuses,
        job_type=query.job_type,
        tag=query.tag,
        created_from=query.created_from,
        created_to=query.created_to,
        scheduled_from=query.scheduled_from,
        scheduled_to=query.scheduled_to,
        dead_letter_queue_id=None if dead_letters is None else (await platform.queues.get(dead_letters)).id,
        before=None if query.cursor is None else _cursor(query.cursor),
        limit=query.limit + 1,
    )
    found = await platform.insights.jobs(chosen)
    page = found[: query.limit]
    return page, str(page[-1].id) if len(found) > query.limit else None


async def whole_job(platform: Platform, text: str) -> WholeJob:
    """A job by its id or the end of it. Raises NotFound, Conflict (several end so), InvalidInput."""
    job = await platform.insights.find_job(text)
    executions = await platform.insights.executions(job)
    is_done = bool(executions) and executions[0].status is ExecutionStatus.SUCCEEDED
    stats = await platform.insights.execution_stats(job.id)
    usage = await _usage(platform, job)
    return WholeJob(job, executions, stats, executions[0].output if is_done else None, usage)


async def _usage(platform: Platform, job: Job) -> TaskFigures | None:
    try:
        period = await platform.metrics.last(USAGE_HOURS)
        found = task_figures(await platform.metrics.task_usage(job.queue_id, period, job.job_type))
    except NotFound:  # its queue was deleted
        return None
    return found[0] if found else None


async def lines_of_job(
    platform: Platform, text: str, *, levels: Sequence[str] | None, follow: bool
) -> AsyncIterator[StoredLogLine]:
    """The log lines of a job, oldest first; with ``follow`` until it has ended."""
    job = await platform.insights.find_job(text)
    after: tuple[UUID, int] | None = None
    while True:
        is_finished = (await platform.insights.job(job.id)).status.is_finished
        while page := await platform.insights.logs(job.id, after=after, levels=levels, limit=PAGE):
            for line in page:
                yield line
            after = (page[-1].execution_id, page[-1].seq)
        if is_finished or not follow:
            return
        await asyncio.sleep(LOOK_SECONDS)


def check_levels(words: Sequence[str]) -> Sequence[str] | None:
    """The levels, if there are such; None for all."""
    for word in words:
        if word not in list(LogLevel):
            raise InvalidInput(
                f"there is no level {word!r}", field="--level", hint=f"levels: {', '.join(LogLevel)}"
            )
    return words or None


def _cursor(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(
            f"{text!r} is no cursor", field="--cursor", hint="take the one that a list ended with"
        ) from None
