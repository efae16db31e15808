"""Limits and rates of queues: exact, in the order of the queues, and gone as soon as they are lifted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.domain.errors import InvalidSetting
from taskforge.domain.ids import WorkerId
from taskforge.domain.job import JobStatus
from taskforge.domain.outcome import Failed, Lost, Released, Snoozed, Succeeded
from taskforge.domain.queue import QueueSettings, QueueState
from tests.conformance.stage import BOOM, NOON, OTHER_PROJECT, OTHER_WORKER, Stage, settlement

if TYPE_CHECKING:
    from typing import Any

    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.queue import Queue

pytestmark = pytest.mark.anyio


async def rule(stage: Stage, queue: Queue, **settings: Any) -> Queue:
    """The queue with these settings and no others."""
    changed = await stage.write(replace(queue, settings=QueueSettings(**settings)))
    assert changed is not None
    return changed


async def succeed(stage: Stage, *jobs: ClaimedJob) -> None:
    assert len(await stage.settle(*(settlement(job, Succeeded()) for job in jobs))) == len(jobs)


async def test_no_more_run_than_the_limit(stage: Stage) -> None:
    queue = await stage.queue(max_concurrent_jobs=3)
    await stage.know("t")
    ids = await stage.add(queue, 10)
    first = await stage.claim(queue, free=2)
    second = await stage.claim(queue, free=10, worker=OTHER_WORKER)
    assert sorted(job.id for job in [*first, *second]) == ids[:3]
    batch = await stage.claim_batch(queue)
    assert (list(batch.jobs), batch.next_start_at) == ([], None)
    await succeed(stage, first[0])
    assert [job.id for job in await stage.claim(queue)] == [ids[3]]
    assert await stage.claim(queue) == []


async def test_no_more_start_than_the_rate_in_any_sixty_seconds(stage: Stage) -> None:
    queue = await stage.queue(rate_limit=5)
    await stage.know("t")
    await stage.add(queue, 20)
    stage.clock.advance(0.5)
    first = await stage.claim_batch(queue, free=3)
    assert (len(first.jobs), first.next_start_at) == (3, None)
    stage.clock.advance(20.25)
    second = await stage.claim_batch(queue)
    assert len(second.jobs) == 2
    assert second.next_start_at == NOON + timedelta(seconds=61)
    await succeed(stage, *first.jobs, *second.jobs)
    stage.clock.time = NOON + timedelta(seconds=60.999)
    assert await stage.claim(queue) == []
    stage.clock.time = second.next_start_at
    third = await stage.claim_batch(queue)
    assert len(third.jobs) == 3
    assert third.next_start_at == NOON + timedelta(seconds=20 + 61)
    stage.clock.time = NOON + timedelta(seconds=80.999)
    assert await stage.claim(queue) == []
    stage.clock.advance(0.001)
    assert len(await stage.claim(queue)) == 2


async def test_a_start_counts_however_it_ends(stage: Stage) -> None:
    queue = await stage.queue(rate_limit=5)
    await stage.know("t")
    await stage.add(queue, 10)
    for outcome in (
        Failed(BOOM, retry_after=0.001),
        Snoozed(0.001),
        Released(),
        Succeeded(),
        Lost(blamed=True),
    ):
        job = await stage.claim_one(queue)
        assert await stage.finish(job, outcome)
        stage.clock.advance(0.01)
        await stage.jobs.promote(stage.project, 10)
    assert await stage.claim(queue) == []
    stage.clock.advance(61)
    assert len(await stage.claim(queue, free=5)) == 5


async def test_both_rules_hold(stage: Stage) -> None:
    queue = await stage.queue(rate_limit=3, max_concurrent_jobs=2)
    await stage.know("t")
    await stage.add(queue, 10)
    running = await stage.claim(queue)
    assert len(running) == 2
    await succeed(stage, *running)
    [last] = await stage.claim(queue)
    await succeed(stage, last)
    assert await stage.claim(queue) == []
    stage.clock.advance(61)
    assert len(await stage.claim(queue)) == 2


async def test_queues_with_and_without_rules_are_served_in_one_order(stage: Stage) -> None:
    names = {
        "first": await stage.queue("first", priority=9, max_concurrent_jobs=2),
        "second": await stage.queue("second", priority=7),
        "third": await stage.queue("third", priority=6),
        "fourth": await stage.queue("fourth", priority=3, rate_limit=1),
        "last": await stage.queue("last", priority=1),
    }
    await stage.know("t")
    ids = {name: await stage.add(queue, 3) for name, queue in names.items()}
    expected = [*ids["first"][:2], *ids["second"], *ids["third"], *ids["fourth"][:1], *ids["last"]]
    for part in (expected[:4], expected[4:10], expected[10:]):
        assert {
            job.id for job in await stage.claim(*names.values(), free=6 if part != expected[:4] else 4)
        } == set(part)


async def test_who_does_not_know_of_the_rule_gets_nothing_of_the_queue(stage: Stage) -> None:
    free = await stage.queue("free")
    stale = await stage.queue("ruled")
    await stage.know("t")
    mine = await stage.add(free, 2)
    await stage.add(stale, 2)
    ruled = await rule(stage, stale, max_concurrent_jobs=1)
    version = await stage.config_version()
    batch = await stage.claim_batch(free, stale)
    assert sorted(job.id for job in batch.jobs) == mine
    assert batch.config_version == version
    assert len(await stage.claim(ruled)) == 1


async def test_who_does_not_know_that_the_rule_is_gone_gets_all(stage: Stage) -> None:
    stale = await stage.queue(max_concurrent_jobs=1)
    await stage.know("t")
    await stage.add(stale, 5)
    fresh = await rule(stage, stale)
    assert not fresh.has_rule
    assert len(await stage.claim(stale, free=2)) == 2
    assert len(await stage.claim(fresh)) == 3


async def test_a_lower_limit_stops_new_claims_and_kills_nothing(stage: Stage) -> None:
    queue = await stage.queue(max_concurrent_jobs=5)
    await stage.know("t")
    await stage.add(queue, 10)
    running = await stage.claim(queue)
    queue = await rule(stage, queue, max_concurrent_jobs=2)
    assert {await stage.status(job.id) for job in running} == {JobStatus.PROCESSING}
    await succeed(stage, *running[:3])
    assert await stage.claim(queue) == []
    await succeed(stage, running[3])
    assert len(await stage.claim(queue)) == 1
    queue = await rule(stage, queue, max_concurrent_jobs=6)
    assert len(await stage.claim(queue)) == 4


async def test_a_lower_rate_counts_what_has_started_before(stage: Stage) -> None:
    queue = await stage.queue(rate_limit=6)
    await stage.know("t")
    await stage.add(queue, 20)
    await stage.claim(queue, free=4)
    queue = await rule(stage, queue, rate_limit=3)
    assert await stage.claim(queue) == []
    queue = await rule(stage, queue, rate_limit=5)
    assert len(await stage.claim(queue)) == 1


async def test_a_paused_queue_with_a_rule_hands_out_nothing(stage: Stage) -> None:
    queue = await stage.queue(state=QueueState.PAUSED, rate_limit=1, max_concurrent_jobs=1)
    await stage.know("t")
    await stage.add(queue)
    batch = await stage.claim_batch(queue)
    assert (list(batch.jobs), batch.next_start_at, batch.now) == ([], None, NOON)


async def test_suspects_count_and_unknown_types_do_not_matter(stage: Stage) -> None:
    queue = await stage.queue(max_concurrent_jobs=2)
    await stage.know("t", "u")
    await stage.add(queue, 2)
    await stage.add(queue, 3, "u")
    for job in await stage.claim(queue, free=2):
        assert await stage.finish(job, Lost(blamed=True))
    [suspect, other] = await stage.claim(queue, types=["t", "u"])
    assert sorted((suspect.losses, other.losses)) == [0, 1]
    assert await stage.claim(queue, types=["t", "u"]) == []


async def test_the_first_due_job_of_all_queues_is_told(stage: Stage) -> None:
    ruled = await stage.queue("ruled", max_concurrent_jobs=1)
    free = await stage.queue("free")
    await stage.know("t")
    await stage.add(ruled, delay_us=7_000_000)
    await stage.add(free, delay_us=9_000_000)
    assert (await stage.claim_batch(ruled, free)).next_due_at == NOON + timedelta(seconds=7)


async def test_old_starts_are_forgotten_and_go_with_their_queue(stage: Stage) -> None:
    queue = await stage.queue(rate_limit=100)
    await stage.know("t")
    await stage.add(queue, 2)
    await succeed(stage, await stage.claim_one(queue))
    stage.clock.advance(700)
    await succeed(stage, await stage.claim_one(queue))
    [row] = await stage.sql("SELECT starts, project_id FROM queue_starts")
    assert (row[0], str(row[1])) == (1, str(stage.project))
    assert await stage.queues.delete(stage.project, queue.id) == {}
    for table in ("queue_starts", "queue_gates"):
        assert await stage.sql(f"SELECT * FROM {table}") == []


async def test_another_project_has_no_gate_here(stage: Stage) -> None:
    queue = await stage.queue(max_concurrent_jobs=1)
    await stage.know("t")
    await stage.add(queue)
    await stage.other_project()
    assert await stage.claim(queue, project=OTHER_PROJECT) == []


async def test_a_queue_whose_gate_is_taken_is_left_out_this_time(stage: Stage) -> None:
    if stage.dialect == "sqlite":
        pytest.skip("whoever writes is alone")
    ruled = await stage.queue("ruled", priority=5, max_concurrent_jobs=5)
    other = await stage.queue("other", max_concurrent_jobs=5)
    await stage.know("t")
    await stage.add(ruled)
    [mine] = await stage.add(other)
    await stage.sql("BEGIN")
    await stage.sql(f"SELECT * FROM queue_gates WHERE queue_id = '{ruled.id}' FOR UPDATE")
    batch = await stage.claim_batch(ruled, other)
    assert ([job.id for job in batch.jobs], batch.next_start_at) == ([mine], batch.now)
    alone = await stage.claim_batch(ruled)
    assert (list(alone.jobs), alone.next_start_at) == ([], alone.now)
    await stage.sql("ROLLBACK")
    assert len(await stage.claim(ruled)) == 1


async def test_many_claimers_and_a_limit(stage: Stage) -> None:
    """Each claims and settles as fast as it can; the peak is taken from what the database says."""
    queue = await stage.queue(max_concurrent_jobs=4, rate_limit=150)
    await stage.know("t")
    await stage.add(queue, 200)
    peaks: list[int] = []
    started = 0

    async def claimer(number: int) -> None:
        nonlocal started
        others = Stage(stage.url)
        while started < 120:
            jobs = await others.claim(queue, free=3, worker=WORKERS[number])
            [[running]] = await others.sql("SELECT count(*) FROM jobs WHERE status = 'processing'")
            peaks.append(running)
            started += len(jobs)
            await asyncio.sleep(0)
            if jobs:
                await others.settle(*(settlement(job, Succeeded()) for job in jobs))
        await others.close()

    await asyncio.gather(*(claimer(number) for number in range(8)))
    [[ended]] = await stage.sql("SELECT count(*) FROM executions")
    [[counted]] = await stage.sql("SELECT sum(starts) FROM queue_starts")
    assert 1 < max(peaks) <= 4
    assert 120 <= ended == counted == started <= 150


async def test_a_rule_holds_from_the_moment_it_was_set(stage: Stage) -> None:
    """Claimers that know nothing of it go on all the time."""
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 4000)
    late: list[ClaimedJob] = []
    counts: list[int] = []
    is_set = False
    under_way = asyncio.Event()

    async def claimer(number: int) -> None:
        others = Stage(stage.url)
        while len(counts) < 40:
            await asyncio.sleep(0)
            began_after = is_set
            jobs = await others.claim(queue, free=5, worker=WORKERS[number])
            [[running]] = await others.sql("SELECT count(*) FROM jobs WHERE status = 'processing'")
            if began_after:
                late.extend(jobs)
                counts.append(running)
            if running > 50:
                under_way.set()
        await others.close()

    claiming = [asyncio.create_task(claimer(number)) for number in range(4)]
    await under_way.wait()
    ruled = await rule(stage, queue, max_concurrent_jobs=1)
    [[before]] = await stage.sql("SELECT count(*) FROM jobs WHERE status = 'processing'")
    is_set = True
    await asyncio.gather(*claiming)
    assert 0 < before < 4000
    assert late == []
    assert set(counts) == {before}
    assert await stage.claim(ruled) == []


WORKERS = [WorkerId(UUID(int=0xB0 + number)) for number in range(8)]


async def test_two_edits_at_once_make_no_circle_of_dead_letters(stage: Stage) -> None:
    for _ in range(5):
        a, b, c = [await stage.queue(f"{name}{UUID(int=_)}"[:100]) for name in "abc"]

        def pointing(target: Queue) -> Any:
            return lambda before: replace(before, settings=QueueSettings(dead_letter_queue_id=target.id))

        results = await asyncio.gather(
            stage.queues.change(stage.project, a.id, pointing(b)),
            stage.queues.change(stage.project, b.id, pointing(c)),
            stage.queues.change(stage.project, c.id, pointing(a)),
            return_exceptions=True,
        )
        refused = [result for result in results if isinstance(result, Exception)]
        assert [type(error) for error in refused] == [InvalidSetting]
        assert "leads back" in str(refused[0])
        for queue in (a, b, c):
            await rule(stage, queue)


async def test_two_edits_at_once_lose_nothing(stage: Stage) -> None:
    queue = await stage.queue()

    def setting(**values: Any) -> Any:
        return lambda queue: replace(queue, settings=queue.settings.changed(values))

    await asyncio.gather(
        *(
            stage.queues.change(stage.project, queue.id, setting(**values))
            for values in (
                {"max_retries": 7},
                {"rate_limit": 9},
                {"timeout_seconds": 3},
                {"aging_seconds": 4},
            )
        )
    )
    found = await stage.queues.get(stage.project, queue.id)
    assert found is not None
    assert found.settings == QueueSettings(max_retries=7, rate_limit=9, timeout_seconds=3.0, aging_seconds=4)
    assert found.has_rule
