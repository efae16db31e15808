"""What people do to jobs: cancel, retry, reschedule, move, redrive, delete."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from taskforge.domain.bounds import check_aware
from taskforge.domain.errors import Conflict, IllegalTransition, NotFound, QueueClosed
from taskforge.domain.ids import JobId
from taskforge.domain.job import JobStatus
from taskforge.domain.lifecycle import JobEvent, next_status
from taskforge.domain.queue import QueueState
from taskforge.ports.history import JobFilter
from taskforge.ports.signals import Hint, Topic

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.queue import Queue
    from taskforge.ports.bulk import BulkStore
    from taskforge.ports.history import HistoryStore
    from taskforge.ports.jobs import JobStore
    from taskforge.ports.signals import Signals
    from taskforge.services.directory import QueueDirectory

REDRIVE_BATCH = 200

logger = logging.getLogger("taskforge.control")


class Control:
    """Steers the jobs of one project. Raises NotFound for an unknown id, IllegalTransition for a wrong time."""

    def __init__(
        self,
        jobs: JobStore,
        bulk: BulkStore,
        history: HistoryStore,
        directory: QueueDirectory,
        signals: Signals,
    ) -> None:
        self._jobs = jobs
        self._bulk = bulk
        self._history = history
        self._directory = directory
        self._signals = signals

    async def cancel(self, job_id: UUID) -> JobStatus:
        """Cancel a waiting job at once, ask a running one to stop. A second time changes nothing."""
        status = await self._jobs.cancel(self._directory.project_id, JobId(job_id))
        if status is None:
            raise _unknown(job_id)
        if status is JobStatus.CANCELLED:
            return status
        if status is JobStatus.PROCESSING:
            self._publish(Topic.CANCEL)
            return next_status(status, JobEvent.REQUEST_CANCEL)
        follower = next_status(status, JobEvent.CANCEL)
        self._publish(Topic.FINISHED)
        self._publish(Topic.READY)  # it may have left its place to another job of its concurrency key
        return follower

    async def retry(
        self, job_id: UUID, *, queue: Queue | None = None, payload: str | None = None
    ) -> JobStatus:
        """Give a failed or cancelled job its original budget of attempts once more, here or in another queue.

        ``payload``: JSON text in place of what it had.
        """
        status = await self._jobs.retry(
            self._directory.project_id, JobId(job_id), None if queue is None else queue.id, payload
        )
        if status is None:
            raise _unknown(job_id)
        follower = next_status(status, JobEvent.RETRY_BY_HAND)
        self._publish(Topic.READY)
        return follower

    async def reschedule(self, job_id: UUID, scheduled_for: datetime) -> JobStatus:
        """Give a waiting job another due time; one in the past means as soon as possible. Raises InvalidInput."""
        status = await self._jobs.reschedule(
            self._directory.project_id, JobId(job_id), check_aware(scheduled_for, "scheduled_for")
        )
        if status is None:
            raise _unknown(job_id)
        follower = next_status(status, JobEvent.RESCHEDULE)
        self._publish(Topic.READY)
        return follower

    async def move(self, job_id: UUID, target: Queue) -> None:
        """Put a waiting job into another queue, where it keeps the time that it has waited. Raises QueueClosed."""
        if target.state is QueueState.CLOSED:
            raise QueueClosed(f"queue {target.name!r} is closed: it takes no jobs")
        moved = await self._bulk.move(self._directory.project_id, [job_id], target.id)
        if not moved:
            job = await self._history.job(self._directory.project_id, job_id)
            if job is None:
                raise _unknown(job_id)
            raise IllegalTransition(
                f"a job that is {job.status.value} cannot be moved",
                hint="only one that is pending or scheduled can; retry it in the other queue",
            )
        self._publish(Topic.READY)

    async def redrive(
        self, dead_letter_queue: Queue, *, target: Queue | None = None, limit: int | None = None
    ) -> int:
        """Retry the dead letters that a queue lists, in their origin or in ``target``; answers how many."""
        redriven = 0
        before: UUID | None = None
        while limit is None or redriven < limit:
            letters = await self._history.jobs(
                self._directory.project_id,
                JobFilter(dead_letter_queue_id=dead_letter_queue.id, before=before, limit=REDRIVE_BATCH),
            )
            for letter in letters[: None if limit is None else limit - redriven]:
                redriven += await self._redriven(letter.id, target)
            if len(letters) < REDRIVE_BATCH:
                break
            before = letters[-1].id
        return redriven

    async def _redriven(self, job_id: UUID, target: Queue | None) -> bool:
        """One that cannot be retried (a newer job has its key, or someone was quicker) stops no other."""
        try:
            await self.retry(job_id, queue=target)
        except Conflict as error:
            logger.warning("dead letter %s stays: %s", job_id, error.message)
            return False
        return True

    async def delete(self, job_id: UUID) -> None:
        """Remove a job and its record; a running one is refused."""
        status = await self._jobs.delete(self._directory.project_id, JobId(job_id))
        if status is None:
            raise _unknown(job_id)
        if status is JobStatus.PROCESSING:
            raise IllegalTransition("a job that is processing cannot be deleted", hint="cancel it first")

    def _publish(self, topic: Topic) -> None:
        self._signals.publish(Hint(topic, self._directory.project_id))


def _unknown(job_id: UUID) -> NotFound:
    return NotFound(f"no job has the id {job_id}")
