"""What every scheduler does: sees to due times, of all projects, and to what their jobs came to.

Any number of schedulers may do it at once. Each due time is seen to in one transaction, guarded by the row of its
schedule and the key of its tick: who comes second finds nothing to do.
"""

from __future__ import annotations

import logging
import time
from contextvars import copy_context
from typing import TYPE_CHECKING

from taskforge.domain.access import system
from taskforge.domain.errors import Conflict, InvalidInput, TaskforgeError, Unavailable
from taskforge.domain.keys import key_of_schedule
from taskforge.ports.acting import acting
from taskforge.ports.schedules import Firing
from taskforge.ports.signals import Hint, Topic
from taskforge.sdk.tracing import is_traced, sent_by_schedule
from taskforge.services.submission import JobRequest
from taskforge.services.tick_keeping import TickKeeping

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from typing import Any
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.queue import Queue
    from taskforge.domain.schedule import Schedule
    from taskforge.ports.schedules import Due, Fired, TickStore
    from taskforge.ports.signals import Signals
    from taskforge.ports.transactions import Batch
    from taskforge.services.submission import Submission

SCHEDULER = system("scheduler")
BATCH = 100
FINISH_SECONDS = 2.0
"""How often what jobs came to is looked for while some have not ended; less often while none ends."""
SELDOM_SECONDS = 30.0
RETRY_SECONDS = 30.0
"""After so long a schedule is tried again that could not be read."""
BUSY_SECONDS = 0.1
"""After so long a due time is looked at again that another scheduler was seeing to."""
UNFIT_SECONDS = 1.0
"""After so long it looks again while all that is due cannot be read."""

logger = logging.getLogger("taskforge.scheduler")


class FiringPlans:
    """How ticks become jobs: the same for those that are due, asked for by hand, and made up for."""

    def __init__(self, submission: Submission, signals: Signals, encode: Callable[[Any], str]) -> None:
        self._submission = submission
        self._signals = signals
        self._encode = encode

    def firing(self) -> Firing:
        """What a store needs to make jobs of ticks. Their span is below the one that is current now."""
        context = copy_context() if is_traced() else None  # a store may run in another thread

        def trace(schedule: Schedule, queue: Queue, count: int) -> str | None:
            if context is None:
                return None
            told = (schedule.id, schedule.name, queue.name, schedule.spec.task, count)
            return context.run(sent_by_schedule, *told)

        return Firing(self._make, self._notices, trace)

    def announce(self, fired: Fired) -> None:
        """Tell this process that jobs are ready; others were told by the commit."""
        if fired.queue_id is not None:
            self._signals.publish(self._hint(fired.schedule.project_id, fired.queue_id))
        if fired.cancelled:
            self._signals.publish(Hint(Topic.CANCEL, fired.schedule.project_id))
            self._signals.publish(Hint(Topic.FINISHED, fired.schedule.project_id))

    def _make(self, schedule: Schedule, queue: Queue, moments: Sequence[datetime]) -> Batch:
        spec = schedule.spec
        payload = self._encode({} if spec.arguments is None else spec.arguments)
        options = spec.job_options(own_key=key_of_schedule(schedule.id))
        request = JobRequest(queue.name, spec.task, payload, options)
        return self._submission.prepared([request] * len(moments), {queue.name: queue})

    def _notices(self, project_id: ProjectId, queue_id: UUID) -> list[str]:
        notice = self._signals.at_commit(self._hint(project_id, queue_id))
        return [] if notice is None else [notice]

    def _hint(self, project_id: ProjectId, queue_id: UUID) -> Hint:
        return Hint(Topic.READY, project_id, queue_id)


class Ticking(TickKeeping):
    """Looks after the schedules of all projects of a database."""

    def __init__(
        self, ticks: TickStore, plans: FiringPlans, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(ticks)
        self._ticks = ticks
        self._plans = plans
        self._monotonic = monotonic
        self._unfit: dict[UUID, float] = {}
        self._finish_at = 0.0
        self._pause = FINISH_SECONDS

    async def begin(self) -> None:
        """Once, when a scheduler starts: rules of time zones may have changed since the last one looked."""
        moved = await self._ticks.realign()
        if moved:
            logger.info("%d schedules are due at another time than before", moved)

    async def late(self) -> float:
        """For how many seconds the next due time of any project has been waiting to be seen to."""
        outlook = await self._ticks.outlook()
        if outlook.next_fire_at is None:
            return 0.0
        return max(0.0, (outlook.now - outlook.next_fire_at).total_seconds())

    async def next_due(self) -> datetime | None:
        """The next due time of any project, seen to or not."""
        return (await self._ticks.outlook()).next_fire_at

    async def look(self) -> float | None:
        """See to all that is due; seconds until something is due again, None: nothing is for now.

        Raises Unavailable.
        """
        outlook = await self._ticks.outlook()
        is_held_up = False
        while outlook.next_fire_at is not None and outlook.next_fire_at <= outlook.now:
            now = self._monotonic()
            skip = [schedule_id for schedule_id, until in self._unfit.items() if until > now]
            due = await self._ticks.due(BATCH, skip=skip)
            fired = [await self._fire(found) for found in due]
            if not any(fired):
                is_held_up = True
                break
            outlook = await self._ticks.outlook()
        wait = await self._finish(has_unfinished=outlook.has_unfinished)
        if is_held_up:
            is_busy = any(found.schedule_id not in self._unfit for found in due)
            return BUSY_SECONDS if is_busy else UNFIT_SECONDS
        if outlook.next_fire_at is not None:
            until = max(0.0, (outlook.next_fire_at - outlook.now).total_seconds())
            return until if wait is None else min(until, wait)
        return wait

    async def _fire(self, due: Due) -> bool:
        """Whether this scheduler saw to it. One that cannot be read does not stop the others."""
        try:
            with acting(SCHEDULER):
                fired = await self._ticks.fire(due, self._plans.firing())
        except Unavailable:
            raise
        except Conflict as error:  # a row of another transaction stood in the way
            logger.info("schedule %s is tried again: %s", due.schedule_id, error)
            return False
        except (TaskforgeError, InvalidInput) as error:
            self._unfit[due.schedule_id] = self._monotonic() + RETRY_SECONDS
            logger.error("schedule %s cannot run: %s", due.schedule_id, error)
            return False
        self._unfit.pop(due.schedule_id, None)
        if fired is None:
            return False
        self._plans.announce(fired)
        _tell(fired, due)
        return True

    async def _finish(self, *, has_unfinished: bool) -> float | None:
        """Copy what jobs came to, now and then; seconds until the next time."""
        if not has_unfinished:
            return None
        now = self._monotonic()
        if now >= self._finish_at:
            done = await self.finish()
            self._pause = FINISH_SECONDS if done else min(SELDOM_SECONDS, self._pause * 1.5)
            self._finish_at = self._monotonic() + self._pause
        return max(0.0, self._finish_at - self._monotonic())


def _tell(fired: Fired, due: Due) -> None:
    schedule = fired.schedule
    if fired.job_ids:
        logger.info(
            "schedule %s (%s): %d due, jobs %s",
            schedule.name,
            schedule.id,
            fired.ticks,
            ", ".join(map(str, fired.job_ids)),
        )
    if fired.ticks > len(fired.job_ids):
        logger.warning(
            "schedule %s (%s): %d due times from %s on did not run: see its history",
            schedule.name,
            schedule.id,
            fired.ticks - len(fired.job_ids),
            due.due_at.isoformat(),
        )
