"""What every process does from time to time, so that no lost worker keeps a job for ever.

Each step works in bounded batches, each row by compare-and-set, and one row that fails does not stop the
rest.
"""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskforge.domain.access import system
from taskforge.domain.attempt_policy import AttemptPolicy, attempt_policy
from taskforge.domain.errors import TaskforgeError, TooSlow, Unavailable
from taskforge.domain.ids import ProjectId, WorkerId
from taskforge.domain.keys import ConcurrencyKey
from taskforge.domain.lifecycle import decide
from taskforge.domain.outcome import Lost
from taskforge.domain.queue import QueueSettings
from taskforge.ports.acting import acting
from taskforge.ports.jobs import ExpiredLease, Question, Settlement
from taskforge.ports.signals import Hint, Topic
from taskforge.services.processes import is_alive, this_machine

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from taskforge.ports.jobs import JobStore, Outlook, Overdue
    from taskforge.ports.queues import QueueStore
    from taskforge.ports.signals import Signals
    from taskforge.ports.workers import WorkerStore
    from taskforge.services.breaking import Breaking
    from taskforge.services.lookout import Lookout
    from taskforge.services.lull import Lull
    from taskforge.services.pauses import PauseWork

RECOVERY = system("recovery")
BATCH = 500
KEYS = 100
ROUNDS = 100
FORGET_AFTER_LEASES = 20
MOST_REFUSED = 1000
"""Jobs that could not be moved and are left out of the batches of this process; the oldest are tried again."""

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
    placed: int = 0
    turned: int = 0


class Recovery:
    """Looks after all projects of a database. ``lease`` is seconds."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        queues: QueueStore,
        workers: WorkerStore,
        pauses: PauseWork,
        breaking: Breaking,
        signals: Signals,
        lease: float,
        lull: Lull,
        lookout: Lookout | None = None,
    ) -> None:
        self._jobs = jobs
        self._pauses = pauses
        self._breaking = breaking
        self._queues = queues
        self._workers = workers
        self._signals = signals
        self._lull = lull
        self._lookout = lookout
        self._silence_us = round(lease * FORGET_AFTER_LEASES * 1_000_000)
        self._refused: dict[UUID, None] = {}
        self._after_key: ConcurrencyKey | None = None

    async def look(self) -> Outlook:
        """Ask what there is to do, of recovery and of every process's other chores."""
        asked = self._lull.clock()
        question = Question(this_machine() or "unknown", self._silence_us, round(self._lull.span * 1_000_000))
        outlook = None if self._lookout is None else await self._lookout.ask(question)
        if outlook is None:
            outlook = await self._jobs.outlook(*question)
        self._lull.note(asked, outlook)
        return outlook

    async def sweep(self, outlook: Outlook | None = None) -> Swept:
        """Rescue, promote, expire, release, end what pauses have begun, forget, give places, turn breakers; how much
        of each.

        Asks first whether there is anything to do, unless it is told: on a quiet system a sweep is one statement.
        What one step raises is raised when the others have had their turn.
        """
        if outlook is None:
            outlook = await self.look()
        # a worker whose process on this machine is gone need not be waited for
        dead = [worker_id for worker_id, process in outlook.present if is_alive(process) is False]
        steps: dict[str, tuple[object, Callable[[], Awaitable[int]]]] = {
            "rescued": (dead or outlook.expired_leases, lambda: self._rescue(dead)),
            "promoted": (outlook.due, lambda: self._all("due")),
            "expired": (outlook.late, lambda: self._all("late")),
            "released": (outlook.held, lambda: self._all("held")),
            "paused": (outlook.unfinished_pauses, self._pauses.finish_all),
            "forgotten": (dead or outlook.silent_workers, lambda: self._forget(dead)),
            "placed": (outlook.keyed, self._place),
            "turned": (outlook.has_breakers, self._breaking.look_at_all),
        }
        done: dict[str, int] = {}
        failure: TaskforgeError | None = None
        for name, step in [(name, step) for name, (is_due, step) in steps.items() if is_due]:
            try:
                done[name] = await step()
            except TaskforgeError as error:
                logger.warning("recovery: nothing %s for now: %s", name, error)
                failure = failure or error
        if failure is not None:
            raise failure
        return Swept(**done)

    async def _forget(self, dead: Sequence[WorkerId]) -> int:
        with acting(RECOVERY):
            return len(await self._workers.forget(dead, self._silence_us))

    async def _place(self) -> int:
        """Give what places a crash has left free: one page of keys in each sweep."""
        keys, self._after_key = await self._jobs.keys_out_of_step(self._after_key, KEYS)
        placed = await self._jobs.give_places(keys)
        for project_id in {key.project_id for key in keys}:
            self._signals.publish(Hint(Topic.READY, project_id))
        return placed

    async def _all(self, kind: Overdue) -> int:
        total = 0
        for _ in range(ROUNDS):
            try:
                done = await self._move(kind, BATCH)
            except Unavailable:
                raise
            except TaskforgeError:
                done = await self._one_by_one(kind)
            total += done
            if done < BATCH:
                break
        return total

    async def _one_by_one(self, kind: Overdue) -> int:
        """The batch was refused, so one of its rows is bad: find out which, and leave it out from now on."""
        moved = 0
        for job_id in await self._jobs.overdue(kind, BATCH, skip=self._refused):
            try:
                moved += await self._move(kind, 1, job_id)
            except Unavailable:
                raise
            except TaskforgeError as error:
                logger.error("job %s is %s, and refuses to be moved: %s", job_id, kind, error)
                self._refused[job_id] = None
                if len(self._refused) > MOST_REFUSED:
                    del self._refused[next(iter(self._refused))]
        return moved

    async def _move(self, kind: Overdue, limit: int, only: UUID | None = None) -> int:
        """What moved is ready now, or has left its place to another job: whoever can run it is told."""
        touched: set[ProjectId] = set()
        if kind == "due":
            moved = await self._jobs.promote(None, limit, skip=self._refused, only=only, touched=touched)
        elif kind == "late":
            moved = await self._jobs.expire_waiting(limit, skip=self._refused, only=only, touched=touched)
        else:
            moved = await self._jobs.release_holds(limit, skip=self._refused, only=only, touched=touched)
        for project_id in touched:
            self._signals.publish(Hint(Topic.READY, project_id))
        return moved

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
        suspected = [WorkerId(lease.worker_id) for lease in expired if lease.losses]
        if suspected:  # noted before these are settled: others may find the neighbours later, and alone
            await self._workers.note_lost_suspects(suspected)
        settlements = []
        for lease in expired:
            try:
                settlements.append(self._settlement(lease, await self._policy(lease)))
            except Unavailable:
                raise
            except Exception:
                logger.exception("job %s cannot be rescued", lease.job_id)
        settled = await self._settle(settlements, dead)
        for lease in expired:
            if lease.execution_id in settled:
                logger.warning("worker %s lost job %s", lease.worker_id, lease.job_id)
                self._signals.publish(Hint(Topic.READY, lease.project_id, lease.queue_id))
        return len(settled)

    async def _settle(self, settlements: Sequence[Settlement], dead: Sequence[WorkerId]) -> frozenset[UUID]:
        """Those that still held. One that the database refuses does not stop the rest."""
        if not settlements:
            return frozenset()
        try:
            return await self._jobs.settle(settlements, dead_workers=dead)
        except TaskforgeError as error:
            if isinstance(error, Unavailable) and not isinstance(error, TooSlow):
                raise
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
            lease.job_id,
            lease.claim_seq,
            lease.execution_id,
            transition,
            None,
            None,
            lost_only=True,
            concurrency_key=None
            if lease.concurrency_key is None
            else ConcurrencyKey(lease.project_id, lease.concurrency_key),
            job_type=lease.job_type,
            is_watched=True,
        )
