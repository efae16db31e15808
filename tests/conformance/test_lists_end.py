"""Lists that are read part by part reach their end, and each thing stands in them once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskforge.domain.access import system
from taskforge.domain.alert_rule import RuleKind
from taskforge.domain.delivery import DeliveryCause, DeliveryStatus
from taskforge.domain.operation import BulkAction
from taskforge.domain.outcome import Failed
from taskforge.domain.receiver import Message
from taskforge.ports.acting import acting
from taskforge.ports.schedules import RunFilter
from tests.conformance.scheduling import Yard
from tests.conformance.stage import BOOM, plain_policy
from tests.conformance.test_alerts import Watch
from tests.conformance.test_operations import Desk

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import Any
    from uuid import UUID

    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio
AT_ONCE = 3


async def _walk(ask: Callable[[UUID | None], Awaitable[Sequence[Any]]]) -> list[UUID]:
    """Every id, part by part."""
    ids: list[UUID] = []
    while part := await ask(ids[-1] if ids else None):
        assert len(part) <= AT_ONCE
        ids += [one.id for one in part]
    return ids


async def test_deliveries_of_one_status(stage: Stage) -> None:
    with acting(system("test")):
        watch = Watch(stage)
        receiver, other = await watch.receiver(), await watch.receiver("other")
        message = Message("test", "hello", "2026-01-05T12:00:00Z", {})
        told = [
            (await watch.receivers.tell(stage.project, [who], message, DeliveryCause.TEST))[0]
            for who in (receiver, other) * 4
        ]
        await watch.receivers.note_try(stage.project, told[2], "HTTP 200", is_delivered=True)
        await stage.sql(
            f"UPDATE jobs SET status = 'cancelled', completed_at = created_at, hold = NULL WHERE id = '{told[4]}'"
        )

        async def found(who: UUID | None, status: DeliveryStatus | None) -> list[UUID]:
            return await _walk(
                lambda before: watch.receivers.deliveries(
                    stage.project, who, AT_ONCE, status=status, before=before
                )
            )

        assert await found(None, None) == told[::-1]
        assert await found(receiver, None) == told[-2::-2]
        assert await found(None, DeliveryStatus.DELIVERED) == [told[2]]
        assert await found(None, DeliveryStatus.CANCELLED) == [told[4]]
        assert await found(None, DeliveryStatus.FAILED) == []
        rest = [one for one in told if one not in (told[2], told[4])]
        assert await found(None, DeliveryStatus.WAITING) == rest[::-1]


async def test_what_has_fired(stage: Stage) -> None:
    with acting(system("test")):
        watch = Watch(stage)
        await stage.know("t")
        for number in range(8):
            await stage.add(await stage.queue(f"mail-{number}"))
        rule = await watch.rule(RuleKind.QUEUE_LENGTH, threshold=0.0)
        await watch.look()
        whole = [event.id for event in await watch.store.events(stage.project, rule.id, 100)]
        assert len(whole) == 8
        found = await _walk(lambda before: watch.store.events(stage.project, None, AT_ONCE, before))
        assert found == whole


async def test_operations(stage: Stage) -> None:
    desk = Desk(stage)
    begun = [(await desk.begin(BulkAction.CANCEL)).id for _ in range(7)]
    assert await _walk(lambda before: desk.store.list(stage.project, AT_ONCE, before)) == begun[::-1]


async def test_dead_letters_in_groups(stage: Stage) -> None:
    """Three hundred kinds are all there; where only so many letters are looked at, it goes on behind the last."""
    graves = await stage.queue("graves")
    queue = await stage.queue()
    types = [f"t{number}" for number in range(300)]
    await stage.know(*types)
    for job_type in types:
        await stage.add(queue, 1, job_type)
    policy = plain_policy(1, dead_letters=graves)
    for _ in range(3):
        for job in await stage.claim(queue, free=100, types=types):
            assert await stage.finish(job, Failed(BOOM), policy=policy)
    every = await stage.history.dead_letter_groups(stage.project, 10_000)
    assert {group.job_type for group in every.groups} == set(types)
    assert every.place is None
    newest = await stage.history.dead_letter_groups(stage.project, 200)
    assert [group.jobs for group in newest.groups] == [1] * 200
    older = await stage.history.dead_letter_groups(stage.project, 200, newest.place)
    assert older.place is None
    assert {group.job_type for group in (*newest.groups, *older.groups)} == set(types)


async def test_what_one_of_many_workers_runs(stage: Stage) -> None:
    queue = await stage.queue()
    mine, other = await stage.know("t"), await stage.know("t")
    ids = await stage.add(queue, 6)
    for worker in (mine, other, mine):
        await stage.claim(queue, free=2, worker=worker)
    assert await stage.history.jobs_of_worker(stage.project, mine) == [ids[5], ids[4], ids[1], ids[0]]
    assert await stage.history.jobs_of_worker(await stage.other_project(), mine) == []


async def test_what_a_schedule_has_done(stage: Stage) -> None:
    yard = Yard(stage)
    schedule = await yard.make(overlap="allow")
    for seconds in range(10, 90, 10):
        await yard.at(seconds)
    whole = [run.id for run in await yard.schedules.runs(schedule, RunFilter(limit=100))]
    assert len(whole) == 8

    async def found(outcome: str | None) -> list[UUID]:
        ask = RunFilter(outcome, limit=AT_ONCE)
        return await _walk(lambda before: yard.schedules.runs(schedule, ask._replace(before=before)))

    assert await found(None) == whole
    assert await found("missed") == []
    gone = RunFilter(before=stage.mint())
    assert await yard.schedules.runs(schedule, gone) == []
