"""Scaling policies and decisions on every database: kept, decided by one, carried out in an order that survives."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from taskforge.domain.errors import Conflict, InvalidInput, NotFound, ProvisionerFailed
from taskforge.domain.ids import WorkerId
from taskforge.domain.queue import QueueState
from taskforge.domain.scaling import ScalingOutcome
from taskforge.domain.scaling_policy import ProvisionerKind
from taskforge.domain.worker import TaskDescription
from taskforge.ports.scaling import Capacity
from taskforge.services.autoscaling import KEPT, Autoscaling
from taskforge.services.health import Health
from taskforge.services.leadership import Leadership
from taskforge.services.scaling import Scaling, ScalingStores
from taskforge.storage.health import SqlHealthStore
from taskforge.storage.leases import SqlLeaseStore
from taskforge.storage.metrics import SqlMetricsStore
from taskforge.storage.scaling import SqlScalingStore
from tests.conformance.stage import LEASE, registration

if TYPE_CHECKING:
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.queue import Queue
    from taskforge.domain.scaling import ScalingDecision
    from taskforge.ports.scaling import Order
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

WEBHOOK = {"provisioner": "webhook", "scale_up_cooldown": 10, "scale_down_cooldown": 20, "max_workers": 5}


class Silent:
    """Hears of hints and tells nobody."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def publish(self, hint: Any, *, elsewhere: bool = True) -> None:
        self.heard.append(hint)


class Hand:
    """A provisioner that does what a test says."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.failure: Exception | None = None
        self.capacity: Capacity | None = None

    async def look(self, queue_name: str, target: str | None) -> Capacity | None:
        return self.capacity

    async def scale(self, order: Order) -> str:
        self.orders.append(order)
        if self.failure is not None:
            raise self.failure
        return "as ordered"

    async def close(self) -> None:
        pass


class Yard:
    """A project with the services that scale it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.hand = Hand()
        self.signals = Silent()
        self.store = SqlScalingStore(stage.engine, stage.mint)
        self.scaling = self.of(stage.project)

    def of(self, project_id: ProjectId) -> Scaling:
        stage = self.stage
        metrics = SqlMetricsStore(stage.engine)
        ticks: Any = None
        health = Health(
            SqlHealthStore(stage.engine),
            stage.workers,
            stage.queues,
            project_id,
            lease=LEASE,
            interval=10,
            ticks=ticks,
        )
        stores = ScalingStores(self.store, metrics, stage.queues, stage.workers)
        signals: Any = self.signals
        return Scaling(stores, health, signals, project_id, {ProvisionerKind.WEBHOOK: self.hand})

    def autoscaler(self, number: int = 1) -> Autoscaling:
        lead = Leadership(SqlLeaseStore(self.stage.engine), "a", UUID(int=number), monotonic=self.seconds)
        kinds = {ProvisionerKind.NONE, ProvisionerKind.WEBHOOK}
        return Autoscaling(self.store, lead, self.of, kinds, monotonic=self.seconds)

    def seconds(self) -> float:
        return self.stage.clock.now().timestamp()

    async def queue(self, **policy: Any) -> Queue:
        """A queue with a policy, for jobs of a type that is known."""
        queue = await self.stage.queue()
        await self.stage.workers.declare(self.stage.project, [TaskDescription("t", "default")])
        await self.scaling.create("default", {**WEBHOOK, **policy})
        return queue

    async def worker(self, name: str, *queues: str) -> WorkerId:
        """One of ten slots that is online."""
        worker_id = WorkerId(self.stage.mint())
        given = replace(registration(name, "t"), queues=queues or ("default",))
        await self.stage.workers.register(self.stage.project, worker_id, given, round(LEASE * 1e6))
        return worker_id

    async def execute(self) -> ScalingDecision | None:
        return (await self.scaling.execute("default"))[1]


@pytest.fixture
def yard(stage: Stage) -> Yard:
    return Yard(stage)


async def test_policies_are_made_changed_and_removed(yard: Yard) -> None:
    queue = await yard.stage.queue()
    made = await yard.scaling.create("default", {"max_workers": 4, "target_age_seconds": 30})
    assert (made.queue_id, made.policy.max_workers, made.policy.target_age_seconds) == (queue.id, 4, 30)
    with pytest.raises(Conflict, match="already"):
        await yard.scaling.create(queue.id, {})
    yard.stage.clock.advance(1)
    changed = await yard.scaling.change("default", {"min_workers": 2, "target_age_seconds": None})
    assert (changed.policy.min_workers, changed.policy.target_age_seconds) == (2, None)
    assert changed.updated_at > made.updated_at
    with pytest.raises(InvalidInput) as caught:
        await yard.scaling.change("default", {"max_workers": 1})
    assert caught.value.field == "min_workers"
    assert await yard.scaling.get("default") == changed
    assert await yard.of(await yard.stage.other_project()).list() == []
    await yard.scaling.delete("default")
    for attempt in (yard.scaling.get("default"), yard.scaling.delete(queue.id), yard.scaling.get("nothing")):
        with pytest.raises(NotFound):
            await attempt


async def test_a_policy_goes_with_its_queue(yard: Yard) -> None:
    queue = await yard.stage.queue()
    await yard.scaling.create("default", {})
    assert await yard.stage.queues.delete(yard.stage.project, queue.id) == {}
    assert await yard.scaling.list() == []


async def test_up_and_down_with_cooldowns_and_a_record(yard: Yard) -> None:
    queue = await yard.queue(scale_down_threshold=3)
    assert await yard.execute() is None
    await yard.stage.add(queue, 35)
    up = await yard.execute()
    assert up is not None
    assert (up.workers, up.desired, up.reason, up.outcome) == (0, 4, "queue_length", "done")
    assert (up.detail, up.actor, up.figures["ready"]) == ("as ordered", "program", 35)
    assert await yard.execute() is None
    yard.stage.clock.advance(15)
    evaluation = await yard.scaling.evaluate("default")
    assert evaluation.recommendation.workers == 4, "those that were asked for are not asked for again"
    assert await yard.execute() is None
    names = [f"w{number}" for number in range(4)]
    ids = [await yard.worker(name) for name in names]
    assert len(await yard.stage.claim(queue, worker=ids[0], free=2)) == 2
    await yard.stage.write(replace(queue, state=QueueState.PAUSED))
    yard.stage.clock.advance(10)
    down = await yard.execute()
    assert down is not None
    assert (down.workers, down.desired, sorted(down.drained)) == (4, 1, names[1:])
    assert [(order.workers, order.desired) for order in yard.hand.orders] == [(0, 4), (4, 1)]
    assert sorted(name for name, _ in yard.hand.orders[1].leaving) == names[1:]
    assert [decision.id for decision in await yard.scaling.decisions("default")] == [down.id, up.id]
    assert [d.id for d in await yard.scaling.decisions(before=down.id)] == [up.id]


async def test_what_serves_other_queues_or_runs_something_stays(yard: Yard) -> None:
    queue = await yard.queue(scale_down_threshold=3)
    await yard.stage.queue("other")
    busy = await yard.worker("busy")
    await yard.worker("shared", "default", "other")
    await yard.worker("idle")
    await yard.stage.add(queue)
    await yard.stage.claim(queue, worker=busy)
    down = await yard.execute()
    assert down is not None
    assert (down.workers, down.desired, down.drained) == (3, 2, ["idle"])
    drained = await yard.store.drain_idle(yard.stage.project, [busy], 1)
    assert drained == [], "the statement itself looks"


async def test_a_failure_is_counted_recorded_and_taken_back(yard: Yard) -> None:
    await yard.queue(scale_up_cooldown=0, scale_down_cooldown=0)
    worker_id = await yard.worker("idle")
    yard.hand.failure = ProvisionerFailed("no such deployment")
    for failures, pause in ((1, 5), (2, 10), (3, 20)):
        await yard.stage.beat(worker=worker_id)
        failed = await yard.execute()
        assert failed is not None
        assert (failed.outcome, failed.detail) == (ScalingOutcome.FAILED, "no such deployment")
        stored = await yard.scaling.get("default")
        assert (stored.failures, stored.confirmed_workers) == (failures, None)
        worker = await yard.stage.workers.get(yard.stage.project, worker_id)
        assert worker is not None
        assert worker.drain_requested_at is None
        assert await yard.execute() is None
        yard.stage.clock.advance(pause - 1)
        assert await yard.autoscaler().round() == 0
        yard.stage.clock.advance(1)
    await yard.stage.beat(worker=worker_id)
    yard.hand.failure = ZeroDivisionError("a defect")
    failed = await yard.execute()
    assert failed is not None
    assert failed.detail == "ZeroDivisionError: a defect"
    yard.hand.failure = None
    yard.stage.clock.advance(40)
    await yard.stage.beat(worker=worker_id)
    assert await yard.autoscaler().round() == 1
    assert (await yard.scaling.get("default")).failures == 0


async def test_of_two_that_look_at_once_one_acts(yard: Yard) -> None:
    queue = await yard.queue(scale_up_cooldown=0)
    stored = await yard.scaling.get("default")
    await yard.stage.add(queue, 35)
    found = await asyncio.gather(*(yard.of(yard.stage.project).carry_out(stored) for _ in range(4)))
    assert len([decision for _, decision in found if decision is not None]) == 1
    assert len(yard.hand.orders) == 1


async def test_one_that_died_in_between_leaves_a_cooldown_and_is_decided_anew(yard: Yard) -> None:
    queue = await yard.queue()
    stored = await yard.scaling.get("default")
    await yard.stage.add(queue, 35)
    found = (await yard.scaling.evaluate("default")).recommendation
    begun = await yard.store.begin(stored, found)
    assert begun is not None
    [left] = await yard.scaling.decisions()
    assert left.outcome is ScalingOutcome.BEGUN
    assert await yard.execute() is None
    yard.stage.clock.advance(10)
    again = await yard.execute()
    assert again is not None
    assert (again.workers, again.desired) == (0, 4)


async def test_one_autoscaler_leads_and_another_goes_on(yard: Yard) -> None:
    queue = await yard.queue(provisioner="none")
    await yard.stage.add(queue, 35)
    first, second = yard.autoscaler(1), yard.autoscaler(2)
    assert await first.round() == 1
    [decision] = await yard.scaling.decisions()
    assert (decision.outcome, decision.actor) == (ScalingOutcome.RECOMMENDED, "autoscaler")
    yard.stage.clock.advance(11)
    await yard.stage.add(queue, 10)
    assert await second.round() == 0
    await first.resign()
    assert await second.round() == 1
    yard.stage.clock.advance(31)
    await yard.scaling.change("default", {"min_workers": 5, "enabled": False})
    assert await first.round() == 0
    yard.stage.clock.advance(KEPT / timedelta(seconds=1))
    await first.round()
    assert await yard.scaling.decisions() == []


async def test_jobs_that_nobody_knows_yet_ask_for_one_worker(yard: Yard) -> None:
    queue = await yard.queue()
    await yard.stage.add(queue, 3, "unknown")
    found = (await yard.scaling.evaluate("default")).recommendation
    assert (found.desired, found.reason) == (1, "activation")


async def test_a_provisioner_that_knows_its_own_workers_is_believed(yard: Yard) -> None:
    await yard.queue()
    await yard.worker("own")
    await yard.worker("came otherwise")
    yard.hand.capacity = Capacity(3, frozenset({"own", "starting", "another"}))
    evaluation = await yard.scaling.evaluate("default")
    assert evaluation.recommendation.workers == 4
    assert [worker.name for worker in evaluation.idle] == ["own"]
    yard.hand.capacity = Capacity(7)
    evaluation = await yard.scaling.evaluate("default")
    assert (evaluation.recommendation.workers, evaluation.recommendation.desired) == (7, 5)
