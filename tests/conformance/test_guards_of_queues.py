"""What is claimed from one queue is of that queue, and counted for it, whatever stands in the queues beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.ids import JobId
from taskforge.domain.job import Hold
from taskforge.domain.keys import JobKeys
from taskforge.domain.outcome import Lost, Succeeded
from taskforge.domain.queue import QueueSettings
from tests.conformance.stage import settlement

if TYPE_CHECKING:
    from taskforge.domain.queue import Queue
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

KINDS = pytest.mark.parametrize("kind", ["plain", "heavy", "fair"])


async def limited(stage: Stage, name: str, kind: str, **settings: Any) -> Queue:
    """A queue with limits, whose jobs are weighed if they are heavy or it is fair; none waits."""
    queue = await stage.queue(name, policy="fair" if kind == "fair" else "aged", **settings)
    if kind == "heavy":
        heavy = JobId(await stage.add_keyed(queue, JobKeys(slots=1, rate_tokens=2)))
        assert await stage.jobs.cancel(stage.project, heavy)
    found = await stage.queues.get(queue.project_id, queue.id)
    assert found is not None
    return found


async def kept(stage: Stage, queue: Queue) -> list[str]:
    """What is kept at a queue's gate, and of its starts."""
    rows = await stage.sql(f"SELECT * FROM queue_gates WHERE queue_id = '{queue.id}'")
    rows += await stage.sql(f"SELECT * FROM queue_starts WHERE queue_id = '{queue.id}'")
    return [str(tuple(row)) for row in rows]


@KINDS
async def test_starts_are_counted_for_their_queue_only(stage: Stage, kind: str) -> None:
    await stage.know("t")
    busy, other = [await limited(stage, name, kind, rate_limit=2) for name in ("busy", "other")]
    for queue in (busy, other):
        await stage.add(queue, 3)
    assert len(await stage.claim(other)) == 2
    before = await kept(stage, other)
    assert len(before) == 2
    stage.clock.advance(1)
    assert len(await stage.claim(busy)) == 2
    assert await kept(stage, other) == before
    batch = await stage.claim_batch(busy)
    assert not batch.jobs


@KINDS
async def test_who_starts_without_a_rate_is_not_counted(stage: Stage, kind: str) -> None:
    await stage.know("t")
    queue = await limited(stage, "limited", kind, max_concurrent_jobs=9)
    await stage.add(queue)
    assert len(await stage.claim(queue)) == 1
    assert await stage.sql("SELECT * FROM queue_starts") == []


@KINDS
async def test_when_the_next_may_start_is_the_queue_s_own(stage: Stage, kind: str) -> None:
    await stage.know("t")
    one, two = [await limited(stage, name, kind, rate_limit=1) for name in ("one", "two")]
    for queue in (one, two):
        await stage.add(queue, 2)
    first = await stage.claim_batch(one)
    stage.clock.advance(7)
    second = await stage.claim_batch(two)
    assert len(first.jobs) == len(second.jobs) == 1
    again = await stage.claim_batch(two)
    assert again.next_start_at is not None
    assert (again.next_start_at - stage.clock.now()).total_seconds() == 61


@KINDS
async def test_what_is_due_next_is_due_in_the_queue(stage: Stage, kind: str) -> None:
    await stage.know("t")
    one, two = [await limited(stage, name, kind, max_concurrent_jobs=9) for name in ("one", "two")]
    await stage.add(one, delay_us=5_000_000)
    assert (await stage.claim_batch(two)).next_due_at is None
    await stage.add(two, delay_us=9_000_000)
    found = (await stage.claim_batch(two)).next_due_at
    assert found is not None
    assert (found - stage.clock.now()).total_seconds() == 9


async def test_a_claim_that_found_nothing_passes_the_gate_unnoticed(stage: Stage) -> None:
    await stage.know("t")
    queue = await limited(stage, "limited", "plain", max_concurrent_jobs=9)
    await stage.claim(queue)
    before = await kept(stage, queue)
    assert await stage.claim(queue) == []
    assert await kept(stage, queue) == before


@pytest.mark.parametrize("is_suspect", [False, True])
async def test_who_has_not_heard_of_a_rule_claims_nothing(stage: Stage, is_suspect: bool) -> None:
    await stage.know("t")
    queue = await stage.queue()
    [job] = await stage.add(queue)
    if is_suspect:
        assert await stage.finish(await stage.claim_one(queue), Lost(blamed=True))
        assert (await stage.job(job)).hold is Hold.SUSPECT
    ruled = await stage.write(replace(queue, settings=QueueSettings(max_concurrent_jobs=1)))
    assert ruled is not None
    assert await stage.claim(queue) == []
    assert [found.id for found in await stage.claim(ruled)] == [job]


async def test_types_and_queues_that_were_not_asked_for_are_left(stage: Stage) -> None:
    """Also the second of a list: it is looked up in another way than the first."""
    await stage.know("t", "u", "v")
    queues = [await stage.queue(name) for name in ("one", "two", "three")]
    ids = {
        (queue.name, kind): (await stage.add(queue, 1, kind))[0]
        for queue in queues
        for kind in ("t", "u", "v")
    }
    asked = await stage.claim(queues[0], queues[2], types=["t", "v"])
    assert {job.id for job in asked} == {ids[name, kind] for name in ("one", "three") for kind in ("t", "v")}


async def test_what_was_settled_before_is_neither_reported_nor_counted_again(stage: Stage) -> None:
    await stage.know("t")
    queue = await stage.queue()
    await stage.add(queue, 3)
    first, second, third = await stage.claim(queue)
    assert await stage.settle(settlement(first, Succeeded("1"))) == {first.execution_id}
    both = [settlement(job, Succeeded("1")) for job in (first, second)]
    assert await stage.settle(*both) == {second.execution_id}
    assert await stage.settle(settlement(first, Succeeded("1"))) == frozenset()
    assert await stage.settle(settlement(third, Succeeded("1"))) == {third.execution_id}
    [[counted]] = await stage.sql("SELECT sum(succeeded) FROM attempt_deltas")
    assert counted == 3
