"""A tick is taken for the schedule and the moment that are due, and keeps what it has come to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.queue import QueueState
from taskforge.ports.schedules import Due
from tests.conformance.scheduling import Yard
from tests.conformance.stage import NOON

if TYPE_CHECKING:
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio
TEN = timedelta(seconds=10)


async def test_only_the_next_due_time_is_taken_and_only_once_it_is_due(stage: Stage) -> None:
    yard = Yard(stage)
    schedule = await yard.make()
    due = Due(schedule.id, stage.project, NOON + TEN)

    async def is_taken(wanted: Due) -> bool:
        return await yard.ticks.fire(wanted, yard.plans.firing()) is not None

    assert not await is_taken(due), "it is not due yet"
    stage.clock.advance(10)
    assert not await is_taken(due._replace(project_id=await stage.other_project()))
    assert not await is_taken(due._replace(due_at=NOON + TEN / 2))
    assert await is_taken(due)
    stage.clock.advance(10)
    assert not await is_taken(due)
    assert await yard.jobs() == 1


async def test_what_is_due_comes_in_order_a_page_at_a_time(stage: Stage) -> None:
    yard = Yard(stage)
    made = {seconds: await yard.make(f"s{seconds}", interval_seconds=seconds) for seconds in (30, 10, 20, 90)}
    stage.clock.advance(31)
    assert [due.schedule_id for due in await yard.ticks.due(2)] == [made[10].id, made[20].id]
    assert [due.schedule_id for due in await yard.ticks.due(9, skip=[made[10].id])] == [
        made[20].id,
        made[30].id,
    ]


async def test_runs_are_finished_a_page_at_a_time_and_looked_for_until_then(stage: Stage) -> None:
    yard = Yard(stage)
    await yard.make(overlap="allow")
    assert not (await yard.ticks.outlook()).has_unfinished
    for seconds in (10, 20, 30):
        stage.clock.time = NOON + timedelta(seconds=seconds)
        [due] = await yard.ticks.due(9)
        assert await yard.ticks.fire(due, yard.plans.firing())
    assert (await yard.ticks.outlook()).has_unfinished
    assert await yard.ticks.finish(9) == 0
    await yard.finish_all()
    assert [await yard.ticks.finish(1) for _ in range(4)] == [1, 1, 1, 0]
    assert not (await yard.ticks.outlook()).has_unfinished


async def test_a_tick_that_was_refused_refuses_no_other_and_is_not_run_by_hand_instead(stage: Stage) -> None:
    yard, shut = Yard(stage), await stage.queue("shut", state=QueueState.CLOSED)
    await yard.make("good")
    await yard.make("bad", queue="shut")
    await yard.at(10)
    assert await yard.told("good") == [(10.0, "fired", None)]
    assert await yard.told("bad") == [(10.0, "skipped", "queue_closed")]
    assert (await yard.ticks.outlook()).has_unfinished
    await stage.write(replace(shut, state=QueueState.ACTIVE))
    await yard.schedules.trigger("bad")
    assert [run.outcome.value for run in await yard.runs("bad")] == ["skipped", "fired"]


async def test_a_tick_without_a_job_is_not_waited_for(stage: Stage) -> None:
    yard = Yard(stage)
    await stage.queue("shut", state=QueueState.CLOSED)
    await yard.make(queue="shut")
    await yard.at(10)
    assert not (await yard.ticks.outlook()).has_unfinished


async def test_history_that_is_forgotten_is_the_schedule_s_own_and_has_ended(stage: Stage) -> None:
    yard = Yard(stage)
    await yard.make("short", keep_days=1, keep_failed_days=1, overlap="allow")
    await yard.make("long", keep_days=9, keep_failed_days=9, overlap="allow")
    await yard.at(10)
    await yard.finish_all()
    assert await yard.ticks.finish(9) == 2
    await yard.at(20)
    for name in ("short", "long"):
        await yard.schedules.disable(name)
    stage.clock.advance(2 * 86_400)
    assert await yard.ticking.keep() == 1, "what has not ended is kept"
    assert [(run.due_at - NOON).total_seconds() for run in await yard.runs("short")] == [20.0]
    assert len(await yard.runs("long")) == 2
