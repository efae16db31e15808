"""Alert rules on every database: what they measure, that one looks at a time, and that nothing told is lost."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.domain.access import system
from taskforge.domain.alert import AlertStatus
from taskforge.domain.alert_rule import RuleKind, rule_spec
from taskforge.domain.breaker import STANDARD, BreakerState, Turn
from taskforge.domain.delivery import DELIVER, QUEUE, DeliveryStatus
from taskforge.domain.errors import Conflict, QueueClosed
from taskforge.domain.outcome import Succeeded
from taskforge.domain.queue import QueueState
from taskforge.domain.receiver import ReceiverKind, Secrets
from taskforge.domain.scaling_policy import ScalingPolicy
from taskforge.domain.worker import TaskDescription
from taskforge.ports.acting import acting
from taskforge.ports.alerts import NewSilence
from taskforge.services.evaluating import Evaluating
from taskforge.services.health import Health
from taskforge.services.measuring import Measuring
from taskforge.services.metrics import Metrics
from taskforge.services.scaling import Scaling, ScalingStores
from taskforge.storage.alerts import SqlAlertStore
from taskforge.storage.health import SqlHealthStore
from taskforge.storage.measures import SqlMeasureStore
from taskforge.storage.metrics import SqlMetricsStore
from taskforge.storage.receivers import SqlReceiverStore
from taskforge.storage.retention import SqlRetentionStore
from taskforge.storage.scaling import SqlScalingStore
from taskforge.storage.telling import Telling
from tests.conformance.scheduling import Yard
from tests.conformance.stage import LEASE, NOON, OTHER_PROJECT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from taskforge.domain.alert_rule import Rule
    from taskforge.domain.ids import ProjectId
    from taskforge.storage.engine import Script
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio
INTERVAL = 15.0


class Watch:
    """The stores of alerts on a stage, and a process that looks at rules."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        telling = Telling(stage.jobs, stage.queues, stage.mint)
        self.store = SqlAlertStore(stage.engine, telling, stage.mint)
        self.receivers = SqlReceiverStore(stage.engine, telling, stage.mint)
        no_ticks: Any = None
        self.health = Health(
            SqlHealthStore(stage.engine), stage.workers, stage.queues, stage.project,
            lease=LEASE, interval=10, ticks=no_ticks,
        )  # fmt: skip
        self.evaluating = Evaluating(self.store, self.measuring, INTERVAL)

    def measuring(self, project_id: ProjectId) -> Measuring:
        record = SqlMetricsStore(self.stage.engine)
        return Measuring(
            SqlMeasureStore(self.stage.engine),
            record,
            self.stage.queues,
            Metrics(record, self.stage.queues, project_id),
            project_id,
            timedelta(seconds=LEASE),
            Scaling(
                ScalingStores(
                    SqlScalingStore(self.stage.engine, self.stage.mint),
                    record,
                    self.stage.queues,
                    self.stage.workers,
                ),
                self.health,
                LocalSignals(Hub()),
                project_id,
                {},
            ),
        )

    async def receiver(self, name: str = "ops") -> UUID:
        await self.stage.workers.declare(self.stage.project, [TaskDescription(DELIVER, QUEUE)])
        made = await self.receivers.create(
            self.stage.project,
            name,
            ReceiverKind.WEBHOOK,
            "https://a.example/",
            Secrets("https://a.example/"),
            9,
        )
        assert made is not None
        return made.id

    async def rule(self, kind: RuleKind, receivers: Sequence[UUID] = (), **values: Any) -> Rule:
        spec = rule_spec(kind, {"for_seconds": 0.0, "recovery_seconds": 0.0, **values,
                                "receivers": [str(one) for one in receivers]})  # fmt: skip
        made = await self.store.create_rule(self.stage.project, kind, spec, enabled=True, most=9)
        assert made is not None
        return made

    async def look(self, seconds: float = INTERVAL) -> dict[str, AlertStatus]:
        """The states by subject, after a look that comes so much later."""
        self.stage.clock.advance(seconds)
        await self.evaluating.look()
        return {alert.subject: alert.state.status for alert in await self.store.alerts(self.stage.project)}

    async def values(self, kind: RuleKind, **values: Any) -> dict[str, float]:
        return dict(await self.measuring(self.stage.project).values(rule_spec(kind, values)))

    async def told(self) -> list[str]:
        found = await self.receivers.deliveries(self.stage.project, None, 100)
        return [delivery.message.type for delivery in reversed(found)]


@pytest.fixture
async def watch(stage: Stage) -> AsyncIterator[Watch]:
    with acting(system("test")):
        yield Watch(stage)


async def test_due_times_that_nobody_saw_to_are_measured_by_schedule(stage: Stage, watch: Watch) -> None:
    yard = Yard(stage)
    await yard.make("late", missed="skip")
    await yard.make("calm", interval_seconds=3600)
    assert await watch.values(RuleKind.MISSED_TICK) == {"late": 0.0, "calm": 0.0}
    stage.clock.advance(71)
    assert await watch.values(RuleKind.MISSED_TICK) == {"late": 1.0, "calm": 0.0}, "no scheduler runs"
    await yard.ticking.look()
    assert await watch.values(RuleKind.MISSED_TICK) == {"late": 6.0, "calm": 0.0}
    stage.clock.advance(3000)
    assert await watch.values(RuleKind.MISSED_TICK, window_seconds=60.0) == {"late": 1.0, "calm": 0.0}


async def test_an_alert_fires_and_recovers_and_both_are_told_once(stage: Stage, watch: Watch) -> None:
    queue = await stage.queue("mail")
    await stage.know("t")
    ops, desk = await watch.receiver(), await watch.receiver("desk")
    rule = await watch.rule(RuleKind.QUEUE_LENGTH, [ops, desk], threshold=2.0)
    await stage.add(queue, 2)
    assert await watch.look() == {}
    await stage.add(queue, 1)
    assert await watch.look() == {"mail": AlertStatus.FIRING}
    assert await watch.look() == {"mail": AlertStatus.FIRING}
    assert await watch.told() == ["alert.firing"] * 2
    for job in await stage.claim(queue, free=3):
        await stage.finish(job, Succeeded())
    assert await watch.look() == {"mail": AlertStatus.RECOVERED}
    assert await watch.told() == ["alert.firing"] * 2 + ["alert.recovered"] * 2
    recovered, fired = await watch.store.events(stage.project, rule.id, 10)
    assert (fired.change, recovered.change) == (AlertStatus.FIRING, AlertStatus.RECOVERED)
    assert fired.alert_id == recovered.alert_id
    assert (fired.value, fired.threshold, fired.told) == (3.0, 2.0, True)
    assert fired.summary == "queue_length: 3 jobs wait in mail"
    jobs = await stage.queues.find(stage.project, QUEUE)
    assert jobs is not None
    assert sum((await stage.history.counts(stage.project, queue_id=jobs.id)).values()) == 4
    for delivery in await watch.receivers.deliveries(stage.project, ops, 10):
        assert (delivery.status, delivery.tries) == (DeliveryStatus.WAITING, 0)
        assert delivery.message.data["alert_id"] == str(fired.alert_id)


async def test_only_one_looks_at_a_time_and_one_that_was_held_up_writes_nothing(
    stage: Stage, watch: Watch
) -> None:
    queue = await stage.queue("mail")
    await watch.rule(RuleKind.QUEUE_LENGTH, [await watch.receiver()], threshold=0.0)
    await stage.add(queue, 1)
    [held_up] = await watch.store.take(15_000_000)
    assert await watch.store.take(15_000_000) == []
    assert await watch.look(14) == {}
    assert await watch.look(2) == {"mail": AlertStatus.FIRING}
    assert await watch.store.judge(held_up, {"mail": 1.0}) is None
    assert await watch.told() == ["alert.firing"]


async def test_a_change_of_the_rule_makes_a_look_under_way_worthless(stage: Stage, watch: Watch) -> None:
    await stage.queue("mail")
    rule = await watch.rule(RuleKind.QUEUE_LENGTH, [await watch.receiver()], threshold=0.0)
    [taken] = await watch.store.take(15_000_000)
    await watch.store.change_rule(stage.project, rule.id, lambda found: found)
    assert await watch.store.judge(taken, {"mail": 1.0}) is None
    assert await watch.store.alerts(stage.project) == []
    other = await watch.store.create_rule(stage.project, "other", rule.spec, enabled=True, most=9)
    assert other is not None
    assert await watch.store.create_rule(stage.project, "other", rule.spec, enabled=True, most=9) is None
    assert await watch.store.create_rule(stage.project, "more", rule.spec, enabled=True, most=2) is None
    with pytest.raises(Conflict):
        await watch.store.change_rule(stage.project, other.id, lambda found: replace(found, name=rule.name))


@pytest.mark.parametrize("how", ["delete", "disable"])
async def test_what_fires_recovers_with_its_rule(stage: Stage, watch: Watch, how: str) -> None:
    queue = await stage.queue("mail")
    rule = await watch.rule(RuleKind.QUEUE_LENGTH, [await watch.receiver()], threshold=0.0)
    await stage.add(queue, 1)
    await watch.look()
    if how == "delete":
        assert await watch.store.delete_rule(stage.project, rule.id)
        assert not await watch.store.delete_rule(stage.project, rule.id)
    else:
        await watch.store.change_rule(stage.project, rule.id, lambda found: replace(found, enabled=False))
    assert await watch.told() == ["alert.firing", "alert.recovered"]
    assert await watch.look() == {}
    assert len(await watch.store.events(stage.project, rule.id, 10)) == 2


async def test_a_silence_holds_and_what_still_fires_is_told_after_it(stage: Stage, watch: Watch) -> None:
    queue = await stage.queue("mail")
    rule = await watch.rule(RuleKind.QUEUE_LENGTH, [await watch.receiver()], threshold=0.0)
    ends = NOON + timedelta(seconds=100)
    made = await watch.store.create_silence(
        stage.project, NewSilence(rule.id, "mail", None, ends, "known", "ani"), 2
    )
    assert made is not None
    past = NewSilence(None, None, None, NOON - timedelta(seconds=1), None, None)
    assert await watch.store.create_silence(stage.project, past, 2) is None
    await stage.add(queue, 1)
    assert await watch.look() == {"mail": AlertStatus.FIRING}
    assert await watch.told() == []
    assert await watch.look(90) == {"mail": AlertStatus.FIRING}
    assert await watch.told() == ["alert.firing"]
    assert [event.told for event in await watch.store.events(stage.project, None, 10)] == [True, False]
    assert await watch.store.silence(stage.project, made.id) == made
    assert await watch.store.delete_silence(stage.project, made.id)
    assert await watch.store.silences(stage.project) == []


async def test_what_cannot_be_told_now_is_told_later(stage: Stage, watch: Watch) -> None:
    """The state moves with the delivery, or not at all."""
    queue = await stage.queue("mail")
    await stage.queue(QUEUE, state=QueueState.CLOSED)
    rule = await watch.rule(RuleKind.QUEUE_LENGTH, [await watch.receiver()], threshold=0.0)
    await stage.add(queue, 1)
    [taken] = await watch.store.take(15_000_000)
    with pytest.raises(QueueClosed):
        await watch.store.judge(taken, {"mail": 1.0})
    assert await watch.look() == {}
    found = await watch.store.rule(stage.project, rule.id)
    assert found is not None
    assert "closed" in (found.fault or "")
    ours = await stage.queues.find(stage.project, QUEUE)
    assert ours is not None
    await stage.write(replace(ours, state=QueueState.ACTIVE))
    assert await watch.look() == {"mail": AlertStatus.FIRING}
    assert await watch.told() == ["alert.firing"]


async def test_a_rule_that_cannot_be_looked_at_says_so(stage: Stage, watch: Watch) -> None:
    queue = await stage.queue("mail")
    good = await watch.rule(RuleKind.QUEUE_LENGTH, threshold=0.0)
    bad = await watch.rule(RuleKind.OLDEST_WAITING, queue="gone")
    await stage.add(queue, 1)
    assert await watch.look() == {"mail": AlertStatus.FIRING}
    rules = {rule.id: rule for rule in await watch.store.rules(stage.project)}
    assert rules[bad.id].fault == "there is no queue 'gone' any more"
    assert rules[good.id].fault is None
    assert rules[good.id].evaluated_at == stage.clock.now()


async def test_what_is_measured(stage: Stage, watch: Watch) -> None:
    graves = await stage.queue("graves")
    mail = await stage.queue("mail", dead_letter_queue_id=graves.id)
    await stage.know("t", "u")
    await stage.add(mail, 3)
    stage.clock.advance(40)
    assert await watch.values(RuleKind.QUEUE_LENGTH) == {"graves": 0.0, "mail": 3.0}
    assert (await watch.values(RuleKind.OLDEST_WAITING, queue="mail")) == {"mail": 40.0}
    await stage.finish((await stage.claim(mail))[0], Succeeded())
    for _ in range(2):
        await stage.bury(mail, graves)
    rates = await watch.values(RuleKind.FAILURE_RATE, min_attempts=3)
    assert rates == {"mail": pytest.approx(200 / 3)}
    assert await watch.values(RuleKind.FAILURE_RATE, min_attempts=4, queue="mail") == {}
    assert await watch.values(RuleKind.DEAD_LETTERS) == {"graves": 2.0, "mail": 0.0}


async def test_types_without_a_worker(stage: Stage, watch: Watch) -> None:
    mail = await stage.queue("mail")
    worker = await stage.know("t")
    await stage.add(mail, 2, "unknown")
    await stage.add(mail, 1, "t")
    assert await watch.values(RuleKind.NO_WORKER) == {"unknown": 2.0, "t": 1.0}  # it serves another queue
    rules = SqlMeasureStore(stage.engine)
    assert await rules.known_types(stage.project, timedelta(seconds=20)) == {"default": frozenset({"t"})}
    await stage.workers.stop(worker)
    assert await rules.known_types(stage.project, timedelta(seconds=20)) == {}
    assert await watch.values(RuleKind.NO_WORKER) == {"unknown": 2.0, "t": 1.0}


async def test_workers_that_give_no_sign_of_life(stage: Stage, watch: Watch) -> None:
    left, lost = await stage.know("t"), await stage.know("t")
    await stage.workers.stop(left)
    assert await watch.values(RuleKind.WORKER_UNHEALTHY) == {}
    stage.clock.advance(LEASE * 2 / 3 + 1)
    name = f"w-{lost}"
    assert await watch.values(RuleKind.WORKER_UNHEALTHY) == {name: 1.0}
    stage.clock.advance(LEASE)
    await stage.workers.forget([], silence_us=round(LEASE * 1e6))
    assert await watch.values(RuleKind.WORKER_UNHEALTHY) == {name: 1.0}
    stage.clock.advance(1000)
    assert await watch.values(RuleKind.WORKER_UNHEALTHY) == {}


async def test_queues_that_have_as_many_workers_as_they_may(stage: Stage, watch: Watch) -> None:
    queue = await stage.queue("default")
    await stage.know("t")
    scaling = SqlScalingStore(stage.engine, stage.mint)
    await scaling.create(stage.project, queue.id, ScalingPolicy(max_workers=1, target_queue_length=2))
    assert await watch.values(RuleKind.SCALING_AT_MAXIMUM) == {}
    await stage.add(queue, 9)
    assert await watch.values(RuleKind.SCALING_AT_MAXIMUM, queue="default") == {"default": 4.0}


async def test_a_breaker_that_opens_and_stays_open_is_told_until_it_closes(
    stage: Stage, watch: Watch
) -> None:
    await stage.queue("mail")
    await stage.know("t", "u")
    await watch.rule(RuleKind.BREAKER_OPEN, [await watch.receiver()])
    standing = await stage.breakers.create(stage.project, "t", STANDARD)
    await stage.breakers.create(stage.project, "u", STANDARD)
    assert standing is not None
    assert await watch.look() == {}
    for turn in (
        Turn(BreakerState.OPEN, "down"),
        Turn(BreakerState.HALF_OPEN, "a try"),
        Turn(BreakerState.OPEN, "down"),
    ):
        turned = await stage.breakers.turn(standing, turn)
        assert turned is not None
        standing = turned.breaker
        assert await watch.look() == {"t": AlertStatus.FIRING}
    assert await watch.values(RuleKind.BREAKER_OPEN) == {"t": 3 * INTERVAL}, "since it opened first"
    assert await stage.breakers.turn(standing, Turn(BreakerState.CLOSED, "it answers")) is not None
    assert await watch.values(RuleKind.BREAKER_OPEN) == {}
    assert await watch.look() == {"t": AlertStatus.RECOVERED}
    assert await watch.told() == ["alert.firing", "alert.recovered"]


async def test_error_groups_that_are_new(stage: Stage, watch: Watch) -> None:
    moment = "'2026-01-05T11:30:00Z'" if stage.dialect == "postgres" else "1767612600000000"
    group = f"'{UUID(int=7)}', '{stage.project}', '{UUID(int=8)}', 'new', 'ValueError', '[]', 3, {moment}, {moment}"
    await stage.sql(
        "INSERT INTO error_groups (id, project_id, fingerprint, status, error_type, frames, failures, first_seen, "
        "last_seen, job_id, execution_id, tasks, queue_ids, tags, tenants, hours, status_at) "
        f"VALUES ({group}, '{UUID(int=9)}', '{UUID(int=10)}', '{{}}', '{{}}', '{{}}', '{{}}', '{{}}', {moment})"
    )
    assert await watch.values(RuleKind.ERROR_GROUP) == {"ValueError (00000007)": 3.0}
    assert await watch.values(RuleKind.ERROR_GROUP, window_seconds=1200.0) == {}
    await stage.sql("UPDATE error_groups SET status = 'resolved'")
    assert await watch.values(RuleKind.ERROR_GROUP) == {}


async def test_nothing_of_another_project_is_seen(stage: Stage, watch: Watch) -> None:
    ops = await watch.receiver()
    rule = await watch.rule(RuleKind.QUEUE_LENGTH, [ops])
    assert await watch.store.rule(OTHER_PROJECT, rule.id) is None
    assert await watch.receivers.receiver(OTHER_PROJECT, ops) is None
    assert await watch.receivers.secrets(OTHER_PROJECT, ops) is None
    assert not await watch.receivers.delete(OTHER_PROJECT, ops)
    assert not await watch.store.delete_rule(OTHER_PROJECT, rule.id)


async def test_what_is_old_is_forgotten(stage: Stage, watch: Watch) -> None:
    queue = await stage.queue("mail")
    rule = await watch.rule(RuleKind.QUEUE_LENGTH, [await watch.receiver()], threshold=0.0)
    await stage.add(queue, 1)
    await watch.look()
    keep = SqlRetentionStore(stage.engine)
    stage.clock.advance(100)
    await keep.forget_requests(200_000_000)
    assert len(await watch.store.events(stage.project, rule.id, 10)) == 1
    stage.clock.advance(200)
    await keep.forget_requests(200_000_000)
    assert await watch.store.events(stage.project, rule.id, 10) == []
    assert await watch.told() == []


class Killed(Exception):
    """The process is gone."""


async def test_broken_off_behind_any_statement_nothing_is_told_and_then_it_is(
    stage: Stage, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What dies between two lines of a look leaves what was there before; the next look tells, and tells once."""
    queue = await stage.queue("mail")
    await watch.rule(RuleKind.QUEUE_LENGTH, [await watch.receiver()], threshold=0.0)
    await stage.add(queue, 1)
    run, played = stage.engine.run, 0
    while not await watch.store.alerts(stage.project):
        played += 1

        def breaking(script: Callable[[], Script[Any]], behind: int = played) -> Awaitable[Any]:
            return run(partial(broken_off, script, behind))

        stage.clock.advance(INTERVAL)
        [taken] = await watch.store.take(15_000_000)
        monkeypatch.setattr(stage.engine, "run", breaking)
        with suppress(Killed):
            await watch.store.judge(taken, {"mail": 1.0})
        monkeypatch.setattr(stage.engine, "run", run)
        if not await watch.store.alerts(stage.project):
            assert await watch.told() == []
            assert await watch.store.events(stage.project, None, 10) == []
    assert played > 8
    assert await watch.told() == ["alert.firing"]
    assert await watch.look() == {"mail": AlertStatus.FIRING}
    assert await watch.told() == ["alert.firing"]


def broken_off(script: Callable[[], Script[Any]], behind: int) -> Script[Any]:
    """A script that dies behind its so many-th statement."""
    steps = script()
    try:
        call = next(steps)
        for _ in range(behind - 1):
            call = steps.send((yield call))
        yield call
    except StopIteration as stop:
        return stop.value
    raise Killed
