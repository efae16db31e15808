"""Where a worker's link gets jobs from: the record alone, or ready queues beside it with the record behind them."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING

from taskforge.domain.errors import TaskforgeError
from taskforge.domain.queue import QueueState
from taskforge.ports.jobs import ClaimBatch
from taskforge.ports.signals import Topic
from taskforge.services.pulling import Pulling

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from taskforge.domain.ids import QueueId
    from taskforge.domain.job import ClaimedJob
    from taskforge.ports.dispatch import DispatchStore, Pulled, ReadyQueues
    from taskforge.ports.jobs import ClaimRequest, ClaimTaker, JobStore
    from taskforge.ports.signals import Hint
    from taskforge.services.agreement import Agreement
    from taskforge.services.directory import QueueDirectory
    from taskforge.services.offering import Offering

ROUNDS = 4
PROMOTED_AT_ONCE = 1000
UNKNOWN_TO_QUEUES = (Topic.READY, Topic.QUEUE)
"""What a hint is about that the ready queues need not know of."""

logger = logging.getLogger("taskforge.dispatch")


@dataclass(slots=True)
class HandedOut:
    """How many jobs were claimed in this process: those that ready queues named, and those that the record chose."""

    by_queues: int = 0
    by_record: int = 0


class DatabaseDispatch:
    """The record hands out its jobs itself."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs

    async def claim(self, request: ClaimRequest) -> ClaimBatch:
        batch = await self._jobs.claim(request)
        if not batch.jobs and not request.ruled:
            with contextlib.suppress(TaskforgeError):
                await self._jobs.rehearse(request)
        return batch

    def stand_by(self, request: ClaimRequest, take: ClaimTaker) -> Callable[[], bool] | None:
        return self._jobs.stand_by(request, take)

    def heard(self, hint: Hint | None) -> None:
        """It looks in any case."""

    def returned(self, queue_id: QueueId, job_ids: Sequence[UUID]) -> bool:
        return False

    async def leave(self) -> None:
        """It keeps nothing."""


class QueueDispatch:
    """Ready queues say which jobs are next, a guarded statement of the record claims them. One for each worker.

    The record is asked itself after a hint that others need not have heard of, while the queues do not answer or are not
    whole, and for queues with rules. At first, and where hints may have been missed, it is asked once for what the queues
    have too little of. A worker that is idle asks only the queues.
    """

    def __init__(
        self,
        jobs: JobStore,
        store: DispatchStore,
        ready: ReadyQueues,
        directory: QueueDirectory,
        agreement: Agreement,
        offering: Offering,
        handed_out: HandedOut | None = None,
    ) -> None:
        self._jobs = jobs
        self._store = store
        self._ready = ready
        self._directory = directory
        self._agreement = agreement
        self._offering = offering
        self._handed_out = handed_out or HandedOut()
        self._pulling = Pulling(ready, self._give_back, offering.taken_are_told)
        self._asks_record = False
        self._record_has_more = True
        self._version = -1

    def heard(self, hint: Hint | None) -> None:
        if hint is None:
            self._record_has_more = True
        elif hint.topic in UNKNOWN_TO_QUEUES:
            self._asks_record = True

    def stand_by(self, request: ClaimRequest, take: ClaimTaker) -> Callable[[], bool] | None:
        return None

    def returned(self, queue_id: QueueId, job_ids: Sequence[UUID]) -> bool:
        return self._offering.returned(queue_id, job_ids)

    async def leave(self) -> None:
        await self._pulling.leave()

    async def claim(self, request: ClaimRequest) -> ClaimBatch:
        return await (self._claim_by_rules if request.ruled else self._claim)(request)

    async def _claim_by_rules(self, request: ClaimRequest) -> ClaimBatch:
        batch: ClaimBatch | None = None
        with_room: list[QueueId] = []
        keeps_turns = False
        for has_rule, group in groupby(request.queue_ids, frozenset(request.ruled).__contains__):
            queue_ids = list(group)
            part = request._replace(queue_ids=queue_ids, ruled=queue_ids if has_rule else ())
            if batch is not None:
                part = _rest(part, batch.jobs)
            if part.free <= 0 and not (has_rule and request.is_expected):
                continue
            try:
                more = await (self._jobs.claim(part) if has_rule else self._claim(part))
            except TaskforgeError as error:
                return _in_spite_of(error, batch)
            batch = more if batch is None else _together(batch, more)
            if has_rule and more.is_expected:
                keeps_turns = True
                if part.free > 0:
                    with_room += queue_ids
            if batch.wanted:  # the slots that are free are kept for a job that needs more of them
                return batch._replace(is_expected=keeps_turns)
        if batch is None:
            return await self._from_record(request)
        return await self._now_full(request, batch._replace(is_expected=keeps_turns), with_room)

    async def _now_full(
        self, request: ClaimRequest, batch: ClaimBatch, with_room: Sequence[QueueId]
    ) -> ClaimBatch:
        """Queues that may keep turns for the worker, which had room when they were asked: if not now, others get these."""
        if not with_room or _slots(batch.jobs) < request.free:
            return batch
        part = _rest(request, batch.jobs)._replace(queue_ids=with_room, ruled=with_room)
        try:
            return _together(batch, await self._jobs.claim(part))
        except TaskforgeError as error:
            return _in_spite_of(error, batch)

    async def _claim(self, request: ClaimRequest) -> ClaimBatch:
        """Of queues without rules."""
        asks_record, queue_ids = self._asks_record, self._in_order(request.queue_ids)
        self._pulling.begin()
        if not self._ready.is_answering or (asks_record and not self._pulling.is_ahead):
            batch = await self._from_record(request)
        else:  # what was pulled before is claimed before the record would claim it, too
            batch = await self._claim_pulled(request, queue_ids)
            if asks_record and self._asks_record and _slots(batch.jobs) < request.free:
                batch = await self._with_record(batch, _rest(request, batch.jobs))
        is_full = _slots(batch.jobs) >= request.free
        self._pulling.end(request, queue_ids, is_full=is_full, goes_ahead=not self._asks_record)
        return batch

    async def _claim_pulled(self, request: ClaimRequest, queue_ids: Sequence[QueueId]) -> ClaimBatch:
        batch: ClaimBatch | None = None
        for _ in range(ROUNDS if queue_ids else 0):
            rest = request if batch is None else _rest(request, batch.jobs)
            pulled, is_from_before = await self._pulling.next(rest, queue_ids)
            if pulled is None:
                return await self._with_record(batch, rest)
            promoted = bool(pulled.due) and await self._promote(pulled)
            try:
                claimed = await self._claimed(rest, pulled)
            except TaskforgeError as error:
                self._asks_record = True  # it still has those that were pulled
                return _in_spite_of(error, batch)
            batch = claimed if batch is None else _together(batch, claimed)
            refused = len(pulled.jobs) - len(claimed.jobs)
            if _slots(batch.jobs) >= request.free:
                return batch
            if pulled.gave_up or refused * 2 > len(pulled.jobs):
                await self._prune(queue_ids)
            if pulled.gave_up:
                self._record_has_more = True
            if not (promoted or refused or is_from_before):
                break
        if batch is None:
            return await self._from_record(request)
        return await self._with_record(batch, _rest(request, batch.jobs)) if self._record_has_more else batch

    def _give_back(self, queue_id: QueueId, job_ids: Sequence[UUID]) -> None:
        """Jobs that were pulled and not claimed: they wait where they did."""
        if not self._offering.returned(queue_id, job_ids):
            self._asks_record = True

    async def _claimed(self, request: ClaimRequest, pulled: Pulled) -> ClaimBatch:
        """Those that are really to be had. Without any to ask for, the record is left alone."""
        next_due_at = _moment(pulled.next_due_us)
        if not pulled.jobs:
            now = datetime.fromtimestamp(pulled.now_us / 1e6, UTC)
            return ClaimBatch([], now, next_due_at, self._version)
        claimed = await self._store.claim_these(request, pulled.jobs)
        self._version = claimed.config_version
        self._handed_out.by_queues += len(claimed.jobs)
        if next_due_at is not None and next_due_at <= claimed.now:
            self._asks_record = True  # its clock is ahead of theirs
        return claimed._replace(next_due_at=next_due_at)

    async def _from_record(self, request: ClaimRequest) -> ClaimBatch:
        self._asks_record = self._record_has_more = False
        try:
            batch = await self._jobs.claim(request)
        except BaseException:
            self._asks_record = True
            raise
        self._offering.taken(batch.jobs)
        self._record_has_more = self._record_has_more or len(batch.jobs) >= request.free
        self._version = batch.config_version
        self._handed_out.by_record += len(batch.jobs)
        if batch.next_due_at is not None and batch.next_due_at <= batch.now:
            self._asks_record = True  # what is promoted next is known to it alone
        return batch

    async def _with_record(self, batch: ClaimBatch | None, request: ClaimRequest) -> ClaimBatch:
        if batch is None or not batch.jobs:
            return await self._from_record(request)
        try:
            return _together(batch, await self._from_record(request))
        except TaskforgeError as error:
            return _in_spite_of(error, batch)

    async def _promote(self, pulled: Pulled) -> bool:
        """Have the record promote what is due by the clock of the queues; whether some are ready now."""
        known = 0
        try:
            moved = await self._jobs.promote(self._directory.project_id, PROMOTED_AT_ONCE)
            for queue_id, job_ids in pulled.due.items():
                ready, _ = await self._agreement.on(queue_id, job_ids, due_us=pulled.now_us)
                known += ready
        except TaskforgeError as error:
            logger.warning("jobs that are due stay scheduled for now: %s", error)
            self._asks_record = True
            return False
        self._record_has_more = self._record_has_more or moved > known
        return known > 0

    async def _prune(self, queue_ids: Sequence[QueueId]) -> None:
        try:
            for queue_id in queue_ids:
                await self._agreement.prune(queue_id)
        except TaskforgeError as error:
            logger.debug("stale jobs stay in ready queues: %s", error)

    def _in_order(self, queue_ids: Sequence[QueueId]) -> list[QueueId]:
        """Those that hand out jobs, as far as that is known, in the order in which they are served."""
        queues = [queue for queue_id in queue_ids if (queue := self._directory.by_id(queue_id)) is not None]
        queues.sort(key=lambda queue: (-queue.priority, queue.id))
        return [queue.id for queue in queues if queue.state is not QueueState.PAUSED]


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else datetime.fromtimestamp(microseconds / 1e6, UTC)


def _in_spite_of(error: TaskforgeError, batch: ClaimBatch | None) -> ClaimBatch:
    """What was claimed before something failed must not be lost; raises what it was when nothing was."""
    if batch is None or not batch.jobs:
        raise error
    logger.warning("going on with %d claimed jobs, though: %s", len(batch.jobs), error)
    return batch._replace(is_expected=True)


def _rest(request: ClaimRequest, jobs: Sequence[ClaimedJob]) -> ClaimRequest:
    """What is still wanted beside these jobs."""
    losses = sum(1 for job in jobs if job.losses)
    return request._replace(
        free=max(0, request.free - _slots(jobs)), suspects=max(0, request.suspects - losses)
    )


def _slots(jobs: Sequence[ClaimedJob]) -> int:
    return sum(job.slots for job in jobs)


def _together(batch: ClaimBatch, more: ClaimBatch) -> ClaimBatch:
    """Two claims as one; the second one's time and version are newer."""
    dues = [due for due in (batch.next_due_at, more.next_due_at) if due is not None]
    starts = [start for start in (batch.next_start_at, more.next_start_at) if start is not None]
    return more._replace(
        jobs=[*batch.jobs, *more.jobs],
        next_due_at=min(dues, default=None),
        next_start_at=min(starts, default=None),
        news=[*batch.news, *more.news],
        wanted=batch.wanted or more.wanted,
    )
