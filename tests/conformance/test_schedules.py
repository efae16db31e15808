"""Schedules on every database: who says what of them, and whose they are."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.errors import Conflict, InvalidInput, LimitExceeded, NotFound
from taskforge.ports.schedules import RunFilter
from tests.conformance.scheduling import Yard
from tests.conformance.stage import NOON

if TYPE_CHECKING:
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


@pytest.fixture
def yard(stage: Stage) -> Yard:
    return Yard(stage)


async def test_a_deploy_leaves_what_operators_said(yard: Yard) -> None:
    await yard.stage.know("t")
    code = {"task": "t", "cron": "0 9 * * *", "timezone": "Asia/Jakarta"}
    first = await yard.schedules.declare("s", code)
    assert (first.origin, first.drift, first.version) == ("code", {}, 1)
    assert await yard.schedules.declare("s", code) == first
    await yard.schedules.disable("s")
    edited = await yard.schedules.edit("s", {"interval_seconds": 60, "priority": 3})
    assert edited.next_due_at is None
    again = await yard.schedules.declare("s", {**code, "cron": "0 10 * * *", "description": "new"})
    assert (again.spec.enabled, again.spec.interval_seconds, again.spec.description) == (False, 60.0, "new")
    assert again.drift == {"cron": "0 10 * * *", "interval_seconds": None, "enabled": None, "priority": None}
    enabled = await yard.schedules.enable("s")
    assert "enabled" not in enabled.changes or enabled.changes["enabled"] is True
    assert enabled.next_due_at is not None
    reset = await yard.schedules.reset("s")
    assert (reset.spec.cron, reset.changes) == ("0 10 * * *", {})


async def test_an_edit_moves_the_next_due_time_only_when_it_has_to(yard: Yard) -> None:
    before = await yard.make()
    yard.stage.clock.advance(5)
    edited = await yard.schedules.edit("s", {"priority": 2})
    assert edited.next_due_at == before.next_due_at
    moved = await yard.schedules.edit("s", {"interval_seconds": 100})
    assert moved.next_due_at == NOON + timedelta(seconds=105)
    assert moved.version == 3


async def test_all_rest_and_go_on(yard: Yard) -> None:
    await yard.make()
    assert await yard.schedules.pause_all() == 1
    later = await yard.make("later")
    assert later.next_due_at is None
    assert later.paused_at is not None
    assert await yard.at(100) is None
    assert await yard.schedules.pause_all() == 0
    assert await yard.schedules.resume_all() == 2
    assert (await yard.schedules.named("s")).next_due_at == NOON + timedelta(seconds=110)
    assert not await yard.runs()


BAD: list[tuple[dict[str, Any], str]] = [
    ({"timezone": "Mars/Olympus", "cron": "0 9 * * *"}, "timezone"),
    ({"cron": "0 0 30 2 *"}, "cron"),
    ({"cron": "61 * * * *"}, "cron"),
    ({"interval_seconds": 0}, "interval_seconds"),
    ({"cron": "0 9 * * *", "interval_seconds": 5}, "interval_seconds"),
    (
        {"cron": "0 9 * * *", "starts_at": "2026-02-01T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"},
        "ends_at",
    ),
    ({"run_at": "2020-01-01T00:00:00Z"}, "run_at"),
    ({"run_at": "2020-01-01T00:00:00"}, "run_at"),
    ({"cron": "0 9 * * *", "task": "nobody.knows"}, "task"),
    ({"cron": "0 9 * * *", "calendars": ["none"]}, "calendars"),
    ({"cron": "0 9 * * *", "colour": "red"}, "colour"),
    ({"cron": "0 9 * * *", "missed": "maybe"}, "missed"),
]


async def test_bad_input_names_the_field(yard: Yard) -> None:
    await yard.stage.know("t")
    for fields, field in BAD:
        with pytest.raises(InvalidInput) as refusal:
            await yard.schedules.create("s", {"task": "t", **fields})
        assert refusal.value.field == field
    assert await yard.schedules.list() == []


async def test_a_schedule_deleted_and_unknown(yard: Yard) -> None:
    await yard.make("jobs.daily")
    assert (await yard.schedules.named("daily")).name == "jobs.daily"
    await yard.schedules.delete("daily")
    with pytest.raises(NotFound):
        await yard.schedules.trigger("daily")
    assert await yard.at(10) is None


async def test_another_project_sees_nothing_and_runs_its_own(yard: Yard) -> None:
    await yard.make()
    other = Yard(yard.stage, await yard.stage.other_project())
    assert await other.schedules.list() == []
    with pytest.raises(NotFound):
        await other.schedules.named("s")
    await other.make()
    await yard.at(10)
    assert len(await yard.runs()) == len(await other.runs()) == 1
    mine = await yard.schedules.named("s")
    assert await other.ticks.runs(other.project, mine.id, RunFilter()) == []
    assert await other.ticks.unfinished(other.project, mine.id) == []


async def test_an_organization_has_no_more_schedules_than_it_may(yard: Yard) -> None:
    await yard.make("a", interval_seconds=60)
    await yard.stage.sql("UPDATE organizations SET max_schedules = 2")
    made = await asyncio.gather(
        yard.make("b", interval_seconds=60), yard.make("c", interval_seconds=60), return_exceptions=True
    )
    assert [error.limit for error in made if isinstance(error, LimitExceeded)] == ["schedules"]
    with pytest.raises(Conflict):  # it is there already, and adds nothing
        await yard.make("a", interval_seconds=60)
