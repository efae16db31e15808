"""The in-process link: a worker beside its database. Decides each ended attempt and has it stored."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from taskforge.domain.balancing import is_served_by
from taskforge.domain.errors import NameTaken, TaskforgeError
from taskforge.domain.ids import WorkerId
from taskforge.domain.requirements import abilities, met_by
from taskforge.ports.jobs import ClaimRequest
from taskforge.ports.link import Attempt, BeatReply, Welcome, Work
from taskforge.ports.signals import Hint, Topic
from taskforge.services.announcing import announce
from taskforge.services.beating import Beating
from taskforge.services.breaking import BreakerWatch
from taskforge.services.dispatch import DatabaseDispatch
from taskforge.services.ending import Endings
from taskforge.services.handing_back import released
from taskforge.services.processes import is_alive

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from taskforge.domain.ids import QueueId
    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.outcome import Report
    from taskforge.domain.queue import Queue
    from taskforge.domain.worker import Incidents, Registration, Usage
    from taskforge.ports.dispatch import Dispatch
    from taskforge.ports.jobs import Beat, ClaimBatch, Fence, FencedLine, JobStore
    from taskforge.ports.signals import Signals
    from taskforge.ports.workers import Subscription, WorkerStore
    from taskforge.services.breaking import Breaking
    from taskforge.services.directory import QueueDirectory
    from taskforge.services.lookout import Lookout
    from taskforge.services.lull import Lull

PROMOTE_LIMIT = 1000
PROMOTION_PAUSE = 5.0
BEGINNING_SECONDS = 3.0
WAKING = (Topic.READY, Topic.OFFERED)
HEARD = frozenset({*WAKING, Topic.CANCEL, Topic.QUEUE})
"""What concerns a worker. That jobs have ended is most of what is told, and nothing to it."""

logger = logging.getLogger("taskforge.link")


class LinkOptions(NamedTuple):
    """``lease`` and both polling intervals are seconds; a worker beats every third of a lease."""

    lease: float = 30.0
    poll_hearing: float = 5.0
    poll_deaf: float = 1.0


class DirectLink:
    """Implements ``Link`` over the stores. One worker's; give ``worker_id`` for a second link of it."""

    def __init__(
        self,
        *,
        jobs: JobStore,
        workers: WorkerStore,
        directory: QueueDirectory,
        signals: Signals,
        mint: Callable[[], UUID],
        options: LinkOptions,
        dispatch: Dispatch | None = None,
        breaking: Breaking | None = None,
        worker_id: UUID | None = None,
        lull: Lull | None = None,
        lookout: Lookout | None = None,
    ) -> None:
        self._jobs = jobs
        self._dispatch = dispatch or DatabaseDispatch(jobs)
        self._workers = workers
        self._watch = BreakerWatch(breaking, directory.project_id)
        self._directory = directory
        self._endings = Endings(directory)
        self._signals = signals
        self._mint = mint
        self._options = options
        self._lull = lull
        self._lease_us = round(options.lease * 1_000_000)
        self._worker_id = WorkerId(worker_id or mint())
        self._beating = Beating(jobs, workers, self._worker_id, self._lease_us, lookout)
        self._name = ""
        self._abilities: Mapping[str, Any] = {}
        self._queue_names: Sequence[str] = ()
        self._job_types: Sequence[str] = ()
        self._held: dict[UUID, ClaimedJob] = {}
        self._may_own_more = False
        self._is_expected = True
        self._no_promotion_before = 0.0
        self._following: asyncio.Task[None] | None = None

    @property
    def poll_interval(self) -> float:
        return self._options.poll_hearing if self._signals.hears_others else self._options.poll_deaf

    def lull(self) -> float:
        if self._lull is None or not self._signals.hears_others:
            return 0.0
        return self._lull.left()

    @property
    def poll_intervals(self) -> tuple[float, float]:
        """Both of them: while hints of others arrive, and while not."""
        return self._options.poll_hearing, self._options.poll_deaf

    async def register(self, registration: Registration) -> Welcome:
        await self._directory.declared(registration.queues)
        project = self._directory.project_id
        namesake = await self._workers.register(project, self._worker_id, registration, self._lease_us)
        if namesake is not None and is_alive(namesake) is False:
            there = await self._workers.unstopped_on(namesake.machine)
            await self._workers.forget([w for w, process in there if process == namesake], silence_us=10**15)
            namesake = await self._workers.register(project, self._worker_id, registration, self._lease_us)
        if namesake is not None:
            raise NameTaken(
                f"a worker named {registration.name!r} lives already (host {namesake.host}, pid {namesake.pid})",
                process=namesake,
                hint="stop it, or give this one another --name",
            )
        self._name = registration.name
        self._abilities = abilities(registration.capabilities, registration.type)
        self._queue_names = tuple(registration.queues)
        self._job_types = tuple(task.name for task in registration.tasks)
        while await self._jobs.release_holds(PROMOTE_LIMIT) == PROMOTE_LIMIT:
            pass
        self._signals.publish(Hint(Topic.WORKER, project))
        return Welcome(self._worker_id, self._options.lease, self._options.lease / 3)

    async def resume(self, subscription: Subscription) -> None:
        """Go on for an incarnation that has registered, at another process or before it was started anew."""
        await self._directory.refresh()
        self._name, self._queue_names, self._job_types, self._abilities = subscription

    async def adopt(self, fences: Sequence[Fence]) -> frozenset[UUID]:
        """Which of these executions are this worker's; those not claimed over this link are looked up."""
        unknown = [fence.job_id for fence in fences if fence.execution_id not in self._held]
        if unknown:
            for job in await self._jobs.held(self._directory.project_id, self._worker_id, unknown):
                self._held[job.execution_id] = job
        return frozenset(fence.execution_id for fence in fences if self._holds(fence))

    def _holds(self, fence: Fence) -> bool:
        job = self._held.get(fence.execution_id)
        return job is not None and (job.id, job.claim_seq) == (fence.job_id, fence.claim_seq)

    async def only(self, fences: Sequence[Fence]) -> None:
        """Before the next claim, or on leaving, hand back all that this worker has but for these."""
        own = await self.adopt(fences)
        self._held = {execution_id: job for execution_id, job in self._held.items() if execution_id in own}
        self._may_own_more = True

    def trust_answers(self) -> None:
        """Hand nothing back before the next claim: only the worker itself can say what it has heard of."""
        self._may_own_more = False

    async def claim(self, free: int, suspects: int) -> Work:
        if self._may_own_more:
            await self._hand_back_unheard()
        batch = await self._take(free, suspects)
        for step in (self._with_due, self._with_new_rules):
            try:
                batch = await step(batch, free, suspects)
            except TaskforgeError as error:
                if not batch.jobs:
                    raise
                logger.warning("going on with %d claimed jobs, though: %s", len(batch.jobs), error)
        return self._work(batch)

    def stand_by(
        self, suspects: int, take: Callable[[Work | None, float], None]
    ) -> Callable[[], bool] | None:
        if self._may_own_more or self._ruled():
            return None

        def answered(batch: ClaimBatch | None, asked: float) -> None:
            self._may_own_more = batch is None
            if batch is None or self._directory.holds(batch.config_version):
                take(None if batch is None else self._work(batch), asked)
            else:
                self._following = asyncio.create_task(self._follow(batch, asked, take))

        withdraw = self._dispatch.stand_by(self._request(1, suspects, self._queues()), answered)
        if withdraw is None:
            return None
        return lambda: withdraw() and (self._following is None or self._following.done())

    async def _follow(
        self, batch: ClaimBatch, asked: float, take: Callable[[Work | None, float], None]
    ) -> None:
        """What was claimed by itself runs by the configuration that holds now."""
        try:
            with contextlib.suppress(TaskforgeError):
                await self._directory.follow(batch.config_version)
        finally:
            take(self._work(batch), asked)

    def _work(self, batch: ClaimBatch) -> Work:
        for queue_id in batch.news:
            self._signals.publish(Hint(Topic.READY, self._directory.project_id, queue_id))
        attempts = self._attempts(self._in_order(batch.jobs))
        due_in = None
        if moments := [moment for moment in (batch.next_due_at, batch.next_start_at) if moment is not None]:
            left = (min(moments) - batch.now).total_seconds()
            due_in = max(0.0, left, self._no_promotion_before - time.monotonic())
        return Work(attempts, batch.now, due_in, batch.wanted, not self._ruled())

    async def _with_due(self, batch: ClaimBatch, free: int, suspects: int) -> ClaimBatch:
        """Promotes what is due, and takes of it what there is room for."""
        is_due = batch.next_due_at is not None and batch.next_due_at <= batch.now
        if not is_due or time.monotonic() < self._no_promotion_before:
            return batch
        try:
            await self._jobs.promote(self._directory.project_id, PROMOTE_LIMIT)
        except TaskforgeError:
            self._no_promotion_before = time.monotonic() + PROMOTION_PAUSE  # recovery finds out which is bad
            raise
        return batch if _slots(batch.jobs) >= free else await self._more(batch, free, suspects)

    async def _with_new_rules(self, batch: ClaimBatch, free: int, suspects: int) -> ClaimBatch:
        """Follows the configuration; a rule that was set meanwhile kept its queue out of the first claim."""
        is_new = await self._directory.follow(batch.config_version)
        if is_new and _slots(batch.jobs) < free and self._ruled():
            return await self._more(batch, free, suspects)
        return batch

    async def _hand_back_unheard(self) -> None:
        """Jobs that are this worker's, though the answer that said so was lost, have not begun: let them go."""
        after: UUID | None = None
        while True:
            page = await self._jobs.expired_leases([self._worker_id], after, PROMOTE_LIMIT)
            unheard = [
                lease
                for lease in page
                if lease.worker_id == self._worker_id and lease.execution_id not in self._held
            ]
            if unheard:
                logger.warning("handing back %d jobs whose claim was not heard of", len(unheard))
                await self._jobs.settle([released(lease) for lease in unheard])
            if len(page) < PROMOTE_LIMIT:
                break
            after = page[-1].job_id
        self._may_own_more = False

    async def _take(self, free: int, suspects: int) -> ClaimBatch:
        """A claim whose answer does not come may have been granted."""
        queues = self._queues()
        ruled = [queue.id for queue in queues if queue.has_rule]
        if ruled:
            queues.sort(key=lambda queue: (-queue.priority, queue.id))
        request = self._request(free, suspects, queues, ruled)
        self._may_own_more = self._is_expected = True
        batch = await self._dispatch.claim(request)
        self._may_own_more, self._is_expected = False, batch.is_expected
        return batch

    def _request(
        self, free: int, suspects: int, queues: Sequence[Queue], ruled: Sequence[QueueId] = ()
    ) -> ClaimRequest:
        return ClaimRequest(
            self._directory.project_id,
            self._worker_id,
            [queue.id for queue in queues],
            self._job_types,
            free,
            suspects,
            self._lease_us,
            ruled,
            *met_by(self._abilities, self._directory.requirements),
            self._is_expected,
            [queue.id for queue in queues if queue.settings.is_fair] if ruled else (),
        )

    async def _more(self, batch: ClaimBatch, free: int, suspects: int) -> ClaimBatch:
        """What a claim got, and what another one gets now."""
        suspects = 0 if any(job.losses for job in batch.jobs) else suspects
        more = await self._take(free - _slots(batch.jobs), suspects)
        return more._replace(jobs=[*batch.jobs, *more.jobs], news=[*batch.news, *more.news])

    def _queues(self) -> list[Queue]:
        """The worker's queues, as far as they are known: those it asked for, but by assignment where there is any."""
        known = self._directory.known
        if self._directory.has_assignments:
            every = self._directory.all()
            return [queue for queue in every if is_served_by(queue, self._name, self._queue_names)]
        return [queue for name in self._queue_names if (queue := known(name)) is not None]

    def _ruled(self) -> bool:
        return any(queue.has_rule for queue in self._queues())

    def _in_order(self, jobs: Sequence[ClaimedJob]) -> Sequence[ClaimedJob]:
        """As the claim chose them; an UPDATE answers in any order."""
        if not jobs or all(job.queue_id == jobs[0].queue_id for job in jobs):
            return sorted(jobs, key=lambda job: (job.rank, job.id.int))
        by_id = self._directory.by_id

        def order(job: ClaimedJob) -> tuple[int, UUID, int, UUID]:
            queue = by_id(job.queue_id)
            return (0 if queue is None else -queue.priority, job.queue_id, job.rank, job.id)

        return sorted(jobs, key=order)

    def _attempts(self, jobs: Sequence[ClaimedJob]) -> list[Attempt]:
        attempts = []
        queue_id, name = None, ""
        for job in jobs:
            self._held[job.execution_id] = job
            if job.queue_id is not queue_id:
                queue_id = job.queue_id
                queue = self._directory.by_id(queue_id)
                name = "" if queue is None else queue.name
            policy = self._directory.policy(job)
            timeout = policy.timeout
            if job.deadline is not None:
                timeout = min(timeout, max(0.001, (job.deadline - job.claimed_at).total_seconds()))
            attempts.append(Attempt(job, timeout, policy.max_attempts, name, policy.heartbeat_timeout))
        return attempts

    async def settle(self, reports: Sequence[Report]) -> frozenset[UUID]:
        held = [
            (report, job) for report in reports if (job := self._held.get(report.execution_id)) is not None
        ]
        with contextlib.suppress(TaskforgeError):  # what is known of the queues is the best that there is
            await self._directory.confirm()
        settlements = self._endings.settlements(held)
        settled = await self._jobs.settle(settlements) if settlements else frozenset[UUID]()
        endings = [(job.queue_id, settlement) for (_, job), settlement in zip(held, settlements, strict=True)]
        limited = {queue.id for queue in self._queues() if queue.settings.max_concurrent_jobs is not None}
        announce(self._signals, self._dispatch, self._directory.project_id, endings, limited)
        self._watch.note(self._directory.breakers, settlements)
        ended = [report.execution_id for report in reports]
        self.forget(ended)
        return frozenset(ended) - settled if len(settled) < len(ended) else frozenset()

    async def beat(
        self, beats: Sequence[Beat], incidents: Incidents | None = None, usage: Usage | None = None
    ) -> BeatReply:
        return await self._beating.beat(beats, incidents, usage)

    async def log(self, lines: Sequence[FencedLine]) -> frozenset[UUID]:
        if not lines:
            return frozenset()
        live = await self._jobs.append_lines(lines)
        return frozenset(execution_id for _, _, execution_id, _ in lines) - live

    def forget(self, execution_ids: Sequence[UUID]) -> None:
        for execution_id in execution_ids:
            self._held.pop(execution_id, None)

    async def leave(self) -> None:
        await self._dispatch.leave()
        if self._may_own_more:
            with contextlib.suppress(TaskforgeError):
                await self._hand_back_unheard()
        await self._watch.close()
        await self._workers.stop(self._worker_id)
        self._signals.publish(Hint(Topic.WORKER, self._directory.project_id))

    def on_hint(self, wake: Callable[[], None], cancel: Callable[[], None]) -> Callable[[], None]:
        begun = float("-inf") if self._signals.hears_others else time.monotonic()

        def heard(hint: Hint | None) -> None:
            if hint is None:
                self._dispatch.heard(hint)
                wake()
                # at the beginning one way of hints opens after the other, and a beat would renew what is just being settled
                if time.monotonic() - begun > BEGINNING_SECONDS:
                    cancel()
            elif hint.project_id == self._directory.project_id:
                if self._serves(hint.queue_id):
                    self._dispatch.heard(hint)
                if hint.topic in WAKING and self._serves(hint.queue_id):
                    wake()
                elif hint.topic is Topic.CANCEL:
                    cancel()

        ending = contextlib.ExitStack()
        ending.callback(self._signals.subscribe(heard, HEARD))
        ending.callback(self._beating.attend(lambda: not self._held, cancel))
        return ending.close

    def _serves(self, queue_id: UUID | None) -> bool:
        """Whether a queue may be one of this worker's; one that is not known yet may."""
        queue = None if queue_id is None else self._directory.by_id(queue_id)
        return queue is None or is_served_by(queue, self._name, self._queue_names)


def _slots(jobs: Sequence[ClaimedJob]) -> int:
    """Slots of the worker that these jobs take."""
    return sum(job.slots for job in jobs)
