"""The scaling policies of one project: kept, evaluated, carried out.

To evaluate changes nothing. To carry out means, in this order: note that it is done (so that of two who look at once
one does it, and the cooldown begins), ask idle workers to leave, give the provisioner its order within a limit of
time, note what came of it. Whoever dies in between leaves a decision that has only begun, and a cooldown; afterwards
it is decided anew from what is then seen. An order names the number that is wanted, so a provisioner that lies, or
gets it twice, is never asked for more than the maximum.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.domain.balancing import is_served_by
from taskforge.domain.errors import Conflict, NotFound, ProvisionerFailed
from taskforge.domain.ids import QueueId
from taskforge.domain.queue import QueueState
from taskforge.domain.scaling import ScalingOutcome, Sight, recommend
from taskforge.domain.scaling_policy import ProvisionerKind, ScalingAction, ScalingPolicy
from taskforge.domain.worker import WorkerStatus
from taskforge.ports.scaling import Ended, Order
from taskforge.ports.signals import Hint, Topic
from taskforge.services.directory import near

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.queue import Queue
    from taskforge.domain.scaling import Recommendation, ScalingDecision, StoredPolicy
    from taskforge.domain.worker import Worker
    from taskforge.ports.queues import QueueStore
    from taskforge.ports.record import MetricsStore
    from taskforge.ports.scaling import Capacity, Provisioner, ScalingStore
    from taskforge.ports.signals import Signals
    from taskforge.ports.workers import WorkerStore
    from taskforge.services.health import Health

LOOK_SECONDS = 5.0
ORDER_SECONDS = 20.0
COUNTED = 100_000

logger = logging.getLogger("taskforge.scaling")


class Evaluation(NamedTuple):
    """What a policy recommends now. ``idle`` are the workers that could leave, the newest first."""

    stored: StoredPolicy
    recommendation: Recommendation
    evaluated_at: datetime
    idle: Sequence[Worker]


class ScalingStores(NamedTuple):
    """What policies are kept in, and what is looked at."""

    policies: ScalingStore
    metrics: MetricsStore
    queues: QueueStore
    workers: WorkerStore


class Scaling:
    """Policies by their queue: its name or its id. ``provisioners`` are those that can be used from here."""

    def __init__(
        self,
        stores: ScalingStores,
        health: Health,
        signals: Signals,
        project_id: ProjectId,
        provisioners: Mapping[ProvisionerKind, Provisioner],
    ) -> None:
        self._policies, self._metrics, self._queues, self._workers = stores
        self._health = health
        self._signals = signals
        self._project_id = project_id
        self._provisioners = provisioners

    async def now(self) -> datetime:
        """The database's time."""
        return await self._health.now()

    async def list(self) -> Sequence[StoredPolicy]:
        """All policies by the names of their queues."""
        return await self._policies.list(self._project_id)

    async def get(self, which: str | UUID) -> StoredPolicy:
        """The policy of a queue. Raises NotFound."""
        queue = await self._queue(which)
        stored = await self._policies.get(self._project_id, queue.id)
        if stored is None:
            raise _without_policy(queue)
        return stored

    async def create(self, which: str | UUID, values: Mapping[str, Any]) -> StoredPolicy:
        """Give a queue a policy. Raises InvalidInput naming the field, NotFound, Conflict when it has one."""
        policy = ScalingPolicy.parse(values)
        queue = await self._queue(which)
        stored = await self._policies.create(self._project_id, queue.id, policy)
        if stored is None:
            raise Conflict(f"queue {queue.name!r} has a scaling policy already", hint="change it")
        self._changed(queue.id)
        return stored

    async def change(
        self,
        which: str | UUID,
        values: Mapping[str, Any],
        *,
        check: Callable[[StoredPolicy], None] = lambda stored: None,
    ) -> StoredPolicy:
        """Change fields; None goes back to the default. ``check`` may refuse what it sees. Raises InvalidInput, NotFound."""
        queue = await self._queue(which)

        def change(stored: StoredPolicy) -> ScalingPolicy:
            check(stored)
            return stored.policy.changed(values)

        after = await self._policies.change(self._project_id, queue.id, change)
        if after is None:
            raise _without_policy(queue)
        self._changed(queue.id)
        return after

    async def delete(
        self, which: str | UUID, *, check: Callable[[StoredPolicy], None] = lambda stored: None
    ) -> StoredPolicy:
        """Remove the policy; workers stay as they are. Raises NotFound."""
        queue = await self._queue(which)
        gone = await self._policies.delete(self._project_id, queue.id, check)
        if gone is None:
            raise _without_policy(queue)
        self._changed(queue.id)
        return gone

    async def decisions(
        self, which: str | UUID | None = None, *, before: UUID | None = None, limit: int = 20
    ) -> Sequence[ScalingDecision]:
        """What was decided and carried out, the latest first; of one queue or of all."""
        queue_id = None if which is None else (await self._queue(which)).id
        return await self._policies.decisions(self._project_id, queue_id, before, limit)

    async def evaluate(self, which: str | UUID) -> Evaluation:
        """What the policy of a queue recommends now; changes nothing. Raises NotFound."""
        return await self._evaluate(await self.get(which))

    async def evaluate_all(self) -> Sequence[Evaluation]:
        """What every policy of the project recommends now."""
        return [await self._evaluate(stored) for stored in await self.list()]

    async def execute(self, which: str | UUID) -> tuple[Evaluation, ScalingDecision | None]:
        """Evaluate, and carry out what is recommended, if anything. Raises NotFound, Conflict (not from here)."""
        stored = await self.get(which)
        kind = stored.policy.provisioner
        if kind is not ProvisionerKind.NONE and kind not in self._provisioners:
            raise Conflict(
                f"workers of the provisioner {kind} are not started from here",
                hint="the process that runs them does it: taskforge scaling run, or taskforge dev --autoscale",
            )
        return await self.carry_out(stored)

    async def carry_out(self, stored: StoredPolicy) -> tuple[Evaluation, ScalingDecision | None]:
        """`execute` for a policy that was read already; nothing when somebody else has been first."""
        evaluation = await self._evaluate(stored)
        found = evaluation.recommendation
        if found.action is None:
            return evaluation, None
        begun = await self._policies.begin(stored, found)
        if begun is None:
            return evaluation, None
        desired, ended = await self._done(evaluation, begun.decision_id)
        decision = await self._policies.end(stored, begun, desired, ended)
        logger.log(
            logging.WARNING if ended.outcome is ScalingOutcome.FAILED else logging.INFO,
            "queue %s: %s from %d to %d workers (%s): %s%s",
            stored.queue_name,
            found.action,
            found.workers,
            desired,
            found.message,
            ended.outcome,
            f", {ended.detail}" if ended.detail else "",
        )
        self._changed(stored.queue_id)
        return evaluation, decision

    async def _done(self, evaluation: Evaluation, decision_id: UUID) -> tuple[int, Ended]:
        """Carry it out; the number that was ordered, and what came of it."""
        stored, found = evaluation.stored, evaluation.recommendation
        if stored.policy.provisioner is ProvisionerKind.NONE or found.action is None:
            return found.desired, Ended(ScalingOutcome.RECOMMENDED, None, ())
        desired = found.desired
        leaving: Sequence[Worker] = ()
        if found.action is ScalingAction.SCALE_DOWN:
            absent = max(0, found.workers - found.figures["online_workers"])
            leaving = await self._drain(evaluation.idle, found.count)
            desired = found.workers - min(found.count, len(leaving) + absent)
            if desired == found.workers:
                return desired, Ended(ScalingOutcome.DONE, "every worker has begun something", ())
        order = Order(
            decision_id=decision_id,
            project_id=stored.project_id,
            queue_id=stored.queue_id,
            queue_name=stored.queue_name,
            action=found.action,
            workers=found.workers,
            desired=desired,
            most=stored.policy.max_workers,
            target=stored.policy.target,
            reason=found.reason,
            message=found.message,
            leaving=[(worker.name, worker.process.host) for worker in leaving],
        )
        names = [worker.name for worker in leaving]
        try:
            async with asyncio.timeout(ORDER_SECONDS):
                detail = await self._provisioners[stored.policy.provisioner].scale(order)
        except TimeoutError:
            failure = f"it did not answer within {ORDER_SECONDS:g} s"
        except ProvisionerFailed as error:
            failure = error.message
        except Exception as error:
            logger.exception("the provisioner %s failed", stored.policy.provisioner)
            failure = f"{type(error).__name__}: {error}"
        else:
            return desired, Ended(ScalingOutcome.DONE, detail, names)
        for worker in leaving:
            await self._workers.set_drain(self._project_id, worker.id, drain=False)
        return found.desired, Ended(ScalingOutcome.FAILED, failure, ())

    async def _drain(self, idle: Sequence[Worker], most: int) -> Sequence[Worker]:
        drained = await self._policies.drain_idle(self._project_id, [worker.id for worker in idle], most)
        ids = {worker_id for worker_id, _ in drained}
        if ids:
            self._signals.publish(
                Hint(Topic.CANCEL, self._project_id)
            )  # workers beat at once, and hear of it
        return [worker for worker in idle if worker.id in ids]

    async def _evaluate(self, stored: StoredPolicy) -> Evaluation:
        queue = await self._queues.get(self._project_id, stored.queue_id)
        depths = await self._metrics.depths(self._project_id, stored.queue_id, COUNTED)
        if queue is None or not depths:
            raise NotFound(f"queue {stored.queue_name!r} was deleted just now")
        [depth] = depths
        capacity, trouble = await self._capacity(stored)
        queues = await self._queues.list(self._project_id)
        present = await self._health.workers()
        serving = [
            worker
            for worker, status in present
            if status is WorkerStatus.ONLINE and is_served_by(queue, worker.name, worker.queues)
        ]
        draining = [worker.name for worker, status in present if status is WorkerStatus.DRAINING]
        workers = _standing(stored, capacity, serving, draining)
        names = None if capacity is None else capacity.names
        idle = [
            worker
            for worker in serving
            if not worker.active_jobs
            and sum(is_served_by(other, worker.name, worker.queues) for other in queues) == 1
            and (names is None or worker.name in names)
        ]
        absent = max(0, workers - len(serving)) if names is None else 0
        sight = Sight(
            ready=depth.ready,
            processing=depth.processing,
            oldest_seconds=depth.latency_us / 1_000_000 if depth.ready else 0.0,
            workers=workers,
            online=len(serving),
            slots=sum(worker.max_concurrent_jobs for worker in serving),
            active=sum(worker.active_jobs for worker in serving),
            removable=min(workers, len(idle) + absent),
            awaited=await self._policies.is_awaited(self._project_id, stored.queue_id),
            is_paused=queue.state is QueueState.PAUSED,
        )
        found = recommend(stored.policy, sight, stored.last, depth.now)
        told = {
            "provisioned_workers": None if capacity is None else capacity.workers,
            "provisioner_trouble": trouble,
        }
        return Evaluation(stored, replace(found, figures={**found.figures, **told}), depth.now, idle)

    async def _capacity(self, stored: StoredPolicy) -> tuple[Capacity | None, str | None]:
        """How many workers the provisioner keeps, as far as it can tell; and what is wrong with it."""
        provisioner = self._provisioners.get(stored.policy.provisioner)
        if provisioner is None:
            return None, None
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                return await provisioner.look(stored.queue_name, stored.policy.target), None
        except TimeoutError:
            return None, f"it did not answer within {LOOK_SECONDS:g} s"
        except ProvisionerFailed as error:
            return None, error.message
        except Exception as error:
            logger.exception("the provisioner %s failed", stored.policy.provisioner)
            return None, f"{type(error).__name__}: {error}"

    async def _queue(self, which: str | UUID) -> Queue:
        if not isinstance(which, str):
            found = await self._queues.get(self._project_id, QueueId(which))
            if found is None:
                raise NotFound(f"no queue has the id {which}")
            return found
        found = await self._queues.find(self._project_id, which)
        if found is None:
            known = [queue.name for queue in await self._queues.list(self._project_id)]
            raise NotFound(f"no queue is named {which!r:.120}", hint=near(which, known))
        return found

    def _changed(self, queue_id: QueueId) -> None:
        self._signals.publish(Hint(Topic.QUEUE, self._project_id, queue_id))


def _standing(
    stored: StoredPolicy, capacity: Capacity | None, serving: Sequence[Worker], draining: Sequence[str]
) -> int:
    """The number that a decision starts from.

    What the provisioner keeps, with those who came otherwise, where it knows its own; else what it was last brought
    to; else those that are online. So workers that have been asked for and have not come yet are not asked for again.
    """
    if capacity is None:
        return len(serving) if stored.confirmed_workers is None else stored.confirmed_workers
    if capacity.names is None:
        return capacity.workers
    leaving = len(capacity.names.intersection(draining))
    others = [worker for worker in serving if worker.name not in capacity.names]
    return capacity.workers - leaving + len(others)


def _without_policy(queue: Queue) -> NotFound:
    return NotFound(
        f"queue {queue.name!r} has no scaling policy",
        hint=f"taskforge scaling set {queue.name} max_workers=4",
    )
