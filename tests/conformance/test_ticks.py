"""Ticks on every database: one job for one due time, and nothing is missed in silence."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.errors import Conflict, InvalidInput
from taskforge.domain.job import JobStatus
from taskforge.domain.outcome import Succeeded
from taskforge.domain.queue import QueueState
from taskforge.domain.tick import TickCause, TickOutcome
from taskforge.ports.schedules import RunFilter
from taskforge.services.operations import Operations, OperationSteps
from taskforge.storage.operations import SqlOperationStore
from tests.conformance.scheduling import Yard
from tests.conformance.stage import BOOM, NOON

if TYPE_CHECKING:
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


@pytest.fixture
def yard(stage: Stage) -> Yard:
    return Yard(stage)


async def test_a_due_time_becomes_one_job_and_never_early(yard: Yard) -> None:
    schedule = await yard.make(arguments={"n": 1}, priority=4, tags=["x"])
    assert schedule.next_due_at == NOON + timedelta(seconds=10)
    assert await yard.at(9.9) == pytest.approx(0.1)
    assert await yard.jobs() == 0
    await yard.at(10)
    [run] = await yard.runs()
    assert (run.due_at, run.outcome, run.cause) == (
        NOON + timedelta(seconds=10),
        TickOutcome.FIRED,
        TickCause.DUE,
    )
    assert run.job_id is not None
    job = await yard.stage.job(run.job_id)
    assert (job.job_type, job.payload, job.priority, job.tags) == ("t", {"n": 1}, 4, ("x",))
    assert (await yard.schedules.named("s")).next_due_at == NOON + timedelta(seconds=20)


async def test_schedulers_at_the_same_moment_make_one_job(yard: Yard) -> None:
    await yard.make(overlap="allow")
    for second in (10, 20, 30):
        yard.stage.clock.time = NOON + timedelta(seconds=second)
        await asyncio.gather(*(yard.scheduler().look() for _ in range(8)))
    assert await yard.told() == [(10.0, "fired", None), (20.0, "fired", None), (30.0, "fired", None)]
    assert await yard.jobs() == 3


async def test_downtime_over_three_ticks(yard: Yard) -> None:
    for policy in ("skip", "one", "all"):
        await yard.make(policy, missed=policy)
    await yard.at(41)
    expected: dict[str, list[tuple[str, str | None]]] = {
        "skip": [("missed", "downtime")] * 3 + [("fired", None)],
        "one": [("missed", "coalesced")] * 3 + [("fired", None)],
        "all": [("fired", None)] * 4,
    }
    assert {policy: [told[1:] for told in await yard.told(policy)] for policy in expected} == expected
    assert await yard.jobs() == 6


async def test_a_long_downtime_is_told_in_one_row(yard: Yard) -> None:
    await yard.make(interval_seconds=1)
    await yard.at(5000)
    told = await yard.runs()
    assert told[0].missed_until == told[1].due_at
    assert (told[0].due_at, told[-1].due_at) == (NOON + timedelta(seconds=1), NOON + timedelta(seconds=5000))
    assert len(told) == 1001
    assert await yard.jobs() == 2  # two are in time: a second may be a second late


async def test_an_overlap_is_skipped_and_told(yard: Yard) -> None:
    await yard.make()
    await yard.at(10)
    await yard.at(20)
    await yard.finish_all()
    await yard.at(30)
    assert [told[1:] for told in await yard.told()] == [
        ("fired", None),
        ("skipped", "overlap"),
        ("fired", None),
    ]


async def test_one_waits_behind_the_running_one(yard: Yard) -> None:
    await yard.make(overlap="queue_one")
    await yard.at(10)
    [queue] = await yard.stage.queues.list(yard.project)
    running = await yard.stage.claim_one(queue)
    for second in (20, 30):
        await yard.at(second)
    assert [told[2] for told in await yard.told()] == [None, None, "overlap"]
    assert await yard.stage.claim(queue) == []  # the one that waits does not run beside it
    assert await yard.stage.finish(running, Succeeded("1"))
    assert len(await yard.stage.claim(queue)) == 1


async def test_the_previous_one_is_cancelled(yard: Yard) -> None:
    await yard.make(overlap="cancel_previous")
    await yard.at(10)
    await yard.at(20)
    first, second = await yard.runs()
    assert (first.status, second.status) == (JobStatus.CANCELLED, JobStatus.PENDING)
    [queue] = await yard.stage.queues.list(yard.project)
    running = await yard.stage.claim_one(queue)
    await yard.at(30)
    assert (await yard.stage.job(running.id)).cancel_requested_at is not None


async def test_what_a_job_came_to_outlives_it(yard: Yard) -> None:
    await yard.make()
    await yard.at(10)
    await yard.finish_all()
    [live] = await yard.runs()
    assert (live.success, live.message, live.data) == (True, "done", {"n": 1})
    assert await yard.ticking.finish() == 1
    assert await yard.ticking.finish() == 0
    await yard.stage.sql("DELETE FROM executions")
    await yard.stage.sql("DELETE FROM jobs")
    [copied] = await yard.runs()
    assert copied == live
    assert (await yard.schedules.stats(await yard.schedules.named("s"), 1)).successful_runs == 1


async def test_a_failure_is_told_and_found(yard: Yard) -> None:
    await yard.make()
    await yard.at(10)
    await yard.finish_all(well=False)
    await yard.at(20)
    await yard.finish_all()
    [bad] = await yard.runs(ended_well=False)
    assert (bad.success, bad.message, bad.traceback) == (False, BOOM.message, BOOM.traceback)
    [good] = await yard.runs(ended_well=True)
    assert good.due_at > bad.due_at
    assert [run.id for run in await yard.schedules.recent(1, RunFilter())] == [good.id, bad.id]
    assert await yard.schedules.count_recent(1, RunFilter(ended_well=True)) == 1


async def test_a_deleted_job_ends_its_run(yard: Yard) -> None:
    await yard.make()
    await yard.at(10)
    await yard.stage.sql("DELETE FROM jobs")
    assert await yard.ticking.finish() == 1
    [run] = await yard.runs()
    assert (run.status, run.message) == (JobStatus.CANCELLED, "the job was deleted")


async def test_history_is_kept_as_long_as_a_schedule_says_and_failures_longer(yard: Yard) -> None:
    await yard.make(keep_days=1, keep_failed_days=2)
    await yard.at(10)
    await yard.finish_all(well=False)
    await yard.at(20)
    await yard.finish_all()
    assert await yard.ticking.keep() == 0
    assert await yard.schedules.forget(1) == 0
    await yard.schedules.disable("s")
    yard.stage.clock.advance(86_401)
    assert await yard.ticking.keep() == 1
    assert [run.success for run in await yard.runs()] == [False]
    yard.stage.clock.advance(86_401)
    assert await yard.ticking.keep() == 1
    await yard.make("gone")
    await yard.schedules.trigger("gone")
    await yard.schedules.delete("gone")
    assert await yard.ticking.keep() == 1


async def test_a_queue_that_refuses_is_told(yard: Yard) -> None:
    await yard.stage.queue("shut", state=QueueState.CLOSED)
    await yard.make(queue="shut")
    await yard.at(10)
    assert await yard.told() == [(10.0, "skipped", "queue_closed")]
    with pytest.raises(Conflict):
        await yard.schedules.trigger("s")
    assert len(await yard.runs()) == 1


async def test_jitter_is_kept_and_never_early(yard: Yard) -> None:
    schedule = await yard.make(jitter_seconds=8)
    assert schedule.next_due_at is not None
    assert schedule.next_fire_at is not None
    late = (schedule.next_fire_at - schedule.next_due_at).total_seconds()
    assert 0 < late < 8
    await yard.at(10 + late - 0.001)
    assert await yard.jobs() == 0
    await yard.at(10 + late)
    assert await yard.told() == [(10.0, "fired", None)]


async def test_by_hand_also_when_disabled_but_not_over_a_running_one(yard: Yard) -> None:
    await yard.make(enabled=False)
    assert await yard.at(100) is None
    job_id = await yard.schedules.trigger("s")
    with pytest.raises(Conflict, match=str(job_id)):
        await yard.schedules.trigger("s")
    await yard.finish_all()
    await yard.schedules.trigger("s")  # at the same moment of a clock that stands still
    assert [run.cause for run in await yard.runs()] == [TickCause.MANUAL, TickCause.MANUAL]


async def test_a_past_span_is_made_up_for_once(yard: Yard) -> None:
    await yard.make(missed="skip", overlap="allow")
    await yard.at(35)
    assert await yard.jobs() == 1
    schedule = await yard.schedules.named("s")
    span, due = await yard.backfill.span(schedule, NOON, NOON + timedelta(seconds=35))
    assert due == 3
    assert [await yard.backfill.run(span) for _ in range(2)] == [2, 0]
    assert [run.cause.value for run in await yard.runs()] == ["backfill", "backfill", "due"]
    with pytest.raises(InvalidInput, match="past"):
        await yard.backfill.span(schedule, NOON, NOON + timedelta(hours=1))
    yard.stage.clock.time = NOON + timedelta(days=2)
    with pytest.raises(InvalidInput, match="10,000"):
        await yard.backfill.span(schedule, NOON, NOON + timedelta(days=2))


async def test_a_backfill_is_an_operation_that_goes_on_where_it_was_and_can_be_stopped(yard: Yard) -> None:
    schedule = await yard.make(overlap="allow")
    yard.stage.clock.time = NOON + timedelta(seconds=2505)
    store = SqlOperationStore(yard.stage.engine)
    bulk: Any = None
    operations = Operations(store, bulk, yard.project, yard.stage.mint)
    steps = OperationSteps(store, yard.stage.queues, lambda _: bulk, lambda _: yard.backfill)
    span, due = await yard.backfill.span(schedule, NOON, NOON + timedelta(seconds=2500))
    assert due == 250
    begun = await operations.begin_backfill(span, due)
    await steps.take()
    assert (half := await operations.find(begun.id)) is not None
    assert (half.action.value, half.counted, half.done, half.status.value) == (
        "backfill",
        250,
        100,
        "running",
    )
    await operations.cancel(begun.id)
    assert await steps.take() is None
    assert await yard.jobs() == 100
    again = await operations.begin_backfill(span, due)
    while await steps.take() == 0.0:
        pass
    assert (ended := await operations.find(again.id)) is not None
    assert (ended.done, ended.skipped, ended.status.value) == (150, 100, "succeeded")
    assert await yard.jobs() == 250
    await yard.schedules.delete("s")
    lost = await operations.begin_backfill(span, due)
    await steps.take()
    assert (failed := await operations.find(lost.id)) is not None
    assert failed.failure == "schedule 's' is gone"


async def test_holidays(yard: Yard) -> None:
    await yard.schedules.put_calendar("rest", {"dates": ["2026-01-06"], "weekdays": ["SAT,SUN"]})
    await yard.make("skips", cron="0 9 * * *", calendars=["rest"])
    await yard.make("moves", cron="0 9 * * *", calendars=["rest"], on_holiday="next_business_day")
    await yard.at(45 * 3600)  # Wednesday the 7th at 9
    assert [told[1:] for told in await yard.told("skips")] == [("skipped", "holiday"), ("fired", None)]
    assert [told[1:] for told in await yard.told("moves")] == [("fired", None)]
    with pytest.raises(Conflict, match="names the calendar"):
        await yard.schedules.delete_calendar("rest")
    await yard.schedules.put_calendar("rest", {"dates": ["2026-01-08"]})
    assert (await yard.schedules.named("moves")).next_due_at == datetime(2026, 1, 9, 9, tzinfo=UTC)


async def test_a_schedule_that_nobody_can_read_stops_no_other(yard: Yard) -> None:
    await yard.make("bad")
    await yard.make("good")
    await yard.stage.sql(
        """UPDATE schedules SET changes = '{"task": "t", "cron": "no"}' WHERE name = 'bad'"""
    )
    assert await yard.at(10) == 1.0
    assert await yard.told("good") == [(10.0, "fired", None)]
    assert await yard.at(11) == 1.0


async def test_a_clock_that_steps_back_repeats_nothing(yard: Yard) -> None:
    await yard.make(overlap="allow")
    for second in (10, 20, 30):
        await yard.at(second)
    assert await yard.at(-7200) is not None
    await yard.ticking.begin()  # what is due again by the older clock has run
    for second in (-7190, 10, 20, 30, 40):
        await yard.at(second)
    told = await yard.told()
    assert len({moment for moment, _, _ in told}) == len(told)
    assert [t[0] for t in told if t[0] > 0] == [10.0, 20.0, 30.0, 40.0]


async def test_edited_and_deleted_while_it_fires(yard: Yard) -> None:
    await yard.make(overlap="allow")
    for second in (10, 20, 30):
        yard.stage.clock.time = NOON + timedelta(seconds=second)
        looks = [yard.scheduler().look() for _ in range(3)]
        await asyncio.gather(*looks, yard.schedules.edit("s", {"priority": second // 10}))
        await yard.ticking.look()  # what the edit held meanwhile is looked at again
    told = await yard.told()
    assert [moment for moment, *_ in told] == [10.0, 20.0, 30.0]
    yard.stage.clock.time = NOON + timedelta(seconds=40)
    await asyncio.gather(yard.ticking.look(), yard.scheduler().look(), yard.schedules.delete("s"))
    assert await yard.schedules.list() == []
    assert await yard.jobs() == int((await yard.stage.sql("SELECT count(*) FROM ticks"))[0][0])


async def test_new_rules_of_a_time_zone_move_what_was_planned_by_the_old_ones(yard: Yard) -> None:
    """The old ones are played by a due time an hour off; a scheduler that starts finds the right one, once."""
    schedule = await yard.make(cron="0 9 * * *", timezone="Asia/Jakarta")
    right = schedule.next_due_at
    assert right is not None
    planned = (
        "next_due_at + interval '1 hour'" if yard.stage.dialect == "postgres" else "next_due_at + 3600000000"
    )
    await yard.stage.sql(f"UPDATE schedules SET next_due_at = {planned}, next_fire_at = {planned}")
    assert (await yard.schedules.named("s")).next_due_at == right + timedelta(hours=1)
    for _ in range(2):
        await yard.scheduler().begin()
        assert (await yard.schedules.named("s")).next_due_at == right
    await yard.at((right - NOON).total_seconds())
    [run] = await yard.runs()
    assert (run.due_at, run.outcome.value) == (right, "fired")
