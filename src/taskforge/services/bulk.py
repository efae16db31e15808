"""Doing the same to all jobs that a filter chooses: in batches, counted first, with progress.

Each batch is a transaction of its own and each job is guarded by its status, so it is safe to interrupt, to
repeat, and to do while others change the same jobs. Jobs that are made after the beginning are not met.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from taskforge.domain.errors import Conflict, InvalidInput, NotFound, QueueClosed
from taskforge.domain.job import JobStatus
from taskforge.domain.operation import BulkAction
from taskforge.domain.queue import QueueState
from taskforge.ports.signals import Hint, Topic

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from uuid import UUID

    from taskforge.domain.ids import JobId, ProjectId
    from taskforge.domain.queue import Queue
    from taskforge.ports.bulk import BulkStore
    from taskforge.ports.history import HistoryStore, JobFilter
    from taskforge.ports.jobs import JobStore
    from taskforge.ports.signals import Signals

BATCH = 500
COUNT_BOUND = 100_000
COUNT_PAGE = 5_000
STEP_SCAN = 100_000
"""About so many jobs a step looks at, whether it finds a batch among them or not."""


WAITING = (JobStatus.PENDING, JobStatus.SCHEDULED)
POSSIBLE: dict[BulkAction, tuple[JobStatus, ...]] = {
    BulkAction.CANCEL: (*WAITING, JobStatus.PROCESSING),
    BulkAction.RETRY: (JobStatus.FAILED, JobStatus.CANCELLED),
    BulkAction.DELETE: tuple(status for status in JobStatus if status is not JobStatus.PROCESSING),
    BulkAction.MOVE: WAITING,
}
"""The statuses for which an action means something."""


class Counted(NamedTuple):
    """How many jobs are chosen; ``is_bounded`` means that there may be more."""

    jobs: int
    is_bounded: bool

    def __str__(self) -> str:
        return f"{self.jobs:,}{'+' if self.is_bounded else ''}"


@dataclass(frozen=True, slots=True)
class BulkProgress:
    """How far it is: jobs that were changed, and those that had changed otherwise meanwhile."""

    done: int = 0
    skipped: int = 0

    @property
    def seen(self) -> int:
        """All that it has come past."""
        return self.done + self.skipped


class BulkStep(NamedTuple):
    """What one batch has done; ``place`` is the id behind which the next begins, None at the end."""

    done: int
    skipped: int
    place: UUID | None


@dataclass(frozen=True, slots=True)
class BulkOrder:
    """What is to be done to which jobs of the project; ``target`` is the queue to move to, or to retry in."""

    action: BulkAction
    chosen: JobFilter
    target: Queue | None = None

    def __post_init__(self) -> None:
        if self.action is BulkAction.MOVE and self.target is None:
            raise InvalidInput("to which queue?", field="target")
        if self.target is not None and self.target.state is QueueState.CLOSED:
            raise QueueClosed(f"queue {self.target.name!r} is closed: it takes no jobs")
        possible = POSSIBLE[self.action]
        wrong = [status for status in self.chosen.statuses or () if status not in possible]
        if wrong:
            raise InvalidInput(
                f"{self.action.value} does nothing to jobs that are {wrong[0].value}",
                field="status",
                hint=f"it acts on those that are {', '.join(possible)}",
            )


class Bulk:
    """Bulk operations on one project."""

    def __init__(
        self,
        bulk: BulkStore,
        jobs: JobStore,
        history: HistoryStore,
        signals: Signals,
        project_id: ProjectId,
    ) -> None:
        self._bulk = bulk
        self._jobs = jobs
        self._history = history
        self._signals = signals
        self._project_id = project_id

    async def count(self, order: BulkOrder, bound: int = COUNT_BOUND) -> Counted:
        """How many jobs it would meet, counted up to ``bound``."""
        chosen = _possible(order)
        total = 0
        while total < bound:
            page = replace(chosen, limit=min(COUNT_PAGE, bound - total))
            ids = await self._history.job_ids(self._project_id, page)
            total += len(ids)
            if len(ids) < page.limit:
                return Counted(total, False)
            chosen = replace(chosen, before=ids[-1])
        return Counted(bound, True)

    async def run(self, order: BulkOrder, batch: int = BATCH) -> AsyncGenerator[BulkProgress, None]:
        """Do it, from the newest job to the oldest; tells how far it is after each batch.

        Whoever stops asking has stopped it: what is done stays done.
        """
        progress = BulkProgress()
        place = order.chosen.before
        while True:
            step = await self.step(order, place, batch)
            if step.done or step.skipped:
                progress = BulkProgress(progress.done + step.done, progress.skipped + step.skipped)
                yield progress
            place = step.place
            if place is None:
                return

    async def step(self, order: BulkOrder, place: UUID | None, batch: int = BATCH) -> BulkStep:
        """Do it to the next ``batch`` jobs behind ``place``."""
        chosen = replace(_possible(order), limit=batch, before=place)
        found = await self._history.walk(self._project_id, chosen, STEP_SCAN)
        done = 0
        if found.ids:
            done = await self._batch(order, found.ids)
            self._announce(order.action)
        return BulkStep(done, len(found.ids) - done, found.place)

    async def _batch(self, order: BulkOrder, ids: Sequence[JobId]) -> int:
        project, target = self._project_id, None if order.target is None else order.target.id
        match order.action:
            case BulkAction.CANCEL:
                changed = await self._bulk.cancel(project, ids)
            case BulkAction.RETRY:
                changed = await self._bulk.retry(project, ids, target)
            case BulkAction.DELETE:
                changed = await self._bulk.delete(project, ids)
            case BulkAction.MOVE:
                return 0 if target is None else len(await self._bulk.move(project, ids, target))
        rest = [job_id for job_id in ids if job_id not in changed]
        return len(changed) + sum([await self._alone(order, job_id) for job_id in rest])

    async def _alone(self, order: BulkOrder, job_id: JobId) -> bool:
        """One that has a key, or has changed: its own verb knows what to do."""
        project, target = self._project_id, None if order.target is None else order.target.id
        try:
            match order.action:
                case BulkAction.CANCEL:
                    status = await self._jobs.cancel(project, job_id)
                case BulkAction.RETRY:
                    status = await self._jobs.retry(project, job_id, target)
                case _:
                    status = await self._jobs.delete(project, job_id)
        except (Conflict, NotFound):
            return False
        return status in POSSIBLE[order.action]

    def _announce(self, action: BulkAction) -> None:
        topics = {
            BulkAction.CANCEL: (Topic.CANCEL, Topic.FINISHED),
            BulkAction.RETRY: (Topic.READY,),
            BulkAction.DELETE: (Topic.FINISHED,),
            BulkAction.MOVE: (Topic.READY,),
        }
        for topic in topics[action]:
            self._signals.publish(Hint(topic, self._project_id))


def _possible(order: BulkOrder) -> JobFilter:
    return replace(order.chosen, statuses=order.chosen.statuses or POSSIBLE[order.action])
