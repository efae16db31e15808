"""Fair queues, whose lines take turns, and jobs that weigh more than one slot or token."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.ids import DEFAULT_PROJECT, JobId
from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.keys import JobKeys
from taskforge.domain.outcome import Lost, Released, Succeeded
from taskforge.domain.queue import QueueSettings
from taskforge.storage.bulk import SqlBulkStore
from tests.conformance.stage import NOON, OTHER_WORKER, WORKER, Stage, registration, settlement
from tests.conftest import SOAK

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.queue import Queue
    from taskforge.storage.engine import Call, Rows

pytestmark = pytest.mark.anyio


async def line(
    stage: Stage, queue: Queue, key: str | None, count: int, *, fairness_weight: int | None = None
) -> list[UUID]:
    """Jobs of one fairness key."""
    return [
        await stage.add_keyed(queue, JobKeys(fairness_key=key, fairness_weight=fairness_weight))
        for _ in range(count)
    ]


async def heavy(stage: Stage, queue: Queue, *slots: int, tokens: int | None = None) -> list[UUID]:
    """Jobs of these weights."""
    return [await stage.add_keyed(queue, JobKeys(slots=of_job, rate_tokens=tokens)) for of_job in slots]


async def again(stage: Stage, queue: Queue) -> Queue:
    """The queue as it is by now."""
    found = await stage.queues.get(stage.project, queue.id)
    assert found is not None
    return found


def ids(jobs: list[ClaimedJob]) -> set[UUID]:
    return {job.id for job in jobs}


async def succeed(stage: Stage, *jobs: ClaimedJob) -> None:
    assert len(await stage.settle(*(settlement(job, Succeeded()) for job in jobs))) == len(jobs)


async def test_the_lines_of_a_fair_queue_take_turns(stage: Stage) -> None:
    queue = await stage.queue(policy="fair")
    await stage.know("t")
    a = await line(stage, queue, "a", 5)
    b = await line(stage, queue, "b", 2)
    c = await line(stage, queue, "c", 1)
    assert await stage.order(queue) == [a[0], b[0], c[0], a[1], b[1], a[2], a[3], a[4]]


async def test_batches_go_by_turns_as_single_claims_do(stage: Stage) -> None:
    queue = await stage.queue(policy="fair")
    await stage.know("t")
    lines = {key: await line(stage, queue, key, 7) for key in "abc"}
    claimed = [ids(await stage.claim(queue, free=free)) for free in (2, 5, 4, 10)]
    order = [jobs[n] for n in range(7) for jobs in lines.values()]
    assert claimed == [set(order[:2]), set(order[2:7]), set(order[7:11]), set(order[11:21])]


async def test_a_line_starts_as_many_jobs_a_turn_as_it_weighs(stage: Stage) -> None:
    queue = await stage.queue(policy="fair")
    await stage.know("t")
    gold = await line(stage, queue, "gold", 6, fairness_weight=3)
    iron = await line(stage, queue, "iron", 3)
    order = await stage.order(queue)
    assert order == [*gold[:3], iron[0], *gold[3:], iron[1], iron[2]]


async def test_priority_orders_the_jobs_of_a_line_and_none_of_another(stage: Stage) -> None:
    queue = await stage.queue(policy="fair")
    await stage.know("t")
    one = JobKeys(fairness_key="a")
    low, high = [await stage.add_keyed(queue, one, priority=priority) for priority in (0, 9)]
    [other] = await line(stage, queue, "b", 1)
    assert await stage.order(queue) == [high, other, low]


async def test_jobs_without_a_key_are_a_line_of_their_own(stage: Stage) -> None:
    queue = await stage.queue(policy="fair")
    await stage.know("t")
    keyed = await line(stage, queue, "a", 3)
    plain = [*await stage.add(queue, 2), *await line(stage, queue, None, 1)]
    assert await stage.order(queue) == [job for pair in zip(keyed, plain, strict=True) for job in pair]
    assert (await stage.job(plain[0])).fairness_key is None


async def test_a_queue_with_jobs_becomes_fair_and_plain_again(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    plain = await stage.add(queue, 3)
    keyed = await line(stage, queue, "a", 2)
    later = await stage.add(queue, 1, delay_us=1_000_000)
    fair = await stage.write(replace(queue, settings=QueueSettings(policy="fair")))
    assert fair is not None
    assert fair.has_rule
    assert await stage.order(fair) == [keyed[0], plain[0], keyed[1], plain[1], plain[2]]
    stage.clock.advance(2)
    await stage.jobs.promote(stage.project, 10)
    assert await stage.order(fair) == later
    more = [*await line(stage, queue, "z", 2), *await line(stage, queue, "a", 1)]
    plain_again = await stage.write(replace(fair, settings=QueueSettings()))
    assert plain_again is not None
    assert not plain_again.has_rule
    assert await stage.order(plain_again) == more


async def test_one_who_came_without_a_line_still_starts(stage: Stage) -> None:
    """As an enqueue by a transaction that began before the queue was fair leaves it."""
    queue = await stage.queue(policy="fair")
    await stage.know("t")
    [stray] = await stage.add(queue, 1)
    await stage.sql("UPDATE jobs SET fairness_key = NULL")
    keyed = await line(stage, queue, "a", 2)
    assert await stage.order(queue) == [*keyed, stray]


async def test_retried_and_moved_jobs_stand_in_a_line_of_their_new_queue(stage: Stage) -> None:
    plain = await stage.queue("plain")
    fair = await stage.queue("fair", policy="fair")
    await stage.know("t")
    [moved] = await stage.add(plain, 1)
    buried = await stage.bury(await stage.queue("old"))
    assert await SqlBulkStore(stage.engine).move(stage.project, [moved], fair.id) == {moved}
    assert await stage.jobs.retry(stage.project, buried, fair.id) is JobStatus.FAILED  # type: ignore[arg-type]
    keyed = await line(stage, fair, "a", 1)
    rows = await stage.sql("SELECT fairness_key FROM jobs ORDER BY fairness_key")
    assert [row[0] for row in rows] == ["", "", "a"]
    assert set(await stage.order(fair)) == {moved, buried, *keyed}


async def test_a_line_with_nothing_for_this_worker_is_passed_over(stage: Stage) -> None:
    queue = await stage.queue(policy="fair")
    await stage.know("t", "other")
    for key in "abcdefghij":
        await stage.add_keyed(queue, JobKeys(fairness_key=key), job_type="other")
    [mine] = await line(stage, queue, "z", 1)
    assert ids(await stage.claim(queue, free=1)) == {mine}
    assert await stage.claim(queue, free=1) == []


async def test_a_paused_fair_queue_hands_out_nothing(stage: Stage) -> None:
    queue = await stage.queue(policy="fair")
    await stage.know("t")
    await line(stage, queue, "a", 1)
    await stage.sql("UPDATE queues SET state = 'paused', paused_at = created_at")
    assert await stage.claim(queue) == []


async def test_a_fair_queue_keeps_its_limit_and_its_rate(stage: Stage) -> None:
    queue = await stage.queue(policy="fair", max_concurrent_jobs=3, rate_limit=4)
    await stage.know("t")
    lines = {key: await line(stage, queue, key, 4) for key in "ab"}
    first = await stage.claim(queue)
    assert ids(first) == {lines["a"][0], lines["b"][0], lines["a"][1]}
    await succeed(stage, *first)
    batch = await stage.claim_batch(queue)
    assert ids(list(batch.jobs)) == {lines["b"][1]}
    assert batch.next_start_at == NOON + timedelta(seconds=61)
    stage.clock.advance(61)
    assert len(await stage.claim(queue)) == 2


async def test_a_tenant_with_very_many_jobs_delays_another_by_one_round(stage: Stage) -> None:
    """100,000 against 1; fewer where every pull request waits for it."""
    queue = await stage.queue(policy="fair")
    await stage.know("t")
    count = 100_000 if SOAK else 20_000
    numbers = f"generate_series(1, {count})"
    new_id, now = "gen_random_uuid()", "now()"
    if stage.dialect == "sqlite":
        numbers = f"(WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s)"
        new_id = "printf('%08x-0000-7000-8000-000000000000', n)"
        now = str(int(NOON.timestamp() * 1_000_000))
    await stage.sql(
        "INSERT INTO jobs (id, project_id, queue_id, job_type, payload, status, rank, priority, fairness_key,"
        f" created_at, updated_at) SELECT {new_id}, '{DEFAULT_PROJECT}', '{queue.id}', 't', '{{}}', 'pending', n, 9,"
        f" 'big', {now}, {now} FROM {numbers} AS s{'' if stage.dialect == 'sqlite' else ' (n)'}"
    )
    for _ in range(2):
        assert len(await stage.claim(queue, free=4)) == 4
    [single] = await line(stage, queue, "small", 1)
    second = await line(stage, queue, "tiny", 1)
    order = [job for _ in range(3) for job in await stage.claim(queue, free=1)]
    assert single in [job.id for job in order]
    assert second[0] in [job.id for job in order]
    assert len(await stage.claim(queue, free=50)) == 50


async def test_a_heavy_job_takes_its_slots_of_the_queue(stage: Stage) -> None:
    queue = await stage.queue(max_concurrent_jobs=4)
    await stage.know("t")
    three, two, one = await heavy(stage, queue, 3, 2, 1)
    queue = await again(stage, queue)
    [first] = await stage.claim(queue)
    assert (first.id, first.slots) == (three, 3)
    batch = await stage.claim_batch(queue)
    assert (list(batch.jobs), batch.wanted) == ([], 0)
    await succeed(stage, first)
    assert ids(await stage.claim(queue)) == {two, one}
    assert (await stage.job(two)).slots == 2


async def test_a_heavy_job_takes_its_slots_of_the_worker(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    [light] = await stage.add(queue, 1)
    [three] = await heavy(stage, queue, 3)
    behind = await stage.add(queue, 1)
    queue = await again(stage, queue)
    batch = await stage.claim_batch(queue, free=3)
    assert (ids(list(batch.jobs)), batch.wanted) == ({light}, 3)
    assert (await stage.claim_batch(queue, free=2)).wanted == 3
    other = await stage.claim(queue, free=4, worker=OTHER_WORKER)
    assert ids(other) == {three, *behind}


async def test_slots_are_kept_for_a_heavy_job_also_from_queues_behind_it(stage: Stage) -> None:
    first, second = await stage.queue("first", priority=5), await stage.queue("second")
    await stage.know("t")
    await heavy(stage, first, 3)
    await stage.add(second, 5)
    first = await again(stage, first)
    batch = await stage.claim_batch(first, second, free=2)
    assert (list(batch.jobs), batch.wanted) == ([], 3)


async def test_what_a_worker_can_never_hold_is_passed_over(stage: Stage) -> None:
    queue = await stage.queue()
    worker = await stage.know("t")  # it has ten slots
    eleven, ten = await heavy(stage, queue, 11, 10)
    queue = await again(stage, queue)
    assert ids(await stage.claim(queue, worker=worker)) == {ten}
    assert ids(await stage.claim(queue, free=11, worker=OTHER_WORKER)) == {eleven}


async def test_what_the_queue_can_never_hold_is_passed_over(stage: Stage) -> None:
    queue = await stage.queue(rate_limit=10)
    await stage.know("t")
    too_heavy, light = await heavy(stage, queue, 1, 1, tokens=5)
    await stage.sql("UPDATE queues SET rate_limit = 4")
    assert await stage.claim(await again(stage, queue)) == []
    await stage.sql("UPDATE queues SET rate_limit = 10")
    assert ids(await stage.claim(await again(stage, queue))) == {too_heavy, light}


async def test_starts_take_their_tokens_of_the_rate(stage: Stage) -> None:
    queue = await stage.queue(rate_limit=10)
    await stage.know("t")
    await heavy(stage, queue, *[1] * 5, tokens=4)
    [light] = await stage.add(queue, 1)
    queue = await again(stage, queue)
    batch = await stage.claim_batch(queue)
    assert len(batch.jobs) == 2
    assert batch.next_start_at == NOON + timedelta(seconds=61)
    stage.clock.advance(60)
    assert await stage.claim(queue) == []
    stage.clock.advance(1)
    assert len(await stage.claim(queue)) == 2
    stage.clock.advance(61)
    assert light in ids(await stage.claim(queue))


async def test_a_plain_queue_weighs_its_jobs_once_a_heavy_one_came(stage: Stage) -> None:
    queue = await stage.queue()
    version = await stage.config_version()
    await stage.know("t")
    await stage.add_keyed(queue, JobKeys(slots=1))
    assert not (await again(stage, queue)).has_rule
    await heavy(stage, queue, 2)
    assert (await again(stage, queue)).has_rule
    assert await stage.config_version() > version
    kept = await stage.write(replace(queue, description="changed"))
    assert kept is not None
    assert kept.has_rule


async def test_the_queue_that_a_heavy_job_is_moved_to_weighs_its_jobs(stage: Stage) -> None:
    old, new = await stage.queue("old"), await stage.queue("new")
    [moved] = await heavy(stage, old, 5)
    assert await SqlBulkStore(stage.engine).move(stage.project, [moved], new.id) == {moved}
    assert (await again(stage, new)).has_rule


async def test_a_worker_that_has_not_heard_of_weights_starts_nothing_there(stage: Stage) -> None:
    plain, limited = await stage.queue("plain"), await stage.queue("limited", max_concurrent_jobs=5)
    await stage.know("t")
    await heavy(stage, plain, 2)
    await heavy(stage, limited, 2)
    assert await stage.claim(plain) == []  # as the queue was when it was made
    assert len(await stage.claim(limited)) == 1  # the gate says so


async def test_a_heavy_job_that_lost_its_worker_is_weighed_as_well(stage: Stage) -> None:
    queue = await stage.queue(policy="fair", max_concurrent_jobs=4)
    await stage.know("t")
    [three] = await heavy(stage, queue, 3)
    queue = await again(stage, queue)
    [job] = await stage.claim(queue)
    assert await stage.finish(job, Lost(blamed=True))
    [other] = await line(stage, queue, "a", 1)
    assert ids(await stage.claim(queue)) == {three, other}
    assert await stage.claim(queue) == []


async def test_many_claimers_never_exceed_the_places(stage: Stage) -> None:
    queue = await stage.queue(policy="fair", max_concurrent_jobs=7)
    await stage.know("t")
    for number in range(24):
        await stage.add_keyed(queue, JobKeys(fairness_key="abc"[number % 3], slots=1 + number % 3))
    queue = await again(stage, queue)
    done = 0
    while done < 24:
        claims = await asyncio.gather(
            *(stage.claim(queue, free=3 + n, worker=OTHER_WORKER) for n in range(4))
        )
        jobs = [job for claimed in claims for job in claimed]
        assert sum(job.slots for job in jobs) <= 7
        assert jobs
        half = jobs[: max(1, len(jobs) // 2)]
        await succeed(stage, *half)
        for job in jobs[len(half) :]:
            assert await stage.finish(job, Released())
        done += len(half)


@pytest.mark.parametrize(("places", "left"), [(5, 0), (8, 3)])
async def test_what_was_seen_before_another_claim_is_not_taken(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, places: int, left: int
) -> None:
    """A look holds nothing: who claims after another has been at the gate has to look again."""
    queue = await stage.queue(policy="fair", max_concurrent_jobs=places)
    await stage.know("t")
    a, b = [await line(stage, queue, key, 6) for key in "ab"]
    call = type(stage.engine).call
    others: list[ClaimedJob] = []

    async def disturbed(engine: Any, one: Call) -> Rows:
        rows = await call(engine, one)
        if one.name == "weigh_lines" and not others:
            monkeypatch.setattr(type(stage.engine), "call", call)
            others.extend(await stage.claim(queue, free=5, worker=OTHER_WORKER))
        return rows

    monkeypatch.setattr(type(stage.engine), "call", disturbed)
    jobs = await stage.claim(queue, free=5)
    in_turn = [job for pair in zip(a, b, strict=True) for job in pair]
    assert ids(others) == set(in_turn[:5])
    assert ids(jobs) == set(in_turn[5 : 5 + left])


async def test_what_is_told_of_claimed_jobs_is_what_stands(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that were cancelled or held after the look stay so, and take neither a place nor a token."""
    queue = await stage.queue(policy="fair", rate_limit=7)
    await stage.know("t")
    a, b = [await line(stage, queue, key, 3) for key in "ab"]
    call = type(stage.engine).call

    async def disturbed(engine: Any, one: Call) -> Rows:
        rows = await call(engine, one)
        if one.name == "weigh_lines":
            monkeypatch.setattr(type(stage.engine), "call", call)
            assert await stage.jobs.cancel(stage.project, JobId(b[0])) is not None
            await stage.sql(f"UPDATE jobs SET hold = 'paused' WHERE id = '{a[1]}'")
        return rows

    monkeypatch.setattr(type(stage.engine), "call", disturbed)
    jobs = await stage.claim(queue, free=5)
    assert ids(jobs) == {a[0], b[1], a[2]}
    assert await stage.status(b[0]) is JobStatus.CANCELLED
    assert (await stage.job(a[1])).hold is Hold.PAUSED
    held = await stage.jobs.held(stage.project, WORKER, [job.id for job in jobs])
    assert set(held) == {job._replace(payload="") for job in jobs}  # the payload is told once
    assert len({job.execution_id for job in jobs}) == 3
    await succeed(stage, *jobs)
    assert ids(await stage.claim(queue, free=9)) == {b[2]}
    await line(stage, queue, "c", 9)
    assert len(await stage.claim(queue, free=9)) == 3


async def test_a_limit_that_was_set_after_the_look_holds(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = await stage.queue(policy="fair")
    await stage.know("t")
    await line(stage, queue, "a", 6)
    call = type(stage.engine).call

    async def disturbed(engine: Any, one: Call) -> Rows:
        rows = await call(engine, one)
        if one.name == "weigh_lines":
            monkeypatch.setattr(type(stage.engine), "call", call)
            limited = QueueSettings(policy="fair", max_concurrent_jobs=2)
            assert await stage.write(replace(queue, settings=limited)) is not None
        return rows

    monkeypatch.setattr(type(stage.engine), "call", disturbed)
    assert len(await stage.claim(queue, free=5)) == 2


async def test_lines_and_weights_stay_in_their_project(stage: Stage) -> None:
    other = await stage.other_project()
    theirs = await stage.queue("theirs", project=other)
    job = stage.new(theirs)
    await stage.jobs.accept_ruled(other, [job], keys={job.id: JobKeys(slots=2)}, bounds=[])
    mine = await stage.queue("theirs")
    await stage.workers.register(stage.project, OTHER_WORKER, registration("other", "t"), 30_000_000)
    assert not (await again(stage, mine)).has_rule
    found = await stage.queues.get(other, theirs.id)
    assert found is not None
    assert found.has_rule


@pytest.mark.parametrize("fair_first", [True, False])
async def test_a_fair_queue_beside_others_costs_one_statement_more_than_a_plain_one(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, fair_first: bool
) -> None:
    """A look before the claim; the other queue is served by the plain claim, and no gate is held."""
    fair = await stage.queue("fair", policy="fair", priority=9 if fair_first else 0)
    plain = await stage.queue("plain", priority=5)
    await stage.know("t")
    for key in "abc":
        await line(stage, fair, key, 6)
    await stage.add(plain, 6)
    names = stage.asked(monkeypatch)
    for _ in range(3):
        assert len(await stage.claim(fair, plain, free=6, is_expected=False)) == 6
    mine = ["weigh_lines", "claim_weighed_jobs"]
    if not fair_first:
        assert names == ["claim_jobs", *["claim_jobs", *mine] * 2]
        return
    assert names == mine * 3
    names.clear()
    assert len(await stage.claim(fair, plain, free=6, is_expected=False)) == 6
    assert names == ["weigh_lines", "claim_jobs"]


async def test_a_batch_of_uneven_lines_is_one_look_and_one_claim(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What short lines lack of their part the long ones give, in their turns; then come those without a line."""
    queue = await stage.queue(policy="fair")
    await stage.know("t")
    large = await line(stage, queue, "a", 30)
    small = await line(stage, queue, "b", 1)
    heavier = await line(stage, queue, "c", 18, fairness_weight=3)
    without = await line(stage, queue, None, 2)
    await stage.sql(f"UPDATE jobs SET fairness_key = NULL WHERE id IN ('{without[0]}', '{without[1]}')")
    names = stage.asked(monkeypatch)
    for taken in (
        {*large[:5], *small, *heavier[:14]},
        {*large[5:21], *heavier[14:]},
        {*large[21:], *without},
    ):
        assert ids(await stage.claim(queue, free=20)) == taken
    if stage.dialect == "postgres":  # to SQLite statements are sent nowhere
        assert [name for name in names if "weigh" in name] == ["weigh_lines", "claim_weighed_jobs"] * 3
