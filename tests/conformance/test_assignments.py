"""Assignments: who serves a queue, from the moment on that somebody says so."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from taskforge.domain.errors import NotFound
from taskforge.domain.ids import AssignmentId, QueueId, WorkerId
from taskforge.domain.keys import JobKeys
from taskforge.domain.outcome import Succeeded
from taskforge.domain.queue import QueueSettings, Strategy
from taskforge.ports.jobs import ClaimRequest
from taskforge.storage.assignments import SqlAssignmentStore
from taskforge.storage.jobs import SqlJobStore
from taskforge.storage.rules import ClaimsByRules
from tests.conformance.stage import LEASE, Stage, registration, settlement

if TYPE_CHECKING:
    from taskforge.domain.assignment import Assignment
    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.queue import Queue
    from taskforge.storage.engine import Call, Rows

pytestmark = pytest.mark.anyio


@pytest.fixture
def assignments(stage: Stage) -> SqlAssignmentStore:
    return SqlAssignmentStore(stage.engine, stage.mint)


async def worker(stage: Stage, name: str, *types: str) -> WorkerId:
    worker_id = WorkerId(stage.mint())
    await stage.workers.register(
        stage.project, worker_id, registration(name, *(types or ("t",))), round(LEASE * 1e6)
    )
    return worker_id


async def assign(
    stage: Stage,
    assignments: SqlAssignmentStore,
    queue: Queue,
    name: str,
    weight: int = 1,
    *,
    is_active: bool = True,
) -> Assignment:
    made = await assignments.create(stage.project, queue.id, name, weight, is_active=is_active)
    assert made is not None
    return made


async def known(stage: Stage, queue: Queue) -> Queue:
    """The queue as a claimer knows it that has heard of the newest configuration."""
    found = await stage.queues.get(stage.project, queue.id)
    assert found is not None
    return found


async def test_only_assigned_workers_get_jobs_of_a_queue_with_assignments(
    stage: Stage, assignments: SqlAssignmentStore
) -> None:
    queue = await stage.queue()
    ours, others = await worker(stage, "gpu-1"), await worker(stage, "cpu-1")
    ids = await stage.add(queue, 4)
    assert len(await stage.claim(queue, free=1, worker=others)) == 1
    made = await assign(stage, assignments, queue, "gpu-*", 3)
    assert (made.queue_name, made.weight, made.is_active, made.is_pattern) == ("default", 3, True, True)
    assert await stage.claim(queue, worker=others) == []  # it has not heard of it yet
    ruled = await known(stage, queue)
    assert ruled.has_rule
    assert await stage.claim(ruled, worker=others) == []
    assert [job.id for job in await stage.claim(ruled, free=1, worker=ours)] == ids[1:2]

    off = await assignments.change(stage.project, made.id, lambda found: replace(found, is_active=False))
    assert off is not None
    assert off.is_active is False
    ruled = await known(stage, queue)
    assert await stage.claim(ruled, worker=ours) == []  # all are inactive: nobody serves it
    assert await stage.claim(ruled, worker=others) == []

    assert await assignments.change(stage.project, made.id, lambda _: None) == off
    assert (await known(stage, queue)).has_rule is False
    assert len(await stage.claim(await known(stage, queue), worker=others)) == 2


async def test_the_closest_name_decides(stage: Stage, assignments: SqlAssignmentStore) -> None:
    queue = await stage.queue()
    first, second = await worker(stage, "gpu-1"), await worker(stage, "gpu-2")
    await stage.add(queue, 2)
    await assign(stage, assignments, queue, "*", 2)
    await assign(stage, assignments, queue, "gpu-1", is_active=False)
    ruled = await known(stage, queue)
    assert await stage.claim(ruled, worker=first) == []
    assert len(await stage.claim(ruled, worker=second)) == 2


async def test_a_rule_of_the_queue_stays_when_its_assignments_come_and_go(
    stage: Stage, assignments: SqlAssignmentStore
) -> None:
    queue = await stage.queue(max_concurrent_jobs=1)
    ours = await worker(stage, "w")
    await stage.add(queue, 3)
    made = await assign(stage, assignments, queue, "w")
    assert len(await stage.claim(await known(stage, queue), worker=ours)) == 1
    lifted = await stage.write(replace(await known(stage, queue), settings=QueueSettings()))
    assert lifted is not None
    assert (lifted.has_rule, lifted.plan is not None) == (True, True)
    await assignments.change(stage.project, made.id, lambda _: None)
    assert (await known(stage, queue)).has_rule is False


async def test_who_is_full_of_other_work_gives_up_its_turns_and_then_leaves_the_gate_alone(
    stage: Stage, assignments: SqlAssignmentStore
) -> None:
    plain, divided = await stage.queue("plain"), await stage.queue("divided")
    first, second = await worker(stage, "first"), await worker(stage, "second")
    await assign(stage, assignments, divided, "*")
    ruled = await known(stage, divided)
    idle = await stage.claim_batch(plain, ruled, free=4, worker=first)
    assert (len(idle.jobs), idle.is_expected) == (0, True)
    assert await stage.claim(ruled, free=4, worker=second) == []
    await stage.add(plain, 8)
    full = await stage.claim_batch(plain, ruled, free=4, worker=first)
    assert (len(full.jobs), full.is_expected) == (4, False)
    await stage.add(divided, 4)
    assert len(await stage.claim(ruled, free=4, worker=second)) == 4, "nothing is kept for who is full"
    gates = [tuple(row) for row in await stage.sql("SELECT shares FROM queue_gates")]
    again = await stage.claim_batch(plain, ruled, free=4, worker=first, is_expected=False)
    assert (len(again.jobs), again.is_expected) == (4, False)
    assert [tuple(row) for row in await stage.sql("SELECT shares FROM queue_gates")] == gates
    await stage.add(plain, 1)
    await stage.add(divided, 2)
    both = await stage.claim_batch(plain, ruled, free=5, worker=first, is_expected=False)
    assert ([job.queue_id for job in both.jobs], both.is_expected) == ([plain.id, *[divided.id] * 2], True)


async def test_a_strategy_is_kept_with_the_gate(stage: Stage, assignments: SqlAssignmentStore) -> None:
    queue = await stage.queue(strategy="least_loaded")
    found = (await known(stage, queue)).plan
    assert found is not None
    assert (found.strategy, found.rivals) == (Strategy.LEAST_LOADED, None)
    await assign(stage, assignments, queue, "w", 7)
    found = (await known(stage, queue)).plan
    assert found is not None
    assert (found.strategy, found.weight("w"), found.weight("v")) == (Strategy.LEAST_LOADED, 7, None)


async def test_there_is_one_of_a_queue_and_a_name_and_it_goes_with_its_queue(
    stage: Stage, assignments: SqlAssignmentStore
) -> None:
    queue = await stage.queue()
    made = await assign(stage, assignments, queue, "w")
    assert await assignments.create(stage.project, queue.id, "w", 2, is_active=True) is None
    assert [found.id for found in await assignments.list(stage.project)] == [made.id]
    assert await assignments.get(stage.project, made.id) == made
    other = await stage.other_project()
    assert await assignments.get(other, made.id) is None
    assert await assignments.change(other, made.id, lambda _: None) is None
    with pytest.raises(NotFound):
        await assignments.create(other, queue.id, "w", 1, is_active=True)
    with pytest.raises(NotFound):
        await assignments.create(stage.project, QueueId(UUID(int=9)), "w", 1, is_active=True)
    assert await stage.queues.delete(stage.project, queue.id) == {}
    assert await assignments.list(stage.project) == []
    assert await assignments.change(stage.project, AssignmentId(made.id), lambda _: None) is None


async def test_changes_are_told_to_caches_and_to_the_audit_log(
    stage: Stage, assignments: SqlAssignmentStore
) -> None:
    queue = await stage.queue()
    before = await stage.config_version()
    made = await assign(stage, assignments, queue, "w")
    await assignments.change(stage.project, made.id, lambda found: replace(found, weight=9))
    await assignments.change(stage.project, made.id, lambda found: replace(found, is_active=False))
    await assignments.change(stage.project, made.id, lambda _: None)
    assert await stage.config_version() > before
    told = await stage.sql(
        "SELECT action, after FROM audit_entries WHERE resource_kind = 'assignment' ORDER BY id"
    )
    assert [row[0] for row in told] == [
        "assignment.create", "assignment.update", "assignment.deactivate", "assignment.delete",
    ]  # fmt: skip


@pytest.mark.parametrize("policy", ["aged", "fair"])
async def test_claims_are_divided_as_the_weights_and_what_is_kept_is_given_up_in_time(
    stage: Stage, assignments: SqlAssignmentStore, policy: str
) -> None:
    queue = await stage.queue(policy=policy)
    large, small = await worker(stage, "large"), await worker(stage, "small")
    await assign(stage, assignments, queue, "large", 30)
    await assign(stage, assignments, queue, "small", 10)
    ruled = await known(stage, queue)
    for who in (large, small):
        assert await stage.claim(ruled, worker=who, free=100) == []
    await stage.add(queue, 40)
    got = {who: len(await stage.claim(ruled, worker=who, free=100)) for who in (small, large)}
    assert got == {large: 30, small: 10}

    await stage.add(queue, 4)
    first = await stage.claim_batch(ruled, worker=large, free=70)
    assert (len(first.jobs), list(first.news)) == (3, [queue.id])
    assert first.next_start_at == stage.clock.time + timedelta(seconds=0.5)
    again = await stage.claim_batch(ruled, worker=large, free=67)
    assert (list(again.jobs), list(again.news)) == ([], [])
    stage.clock.advance(0.5)
    rest = await stage.claim_batch(ruled, worker=large, free=67)
    assert (len(rest.jobs), rest.next_start_at) == (1, None)


@pytest.mark.parametrize("policy", ["aged", "fair"])
async def test_who_is_full_draining_or_silent_has_no_turns(
    stage: Stage, assignments: SqlAssignmentStore, policy: str
) -> None:
    queue, others = await stage.queue(policy=policy), await stage.queue("others")
    ours, full, leaving, silent = [await worker(stage, name) for name in ("a", "b", "c", "d")]
    await assign(stage, assignments, queue, "?", 10)
    await assign(stage, assignments, queue, "a", 1)
    ruled = await known(stage, queue)
    for who in (ours, full, leaving, silent):
        assert await stage.claim(ruled, worker=who, free=5) == []
    await stage.workers.set_drain(stage.project, leaving, drain=True)
    stage.clock.advance(LEASE * 2 / 3 + 1)
    for who in (ours, full, leaving):
        await stage.beat(worker=who)
    await stage.add(others, 5)
    assert len(await stage.claim(others, ruled, worker=full, free=5)) == 5  # of a queue that is served first
    await stage.add(queue, 5)
    assert len(await stage.claim(ruled, worker=ours, free=5)) == 5


async def test_a_limit_of_the_queue_is_divided_as_well(stage: Stage, assignments: SqlAssignmentStore) -> None:
    queue = await stage.queue(max_concurrent_jobs=4)
    large, small = await worker(stage, "large"), await worker(stage, "small")
    await assign(stage, assignments, queue, "large", 30)
    await assign(stage, assignments, queue, "small", 10)
    ruled = await known(stage, queue)
    for who in (large, small):
        await stage.claim(ruled, worker=who)
    await stage.add(queue, 50)
    assert [len(await stage.claim(ruled, worker=who)) for who in (large, small)] == [3, 1]


@pytest.fixture
def statements(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    return stage.asked(monkeypatch)


@pytest.mark.parametrize(
    "settings", [{}, {"policy": "fair"}, {"strategy": "first_free"}, {"rate_limit": 999}]
)
async def test_a_divided_queue_costs_one_statement_more_than_a_plain_one(
    stage: Stage, assignments: SqlAssignmentStore, statements: list[str], settings: dict[str, Any]
) -> None:
    """A look, and the claim: also with room left, when it runs empty, and when another worker has room."""
    if stage.dialect == "sqlite" and "policy" not in settings:
        pytest.skip("statements are sent nowhere: it holds its gate")
    queue = await stage.queue(**settings)
    ours, others = await worker(stage, "ours"), await worker(stage, "others")
    await assign(stage, assignments, queue, "o*", 3)
    ruled = await known(stage, queue)
    look = "weigh_lines" if ruled.settings.is_fair else "weigh_jobs"
    weighs = ruled.plan is not None and ruled.plan.strategy is Strategy.WEIGHTED

    async def cost(free: int, who: WorkerId = ours) -> tuple[int, list[str]]:
        statements.clear()
        return len(await stage.claim(ruled, free=free, worker=who)), list(statements)

    async def add(count: int) -> None:
        jobs = [stage.new(queue) for _ in range(count)]
        await stage.accept(
            *jobs, keys={job.id: JobKeys(fairness_key=f"{n % 3}") for n, job in enumerate(jobs)}
        )

    await add(8)
    assert await cost(4) == (4, [look, "claim_weighed_jobs"])
    taken, asked = await cost(6)
    assert taken == 4, "it runs empty"
    assert asked == [look, "claim_weighed_jobs"] or stage.dialect == "sqlite"
    assert await cost(3) == (0, [look, "keep_shares"] if weighs else [look])
    assert await cost(3) == (0, [look]), "it has said so already"
    assert (await cost(4, others))[1][:1] == [look]
    await add(6)
    assert await cost(2) == (2, [look, "claim_weighed_jobs"])
    assert await cost(4, others) == (4, [look, "claim_weighed_jobs"])


@pytest.mark.parametrize("plain_first", [True, False])
async def test_a_divided_queue_beside_a_plain_one_is_claimed_from_without_its_gate(
    stage: Stage, assignments: SqlAssignmentStore, statements: list[str], plain_first: bool
) -> None:
    plain = await stage.queue("plain", priority=9 if plain_first else 0)
    queue = await stage.queue("divided", priority=5, policy="fair")
    ours = await worker(stage, "ours")
    await assign(stage, assignments, queue, "*")
    ruled = await known(stage, queue)
    await stage.add(plain, 3)
    for _ in range(3):
        await stage.add_keyed(queue, JobKeys(fairness_key="a"))
    statements.clear()
    batch = await stage.claim_batch(plain, ruled, free=5, worker=ours)
    while batch.jobs:
        assert "at the gate" not in statements
        statements.clear()
        batch = await stage.claim_batch(plain, ruled, free=5, worker=ours, is_expected=batch.is_expected)
    assert batch.is_expected
    await stage.add(plain, 5)
    statements.clear()
    full = await stage.claim_batch(plain, ruled, free=5, worker=ours)
    assert (len(full.jobs), full.is_expected) == (5, False)
    gave_up = ["weigh_lines", "keep_shares"]
    assert statements == (
        ["claim_jobs", *gave_up] if plain_first else ["weigh_lines", "claim_jobs", *gave_up]
    )
    [kept] = await stage.sql("SELECT shares FROM queue_gates")
    assert '"spare":0' in kept[0]


@pytest.mark.parametrize(("how", "limit"), [("once", None), ("once", 5), ("always", 5), ("always", None)])
async def test_of_two_who_looked_at_the_same_time_one_looks_again(
    stage: Stage,
    assignments: SqlAssignmentStore,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    limit: int | None,
) -> None:
    """Between a look and its claim another worker claims: what was seen is not taken, and the shares stay exact."""
    queue = await stage.queue(max_concurrent_jobs=limit, policy="fair")
    large, small = await worker(stage, "large"), await worker(stage, "small")
    await assign(stage, assignments, queue, "large", 30)
    await assign(stage, assignments, queue, "small", 10)
    ruled = await known(stage, queue)
    for who in (large, small):
        assert await stage.claim(ruled, worker=who, free=50) == []
    for number in range(8):
        await stage.add_keyed(queue, JobKeys(fairness_key="abc"[number % 3]))
    call = type(stage.engine).call
    taken: list[ClaimedJob] = []
    nested = False

    async def disturbed(engine: Any, one: Call) -> Rows:
        nonlocal nested
        rows = await call(engine, one)
        if one.name == "weigh_lines" and not nested and (how == "always" or not taken):
            nested = True
            taken.extend(await stage.claim(ruled, worker=small, free=1 if taken else 50))
            nested = False
        return rows

    monkeypatch.setattr(type(stage.engine), "call", disturbed)
    jobs = await stage.claim(ruled, worker=large, free=50)
    assert {job.id for job in taken}.isdisjoint(job.id for job in jobs)
    if how == "once":
        assert (len(jobs), len(taken)) == ((6, 2) if limit is None else (4, 1))
    assert len(jobs) + len(taken) <= (8 if limit is None else limit)
    running = await stage.sql("SELECT count(*) FROM jobs WHERE status = 'processing'")
    assert running[0][0] == len(jobs) + len(taken)


async def test_claims_at_the_same_time_are_divided_as_the_weights(
    stage: Stage, assignments: SqlAssignmentStore
) -> None:
    queue = await stage.queue()
    weights = {"large": 60, "middle": 30, "small": 10}
    workers = {name: await worker(stage, name) for name in weights}
    for name, weight in weights.items():
        await assign(stage, assignments, queue, name, weight)
    stores = {name: SqlJobStore(stage.engine) for name in weights}
    got: Counter[str] = Counter()

    async def claim(name: str) -> None:
        batch = await stores[name].claim(
            ClaimRequest(stage.project, workers[name], [queue.id], ["t"], 100, 1, 30_000_000, [queue.id])
        )
        got[name] += len(batch.jobs)
        await stage.settle(*(settlement(job, Succeeded()) for job in batch.jobs))

    added = 0
    await asyncio.gather(*map(claim, weights))
    for number in range(100):
        added += len(await stage.add(queue, 1 + number % 20))
        while sum(got.values()) < added:
            await asyncio.gather(*map(claim, weights))
            stage.clock.advance(0.01)
    assert added >= 1_000
    assert {name: round(100 * got[name] / added) for name in weights} == pytest.approx(weights, abs=2)


async def test_who_looked_before_a_claim_at_the_gate_takes_nothing_of_what_it_saw(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was in vain holds the gate; who holds none hears of it by the version."""
    queue = await stage.queue(max_concurrent_jobs=5)
    ours, others = await worker(stage, "ours"), await worker(stage, "others")
    await stage.add(queue, 8)
    call = type(stage.engine).call
    taken: list[ClaimedJob] = []

    async def disturbed(engine: Any, one: Call) -> Rows:
        rows = await call(engine, one)
        if one.name == "weigh_jobs" and not taken:
            with pytest.MonkeyPatch.context() as context:
                context.setattr(ClaimsByRules, "_unheld", in_vain)
                taken.extend(await stage.claim(queue, worker=others, free=5))
            assert len(taken) == 5
        return rows

    async def in_vain(*_: object) -> None: ...

    monkeypatch.setattr(type(stage.engine), "call", disturbed)
    jobs = await stage.claim(queue, worker=ours, free=5)
    assert len(jobs) + len(taken) == 5


async def test_several_divided_queues_are_claimed_from_one_after_the_other_without_their_gates(
    stage: Stage, assignments: SqlAssignmentStore, statements: list[str]
) -> None:
    """Two statements for each that gives jobs, one for each that has none; and each hears in the end what room there is."""
    if stage.dialect == "sqlite":
        pytest.skip("statements are sent nowhere: it holds the gates")
    made = [await stage.queue(name, priority=9 - n) for n, name in enumerate(("first", "second", "third"))]
    plain = await stage.queue("plain")
    ours, others = await worker(stage, "ours"), await worker(stage, "others")
    for queue in made:
        await assign(stage, assignments, queue, "o*")
    first, second, third = queues = [await known(stage, queue) for queue in made]
    look, claimed = "weigh_jobs", "claim_weighed_jobs"

    async def cost(is_expected: bool = True) -> tuple[list[UUID], bool, list[str]]:
        statements.clear()
        batch = await stage.claim_batch(*queues, plain, free=6, worker=ours, is_expected=is_expected)
        return [job.queue_id for job in batch.jobs], batch.is_expected, list(statements)

    assert await cost() == ([], True, [look, "keep_shares"] * 3 + ["claim_jobs"])
    assert await cost() == ([], True, [look] * 3 + ["claim_jobs"])
    await stage.add(third, 1)
    assert await cost() == ([third.id], True, [look, look, look, claimed, "claim_jobs"])
    await stage.add(first, 2)
    await stage.add(third, 9)
    taken, is_expected, asked = await cost()
    assert taken == [first.id] * 2 + [third.id] * 4
    assert not is_expected
    told = [look, "keep_shares"]
    assert asked == [look, claimed, *told, look, claimed, *told, *told]
    spare = await stage.sql("SELECT shares FROM queue_gates")
    assert ['"spare":0' in row[0] for row in spare] == [True] * 3
    await stage.add(second, 4)
    assert len(await stage.claim(*queues, free=9, worker=others)) == 9, "nothing is kept for who is full"
    await stage.add(first, 6)
    assert await cost(is_expected=False) == ([first.id] * 6, False, [look, claimed])
