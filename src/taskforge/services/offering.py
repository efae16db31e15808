"""Telling the ready queues of jobs that the record has accepted, or taken back: after the commit, beside the caller.

Whoever enqueues does not wait for it, and never fails by it: what cannot be told is announced as jobs are that only the
record knows of, and what a crash leaves untold is found when the two are compared.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from taskforge.domain.errors import TaskforgeError
from taskforge.ports.dispatch import Offer
from taskforge.ports.signals import Hint, Topic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.ids import QueueId
    from taskforge.domain.job import ClaimedJob, NewJob
    from taskforge.domain.queue import Queue
    from taskforge.ports.dispatch import ReadyQueues
    from taskforge.ports.signals import Signals
    from taskforge.services.agreement import Agreement
    from taskforge.services.directory import QueueDirectory

MOST_WAITING = 50_000
"""So many jobs may wait to be told of; for more of a queue, the record is asked."""
TOLD_AT_ONCE = 5_000
SEND_OFF_SECONDS = 1.0

logger = logging.getLogger("taskforge.dispatch")


class Offering:
    """Implements ``Offers`` for one project on one event loop."""

    def __init__(
        self, ready: ReadyQueues, agreement: Agreement, directory: QueueDirectory, signals: Signals
    ) -> None:
        self._ready = ready
        self._agreement = agreement
        self._directory = directory
        self._signals = signals
        self._offers: dict[QueueId, list[Offer]] = {}
        self._returned: dict[QueueId, list[UUID]] = {}
        self._taken: dict[QueueId, list[UUID]] = {}
        self._made: list[QueueId] = []
        self._waiting = 0
        self._sender: asyncio.Task[None] | None = None
        self._knows_taken = asyncio.Event()
        self._knows_taken.set()

    def offer(self, jobs: Sequence[NewJob]) -> None:
        left_to_the_record: set[UUID] = set()
        for job in jobs:
            queue = self._directory.by_id(job.queue_id)
            if queue is None or queue.has_rule or not self._has_room():
                left_to_the_record.add(job.queue_id)
                continue
            lead_us = job.priority * queue.settings.aging_microseconds
            offer = Offer(job.id, job.job_type, _microseconds(job.scheduled_for), job.delay_us or 0, lead_us)
            self._offers.setdefault(queue.id, []).append(offer)
            self._waiting += 1
        for queue_id in left_to_the_record:
            self._announce(Topic.READY, queue_id)
        self._send()

    def returned(self, queue_id: QueueId, job_ids: Sequence[UUID]) -> bool:
        """Jobs wait again, of this queue as far as is known. Whether they will be told of; else that is the caller's business."""
        queue = self._directory.by_id(queue_id)
        if queue is None or queue.has_rule or not self._has_room():
            return False
        self._returned.setdefault(queue_id, []).extend(job_ids)
        self._waiting += len(job_ids)
        self._send()
        return True

    def taken(self, jobs: Sequence[ClaimedJob]) -> None:
        """The record has handed these out itself: ready queues, which may have them, need not offer them in vain."""
        for job in jobs if self._has_room() else ():
            self._taken.setdefault(job.queue_id, []).append(job.id)
            self._waiting += 1
            self._knows_taken.clear()
        self._send()

    def made(self, queues: Sequence[Queue]) -> None:
        """These are new: what they will have is told, so the ready queues have all of it from the beginning."""
        if self._has_room():
            self._made += [queue.id for queue in queues]
            self._waiting += len(queues)
            self._send()

    async def taken_are_told(self) -> None:
        """Return when the ready queues know of all that was ``taken``, or do not answer."""
        await self._knows_taken.wait()

    async def close(self) -> None:
        """Tell what is left, if that does not take long."""
        if self._sender is not None:
            await asyncio.wait({self._sender}, timeout=SEND_OFF_SECONDS)
            self._sender.cancel()
            await asyncio.wait({self._sender})

    def _has_room(self) -> bool:
        return self._ready.is_answering and self._waiting < MOST_WAITING

    def _send(self) -> None:
        if self._waiting and (self._sender is None or self._sender.done()):
            self._sender = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            await self._tell_all()
        finally:
            self._knows_taken.set()

    async def _tell_all(self) -> None:
        while self._made or self._offers or self._returned or self._taken:
            while self._made:
                await self._tell_of_made(self._made.pop())
            while self._taken:  # before the same jobs wait again
                await self._tell_of_taken(*self._taken.popitem())
            self._knows_taken.set()
            while self._offers and not self._taken:
                queue_id, offers = self._offers.popitem()
                if len(offers) > TOLD_AT_ONCE:
                    self._offers[queue_id] = offers[TOLD_AT_ONCE:]
                await self._tell(queue_id, offers[:TOLD_AT_ONCE])
            if self._returned and not self._taken:
                queue_id, job_ids = self._returned.popitem()
                await self._tell_of_returned(queue_id, job_ids)

    async def _tell(self, queue_id: QueueId, offers: Sequence[Offer]) -> None:
        try:
            is_handed = await self._ready.offer(self._directory.project_id, queue_id, offers)
        except TaskforgeError as error:
            logger.debug("%d jobs are left to the database: %s", len(offers), error)
            self._announce(Topic.READY, queue_id)
        else:
            if not is_handed:  # other processes were told with it
                self._announce(Topic.OFFERED, queue_id, elsewhere=False)
        finally:
            self._waiting -= len(offers)

    async def _tell_of_made(self, queue_id: QueueId) -> None:
        try:
            await self._ready.place(self._directory.project_id, queue_id, [], whole=True)
        except TaskforgeError as error:
            logger.debug("a new queue is left to the database at first: %s", error)
        finally:
            self._waiting -= 1

    async def _tell_of_taken(self, queue_id: QueueId, job_ids: Sequence[UUID]) -> None:
        try:
            await self._ready.place(self._directory.project_id, queue_id, [], job_ids)
        except TaskforgeError as error:
            logger.debug("%d jobs are offered in vain: %s", len(job_ids), error)
        finally:
            self._waiting -= len(job_ids)

    async def _tell_of_returned(self, queue_id: QueueId, job_ids: Sequence[UUID]) -> None:
        try:
            _, elsewhere = await self._agreement.on(queue_id, job_ids)
        except TaskforgeError as error:
            logger.debug("%d jobs are left to the database: %s", len(job_ids), error)
            self._announce(Topic.READY, None)
        else:
            self._announce(Topic.OFFERED, None if elsewhere else queue_id)
        finally:
            self._waiting -= len(job_ids)

    def _announce(self, topic: Topic, queue_id: UUID | None, *, elsewhere: bool = True) -> None:
        self._signals.publish(Hint(topic, self._directory.project_id, queue_id), elsewhere=elsewhere)


def _microseconds(moment: datetime | None) -> int | None:
    return None if moment is None else round(moment.timestamp() * 1_000_000)
