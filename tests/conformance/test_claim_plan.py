"""The plans of the hot statements on PostgreSQL, with very many jobs present, after churn, without a new ANALYZE."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import pytest

from taskforge.domain.ids import DEFAULT_PROJECT
from tests.conformance.plans import generic_plans, indexes
from tests.conftest import SOAK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tests.conformance.plans import Prepared

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

JOBS = 200_000
SOME_JOBS = JOBS if SOAK else 40_000
"""Where the plan is the same for any large number; in a soak it is tried with all of them."""
CHURN = 20_000
BATCH = 500
QUEUES = [UUID(int=0x71), UUID(int=0x72)]
RULED = UUID(int=0x73)
WORKER = UUID(int=0x77)
# pages that one call for 10 jobs may touch; a scan of the table touches thousands
FEW_PAGES = 3_000

ADD_QUEUE = (
    "INSERT INTO queues (id, project_id, name, aging_us) "
    f"VALUES ($1::uuid, '{DEFAULT_PROJECT}', $2::text, 1000000000000000)"
)
ADD_RULED_QUEUE = (
    "INSERT INTO queues (id, project_id, name, aging_us, is_ruled, max_concurrent_jobs, rate_limit) "
    f"VALUES ('{RULED}', '{DEFAULT_PROJECT}', 'ruled', 0, true, 1000, 1000000)"
)
ADD_UNKNOWN_JOBS = (
    "INSERT INTO jobs (id, project_id, queue_id, job_type, payload, status, hold, rank, priority, created_at,"
    f" updated_at) SELECT gen_random_uuid(), '{DEFAULT_PROJECT}', $1::uuid, 'unknown', to_json(repeat('x', 50)),"
    " 'pending', 'no_worker', -n, 0, now(), now() FROM generate_series(1, $2::int) n"
)
ADD_JOBS = (
    "INSERT INTO jobs (id, project_id, queue_id, job_type, payload, status, rank, priority, scheduled_for,"
    " created_at, updated_at) "
    f"SELECT gen_random_uuid(), '{DEFAULT_PROJECT}',"
    " CASE WHEN n % 4 = 0 THEN $2::uuid ELSE $1::uuid END, 't', to_json(repeat('x', 50)),"
    " CASE WHEN n % 10 = 0 THEN 'scheduled' ELSE 'pending' END, n, 0,"
    " CASE WHEN n % 10 = 0 THEN now() + interval '1 hour' END, now(), now() "
    "FROM generate_series(1, $3::int) n"
)


def complaints(nodes: Sequence[dict[str, Any]]) -> list[str]:
    """What is wrong with a plan of a hot statement."""
    found = []
    for node in nodes:
        kind, relation = node["Node Type"], node.get("Relation Name", "")
        if kind == "Seq Scan" and relation in ("jobs", "executions", "log_lines", "executions_default"):
            found.append(f"a sequential scan of {relation}")
        if kind == "Merge Join":
            found.append("a merge join")
        if kind in ("Sort", "Incremental Sort") and node.get("Actual Rows", 0) > 2:
            found.append(f"a sort of {node['Actual Rows']} rows by {node.get('Sort Key')}")
        if kind == "Nested Loop" and node.get("Rows Removed by Join Filter", 0) > BATCH:
            found.append(f"a nested loop that compared {node['Rows Removed by Join Filter']} pairs in vain")
    pages = nodes[0]["Shared Hit Blocks"] + nodes[0]["Shared Read Blocks"]
    if pages > FEW_PAGES:
        found.append(f"{pages} pages")
    return found


def claim_values(free: int = 10) -> dict[str, Any]:
    return {
        "project_id": DEFAULT_PROJECT,
        "worker_id": WORKER,
        "queue_ids": QUEUES,
        "job_types": ["t", "u"],
        "free": free,
        "suspects": 1,
        "lease_us": 30_000_000,
    }


def ruled_values() -> dict[str, Any]:
    return claim_values() | {"queue_id": RULED}


def settle_values(jobs: Sequence[Any], *, success: bool) -> dict[str, Any]:
    many = len(jobs)
    fence = {
        "job_id": [job["id"] for job in jobs],
        "claim_seq": [job["claim_seq"] for job in jobs],
        "execution_id": [job["execution_id"] for job in jobs],
        "output": [None] * many,
        "wait_us": [1] * many,
        "duration_us": [1] * many,
        "waited_us": [1] * many,
    }
    if success:
        return fence
    return fence | {
        "status": ["scheduled"] * many,
        "execution_status": ["retry_scheduled"] * many,
        "reason": ["error"] * many,
        "delay_us": [1000] * many,
        "attempts": [0] * many,
        "losses": [0] * many,
        "hold": [None] * many,
        "dead_letter_queue_id": [None] * many,
        "error_type": ["E"] * many,
        "error_message": ["e"] * many,
        "traceback": [None] * many,
        "state": [None] * many,
        "lost_only": [False] * many,
        "dead_workers": [],
    }


def beat_values(jobs: Sequence[Any]) -> dict[str, Any]:
    many = len(jobs)
    return {
        "worker_id": WORKER,
        "lease_us": 30_000_000,
        "job_id": [job["id"] for job in jobs],
        "claim_seq": [job["claim_seq"] for job in jobs],
        "execution_id": [job["execution_id"] for job in jobs],
        "started": [True] * many,
        "signed": [False] * many,
        "progress": [None] * many,
        "state": [None] * many,
    }


PROMOTE = {"project_id": None, "limit": 1000}
HEAD = 100
PAGE = {
    "project_id": DEFAULT_PROJECT,
    "queue_ids": QUEUES,
    "limit": HEAD,
    "after_rank": 0,
    "after_id": UUID(int=0),
}
FEW = 50
FEW_PAGES_OF_FEW = 1_000


def these_values(job_ids: Sequence[UUID]) -> dict[str, Any]:
    """What another dispatcher has handed out."""
    return claim_values(len(job_ids)) | {"job_ids": job_ids}


@pytest.fixture
async def prepared(postgres_url: str, anyio_backend: str) -> AsyncIterator[Prepared]:
    async with generic_plans(postgres_url) as prepared:
        for number, queue in enumerate(QUEUES):
            await prepared.connection.execute(ADD_QUEUE, queue, f"q{number}")
        await prepared.connection.execute(ADD_RULED_QUEUE)
        yield prepared


async def _use_all(prepared: Prepared) -> None:
    """Each statement a few times, so that its plan is made and kept."""
    for _ in range(10):
        jobs = [row for row in await prepared.run("claim_jobs", claim_values()) if row["id"]]
        await prepared.run("beat_jobs", beat_values(jobs))
        await prepared.run("settle_succeeded", settle_values(jobs[:5], success=True))
        await prepared.run("settle_jobs", settle_values(jobs[5:], success=False))
        await prepared.run("promote_jobs", PROMOTE)
        page = [row["id"] for row in await prepared.run("ready_page", PAGE)]
        await prepared.run("claim_these_jobs", these_values(page[:5]))
        await prepared.run("waiting_jobs", these_values(page))
        for name in ("scheduled_head", "queue_heads"):
            await prepared.run(name, PAGE)


async def _churn(prepared: Prepared) -> None:
    done = 0
    while done < CHURN:
        jobs = [row for row in await prepared.run("claim_jobs", claim_values(BATCH)) if row["id"]]
        assert len(jobs) == BATCH
        await prepared.run("settle_succeeded", settle_values(jobs, success=True))
        done += len(jobs)


async def _check(prepared: Prepared) -> None:
    claim = await prepared.plan("claim_jobs", claim_values())
    assert complaints(claim) == []
    assert "jobs_ready" in indexes(claim)
    assert "Tid Scan" in {node["Node Type"] for node in claim}  # what is locked is found by its place
    jobs = [row for row in await prepared.run("claim_jobs", claim_values(BATCH)) if row["id"]]
    assert len(jobs) == BATCH
    for name, values in (
        ("settle_succeeded", settle_values(jobs, success=True)),
        ("settle_jobs", settle_values(jobs, success=False)),
        ("beat_jobs", beat_values(jobs)),
    ):
        plan = await prepared.plan(name, values)
        # what is counted by queue and type is no more than the batch
        grouped = f"a sort of {BATCH}.0 rows by ['h"
        wrong = [found for found in complaints(plan) if not found.endswith(" pages")]
        assert [found for found in wrong if not found.startswith(grouped)] == [], name
        assert "jobs_pkey" in indexes(plan), name
    promote = await prepared.plan("promote_jobs", PROMOTE)
    assert complaints(promote) == []
    assert "jobs_scheduled" in indexes(promote)
    await _check_dispatch(prepared)


async def _check_dispatch(prepared: Prepared) -> None:
    """What is asked for another dispatcher: jobs by their ids alone, and the heads of queues by their order."""
    page = [row["id"] for row in await prepared.run("ready_page", PAGE)]
    assert len(page) == len(QUEUES) * HEAD
    for name, values, by in (
        ("claim_these_jobs", these_values(page[:FEW]), {"jobs_pkey"}),
        ("waiting_jobs", these_values(page[:FEW]), {"jobs_pkey"}),
        ("ready_page", PAGE, {"jobs_ready"}),
        ("scheduled_head", PAGE, {"jobs_scheduled"}),
        ("queue_heads", PAGE, {"jobs_ready", "jobs_scheduled", "jobs_held", "jobs_by_hold"}),
    ):
        plan = await prepared.plan(name, values)
        assert complaints(plan) == [], name
        assert {found for found in indexes(plan) if found.startswith("jobs_")} <= by, name
        touched = plan[0]["Shared Hit Blocks"] + plan[0]["Shared Read Blocks"]
        assert touched < FEW_PAGES_OF_FEW, name


async def test_plans_with_many_jobs_after_churn(prepared: Prepared) -> None:
    await prepared.connection.execute(ADD_JOBS, *QUEUES, JOBS)
    await prepared.connection.execute("ANALYZE jobs")
    await _churn(prepared)
    await _check(prepared)


async def test_plans_that_were_made_while_the_tables_were_empty(prepared: Prepared) -> None:
    await prepared.connection.execute("ALTER TABLE jobs SET (autovacuum_enabled = off)")
    await _use_all(prepared)
    await prepared.connection.execute(ADD_JOBS, *QUEUES, SOME_JOBS)
    await _check(prepared)
    await _churn(prepared)
    await _check(prepared)


async def test_plans_after_the_empty_tables_were_analyzed(prepared: Prepared) -> None:
    await prepared.connection.execute("ALTER TABLE jobs SET (autovacuum_enabled = off)")
    await prepared.connection.execute("VACUUM ANALYZE jobs")
    await prepared.connection.execute("VACUUM ANALYZE executions")
    await _use_all(prepared)
    await prepared.connection.execute(ADD_JOBS, *QUEUES, SOME_JOBS)
    await _check(prepared)


async def test_plans_of_claims_by_rules(prepared: Prepared) -> None:
    """Also when they were made before there was a job, and when most jobs are of a type that nobody knows."""
    await prepared.connection.execute("ALTER TABLE jobs SET (autovacuum_enabled = off)")
    for _ in range(10):
        await prepared.run("claim_ruled_jobs", ruled_values())
    await prepared.connection.execute(ADD_UNKNOWN_JOBS, RULED, SOME_JOBS)
    await prepared.connection.execute(ADD_JOBS, RULED, QUEUES[0], SOME_JOBS // 4)
    done = 0
    while done < CHURN // 4:
        jobs = [
            row for row in await prepared.run("claim_ruled_jobs", ruled_values() | {"free": 500}) if row["id"]
        ]
        assert len(jobs) == BATCH
        await prepared.run("settle_succeeded", settle_values(jobs, success=True))
        done += len(jobs)
    plan = await prepared.plan("claim_ruled_jobs", ruled_values())
    assert complaints(plan) == []
    assert {"jobs_ready", "jobs_processing", "jobs_pkey"} <= indexes(plan)


@pytest.mark.parametrize("jobs", [11_000, SOME_JOBS])
async def test_a_look_at_lines_sorts_nothing_where_nothing_was_known_to_wait(
    prepared: Prepared, jobs: int
) -> None:
    """The planner believes that no job is pending; the index of lines has more levels than its rivals."""
    run = prepared.connection.execute
    await run("ALTER TABLE jobs SET (autovacuum_enabled = off)")
    await run(ADD_JOBS, *QUEUES, 1_000)
    await run("UPDATE jobs SET status = 'cancelled', scheduled_for = NULL, completed_at = now()")
    await run("VACUUM ANALYZE jobs")
    await run("UPDATE queues SET common_line = '', rate_limit = NULL WHERE id = $1::uuid", RULED)
    await run(
        "INSERT INTO queue_gates (queue_id, project_id) VALUES ($1::uuid, $2::uuid)", RULED, DEFAULT_PROJECT
    )
    await run(ADD_JOBS, RULED, QUEUES[0], jobs)
    keyed = "UPDATE jobs SET fairness_key = repeat('tenant ', 4) || abs(hashtext(id::text)) % 20 WHERE status = 'pending' AND queue_id = $1::uuid"
    await run(keyed, RULED)
    values = ruled_values() | {
        "free": 50,
        "lines": 50,
        "needs": [],
        "second_best": [],
        "silence_us": 1_000_000,
        "most": 1_000,
    }
    plan = await prepared.plan("weigh_lines", values)
    assert [found for found in complaints(plan) if "line" not in found] == [], (
        "the lines are sorted, their jobs are not"
    )
    lineless = [node for node in plan if "fairness_key IS NULL" in node.get("Filter", "")]
    assert [node["Actual Loops"] for node in lineless] == [0], "the lines have enough"
    few = await prepared.plan("weigh_lines", {**values, "free": 10, "lines": 10})
    lineless = [node for node in few if "fairness_key IS NULL" in node.get("Filter", "")]
    assert [node["Actual Loops"] for node in lineless] == [0], "not all lines were seen"
    by_line = [node for node in plan if "fairness_key IS NULL" not in node.get("Filter", "")]
    assert "jobs_lines" in indexes(by_line)
    assert not {"jobs_ready", "jobs_waiting"} & indexes(by_line)


async def test_jobs_that_nobody_knows_slow_no_others(prepared: Prepared) -> None:
    await prepared.connection.execute(ADD_JOBS, *QUEUES, 1_000)
    before = await prepared.plan("claim_jobs", claim_values())
    await prepared.connection.execute(ADD_UNKNOWN_JOBS, QUEUES[0], SOME_JOBS)
    await prepared.connection.execute(ADD_UNKNOWN_JOBS, QUEUES[1], SOME_JOBS)
    after = await prepared.plan("claim_jobs", claim_values())
    assert complaints(after) == []
    pages = [plan[0]["Shared Hit Blocks"] + plan[0]["Shared Read Blocks"] for plan in (before, after)]
    print(
        f"a claim of 10 touches {pages[0]} pages, {pages[1]} behind {2 * SOME_JOBS:,} jobs of an unknown type"
    )
    assert pages[1] <= pages[0] * 2 + 50


async def test_a_claim_is_quick_whatever_stands_behind_it(prepared: Prepared) -> None:
    """Not a benchmark: only that the time does not grow with the backlog."""

    async def fastest() -> float:
        times = []
        for _ in range(15):
            before = time.perf_counter()
            await prepared.run("claim_jobs", claim_values())
            times.append(time.perf_counter() - before)
        return min(times)

    await prepared.connection.execute(ADD_JOBS, *QUEUES, 1_000)
    few = await fastest()
    await prepared.connection.execute(ADD_JOBS, *QUEUES, SOME_JOBS)
    many = await fastest()
    print(f"claim of 10: {few * 1000:.2f} ms among 1,000, {many * 1000:.2f} ms among {SOME_JOBS:,}")
    assert many < max(0.02, few * 4)


async def test_an_old_transaction_makes_claims_dearer_by_little(
    prepared: Prepared, postgres_url: str
) -> None:
    """What ended since it began cannot be cleared away; a claim passes over it in the index, and nothing stops."""

    async def pages() -> int:
        claim = await prepared.plan("claim_jobs", claim_values())
        assert complaints(claim) == []
        return int(claim[0]["Shared Hit Blocks"] + claim[0]["Shared Read Blocks"])

    await prepared.connection.execute(ADD_JOBS, *QUEUES, CHURN)
    await prepared.connection.execute("ANALYZE jobs")
    before = await pages()
    old = await asyncpg.connect(postgres_url)
    async with old.transaction(isolation="repeatable_read"):
        await old.execute("SELECT count(*) FROM jobs")
        for _ in range(CHURN // 4 // BATCH):
            jobs = [row for row in await prepared.run("claim_jobs", claim_values(BATCH)) if row["id"]]
            assert len(jobs) == BATCH
            await prepared.run("settle_succeeded", settle_values(jobs, success=True))
        await prepared.connection.execute("VACUUM jobs")
        after = await pages()
    await old.close()
    print(
        f"a claim of 10 touches {before} pages, {after} behind {CHURN // 4:,} that an old transaction keeps"
    )
    assert after <= before + CHURN // 4 // 8
