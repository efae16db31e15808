"""What the engine recorded of a demo run. Beside `run.py` the only place that asks the application."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from taskforge.demo.analysis import FileFacts
from taskforge.demo.findings import FileFailure
from taskforge.demo.sources import relative_name
from taskforge.domain.execution import ExecutionStatus
from taskforge.domain.job import JobStatus
from taskforge.ports.history import JobFilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from taskforge import TaskForge
    from taskforge.domain.execution import Execution
    from taskforge.domain.job import Job

_PAGE = 500
_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run's reading jobs."""

    facts: Sequence[FileFacts]
    failures: Sequence[FileFailure]
    durations: Sequence[float]
    """Of the attempts that succeeded, in milliseconds."""
    retries: int
    counts: Mapping[str, int]

    @property
    def jobs(self) -> int:
        """How many jobs there were."""
        return sum(self.counts.values())


async def outcome_of(app: TaskForge, run: str, queue: str) -> Outcome:
    """Everything about the jobs of a run in one queue."""
    return summarize(await _with_attempts(app, await _jobs(app, run, queue)))


async def dead_letters(app: TaskForge, run: str, queue: str) -> list[FileFailure]:
    """The run's dead letters with the error of their last attempt, by path."""
    failed = await _jobs(app, run, queue, (JobStatus.FAILED,))
    dead = [job for job in failed if job.dead_lettered_at is not None]
    failures = summarize(await _with_attempts(app, dead)).failures
    return sorted(failures, key=lambda failure: failure.path)


async def counts_of(app: TaskForge, run: str) -> dict[str, int]:
    """The run's jobs by status; every status is present."""
    counts = await (await app.platform()).insights.counts(tag=run)
    return {status.value: count for status, count in counts.items()}


async def _jobs(
    app: TaskForge, run: str, queue: str, statuses: Sequence[JobStatus] | None = None
) -> list[Job]:
    """All jobs of a queue that carry the run's tag, page by page."""
    platform = await app.platform()
    chosen = JobFilter(
        queue_ids=[(await platform.queues.get(queue)).id], statuses=statuses, tag=run, limit=_PAGE
    )
    jobs: list[Job] = []
    while True:
        page = await platform.insights.jobs(chosen)
        jobs += page
        if len(page) < _PAGE:
            return jobs
        chosen = replace(chosen, before=page[-1].id)


async def _with_attempts(app: TaskForge, jobs: Iterable[Job]) -> list[tuple[Job, Sequence[Execution]]]:
    """Each job with its attempts, newest first."""
    insights = (await app.platform()).insights
    room = asyncio.Semaphore(_AT_ONCE)

    async def read(job: Job) -> tuple[Job, Sequence[Execution]]:
        async with room:
            return job, await insights.executions(job)

    return list(await asyncio.gather(*(read(job) for job in jobs)))


def summarize(records: Iterable[tuple[Job, Sequence[Execution]]]) -> Outcome:
    """Facts of the jobs that succeeded, failures of those that failed, durations of what succeeded."""
    facts: list[FileFacts] = []
    failures: list[FileFailure] = []
    durations: list[float] = []
    counts: Counter[str] = Counter()
    retries = 0
    for job, attempts in records:
        counts[job.status.value] += 1
        retries += max(0, len(attempts) - 1)
        if not attempts:
            continue
        last = attempts[0]
        if last.status is ExecutionStatus.SUCCEEDED:
            facts.append(FileFacts.from_dict(last.output))
            durations.append(last.duration_ms or 0.0)
        elif job.status is JobStatus.FAILED:
            path = relative_name(Path(job.payload["path"]))
            failures.append(FileFailure(path, error_of(last), job.attempt_count))
    return Outcome(facts, failures, durations, retries, dict(counts))


def error_of(attempt: Execution) -> str:
    """The error as Python would show it: `SyntaxError: invalid syntax`."""
    kind = attempt.error_type or (attempt.reason.value if attempt.reason else "failed")
    return f"{kind}: {attempt.error_message}" if attempt.error_message else kind
