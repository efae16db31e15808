"""What every process does from time to time, so that no lost worker keeps a job for ever.

Each step works in bounded batches, each row by compare-and-set, and one row that fails does not stop the
rest.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskforge.domain.errors import TaskforgeError
from taskforge.domain.job import AttemptPolicy, attempt_policy
from taskforge.domain.lifecycle import decide
from taskforge.domain.outcome import Lost
from taskforge.domain.queue import QueueSettings
from taskforge.ports.jobs import ExpiredLease, Settlement
from taskforge.ports.signals import Hint, Topic
from taskforge.services.processes import is_alive, this_machine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from taskforge.domain.ids import WorkerId
    from taskforge.ports.jobs import JobStore
    from taskforge.ports.queues import QueueStore
    from taskforge.ports.signals import Signals
    from taskforge.ports.workers import WorkerStore
    from taskforge.services.pauses import PauseWork

BATCH = 500
ROUNDS = 100
FORGET_AFTER_LEASES = 20

logger = logging.getLogger("taskforge.recovery")


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did."""

    rescued: int = 0
    promoted: int = 0
    expired: int = 0
    released: int = 0
    paused: int = 0
    forgotten: int = 0


class Recovery:
    """Looks after all projects of a database. ``lease`` is seconds."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        queues: QueueStore,
        workers: WorkerStore,
        pauses: PauseWork,
        signals: Signals,
        lease: float,
    ) -> None:
        self._jobs = jobs
        self._pauses = pauses
        self._queues = queues
        self._workers = workers
        self._signals = signals
        self._lease = lease

    async def sweep(self) -> Swept:
        """Rescue, promote, expire, release, end what pauses have begun, forget; answers how much of each.

        Asks first whether there is anything to do: on a quiet system a sweep is one statement.
        """
        silence_us = round(self._lease * FORGET_AFTER_LEASES * 1_000_000)
        outlook = await self._jobs.outlook(this_machine() or "unknown", silence_us)
        # a worker whose process on this machine is gone need not be waited for
        dead = [worker_id for worker_id, process in outlook.present if is_alive(process) is False]
        return Swept(
            rescued=await self._rescue(dead) if dead or outlook.expired_leases else 0,
            promoted=await self._all(lambda: self._jobs.promote(None, BATCH)) if outlook.due else 0,
            expired=await self._all(lambda: self._jobs.expire_waiting(BATCH)) if outlook.late else 0,
            released=await self._all(lambda: self._jobs.release_holds(BATCH)) if outlook.held else 0,
            paused=await self._pauses.finish_all() if outlook.unfinished_pauses else 0,
            forgotten=len(await self._workers.forget(dead, silence_us))
            if dead or outlook.silent_workers
            else 0,
        )

    async def _all(self, step: Callable[[], Awaitable[int]]) -> int:
        total = 0
        for _ in range(ROUNDS):
            done = await step()
            total += done
            if done < BATCH:
                break
        return total

    async def _rescue(self, dead: Sequence[WorkerId]) -> int:
        rescued = 0
        after: UUID | None = None
        while True:
            expired = await self._jobs.expired_leases(dead, after, BATCH)
            rescued += await self._rescue_batch(expired, dead)
            if len(expired) < BATCH:
                return rescued
            after = expired[-1].job_id

    async def _rescue_batch(self, expired: Sequence[ExpiredLease], dead: Sequence[WorkerId]) -> int:
        settlements = []
        for lease in expired:
            try:
                settlements.append(self._settlement(lease, await self._policy(lease)))
            except TaskforgeError:
                logger.exception("job %s cannot be rescued", lease.job_id)
        settled = await self._settle(settlements, dead)
        for lease in expired:
            if lease.execution_id in settled:
                logger.warning("worker %s lost job %s", lease.worker_id, lease.job_id)
                self._signals.publish(Hint(Topic.READY, lease.project_id, lease.queue_id))
        return len(settled)

    async def _settle(self, settlements: Sequence[Settlement], dead: Sequence[WorkerId]) -> frozenset[UUID]:
        if not settlements:
            return frozenset()
        try:
            return await self._jobs.settle(settlements, dead_workers=dead)
        except TaskforgeError:
            if len(settlements) == 1:
                logger.exception("job %s cannot be rescued", settlements[0].job_id)
                return frozenset()
            middle = len(settlements) // 2
            return await self._settle(settlements[:middle], dead) | await self._settle(
                settlements[middle:], dead
            )

    async def _policy(self, lease: ExpiredLease) -> AttemptPolicy:
        queue = await self._queues.get(lease.project_id, lease.queue_id)
        return attempt_policy(
            QueueSettings() if queue is None else queue.settings,
            max_attempts=lease.max_attempts,
            manual_retries=lease.manual_retries,
            retry=None,
            timeout_ms=None,
        )

    def _settlement(self, lease: ExpiredLease, policy: AttemptPolicy) -> Settlement:
        # a worker runs one job with losses at a time; when there is one, its neighbours are innocent
        blamed = lease.losses > 0 or not lease.has_suspect_neighbour
        transition = decide(
            Lost(blamed=blamed, cancel_requested=lease.cancel_requested),
            policy,
            attempt=lease.attempt,
            losses=lease.losses,
            random=random.random,
        )
        return Settlement(
            lease.job_id, lease.claim_seq, lease.execution_id, transition, None, None, lost_only=True
        )
