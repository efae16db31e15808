"""How much of the record, and of the lists, a question reads: by the plans of PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from taskforge.domain.ids import DEFAULT_PROJECT
from tests.conformance.plans import Prepared, generic_plans, indexes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]

QUEUES = [UUID(int=0x71), UUID(int=0x72)]
TYPES = 5
START = "2026-03-01 00:00+00"
# a week of minutes of two queues would be 120,000 rows
ADD_SPANS = f"""
INSERT INTO attempt_metrics (subject_id, span_seconds, starts_at, job_type, project_id, succeeded, failed, cancelled,
  duration_us, wait_us, durations, waits)
SELECT q.id, s.span, '{START}'::timestamptz + n * s.span * interval '1 second', t.name, '{DEFAULT_PROJECT}', 1, 0, 0, 1, 1,
  '[1, 1]', '[1, 1]'
FROM unnest($1::uuid[]) AS q (id), (VALUES (60, 2879), (3600, 24 * 30 - 1), (86400, 59)) AS s (span, many),
  LATERAL generate_series(0, s.many) AS n,
  (SELECT 'type-' || i AS name FROM generate_series(1, {TYPES}) AS i UNION ALL SELECT '') t
"""
ADD_JOBS = """
INSERT INTO jobs (id, project_id, queue_id, job_type, payload, status, rank, priority, tags, created_at, updated_at,
  completed_at)
SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, $1::uuid, ($2::uuid[])[1 + n % 2], 't', '{}',
  CASE WHEN n > 1000 THEN 'succeeded' ELSE 'pending' END, n, 0,
  CASE WHEN n % 1000 = 7 THEN '["rare"]'::jsonb END, now(), now(), CASE WHEN n > 1000 THEN now() END
FROM generate_series(1, 50000) AS n
"""
AFTER_ALL = UUID(int=2**128 - 1)


@pytest.fixture
async def prepared(postgres_url: str, anyio_backend: str) -> AsyncIterator[Prepared]:
    async with generic_plans(postgres_url) as prepared:
        yield prepared


def read(nodes: Sequence[dict[str, Any]], table: str) -> int:
    """How many rows of a table the nodes of a plan looked at."""
    return sum(
        round(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)))
        for node in nodes
        if node.get("Relation Name") == table
    )


def pages(nodes: Sequence[dict[str, Any]]) -> int:
    """How many pages a plan touched."""
    return int(nodes[0]["Shared Hit Blocks"] + nodes[0]["Shared Read Blocks"])


def period(by_type: bool) -> dict[str, Any]:
    """Ten hours, 29 days, and 11 hours and some minutes of today."""
    return {
        "project_id": DEFAULT_PROJECT,
        "subject_ids": QUEUES[:1],
        "spans": [3600, 86400],
        "firsts": ["2026-03-01 14:00+00", "2026-03-02 00:00+00"],
        "lasts": ["2026-03-02 00:00+00", "2026-03-31 00:00+00"],
        "start": "2026-03-01 14:00+00",
        "end": "2026-03-31 00:00+00",
        "by_type": by_type,
    }


async def test_a_month_of_metrics_reads_days_and_hours_only(prepared: Prepared) -> None:
    for by_type in (False, True):
        await prepared.run("attempts_in_parts", period(by_type))
    await prepared.connection.execute(ADD_SPANS, QUEUES)
    for is_analyzed in (False, True):
        if is_analyzed:
            await prepared.connection.execute("VACUUM ANALYZE attempt_metrics")
        for by_type, rows in ((False, 10 + 29), (True, TYPES * (10 + 29))):
            plan = await prepared.plan("attempts_in_parts", period(by_type))
            assert len(await prepared.run("attempts_in_parts", period(by_type))) == rows
            if is_analyzed:
                assert pages(plan) < 300
                assert read(plan, "attempt_metrics") <= (TYPES + 1) * (10 + 29) + 6  # averages are rounded
                assert "attempt_metrics_pkey" in indexes(plan)


async def test_lists_of_rare_tags_and_of_what_waits_read_few_pages(prepared: Prepared) -> None:
    window = {
        "project_id": DEFAULT_PROJECT,
        "before": AFTER_ALL,
        "scan": 50,
        "queue_ids": QUEUES,
        "most": 20_000,
    }
    for name in ("newest_tagged", "newest_waiting"):
        await prepared.run(name, window | {"tag": "rare"})
    await prepared.connection.execute(ADD_JOBS, DEFAULT_PROJECT, QUEUES)
    for is_analyzed in (False, True):
        if is_analyzed:
            await prepared.connection.execute("VACUUM ANALYZE jobs")
        for name, index, found, most in (
            ("newest_tagged", "jobs_tags", 51, 1_050),  # and whether there are too many
            ("newest_waiting", "jobs_waiting", 50, 50 * len(QUEUES)),
        ):
            plan = await prepared.plan(name, window | {"tag": "rare"})
            assert len(await prepared.run(name, window | {"tag": "rare"})) == found
            assert index in indexes(plan), name
            assert read(plan, "jobs") <= most, name
            assert pages(plan) < 1_200, name


async def test_a_walk_ends_where_its_page_is_full(prepared: Prepared) -> None:
    await prepared.connection.execute(ADD_JOBS, DEFAULT_PROJECT, QUEUES)
    chosen = {"project_id": DEFAULT_PROJECT, "before": AFTER_ALL, "scan": 20_000, "limit": 50}
    plan = await prepared.plan("walk_jobs", chosen | {"queue_ids": QUEUES[:1]})
    rows = await prepared.run("walk_jobs", chosen | {"queue_ids": QUEUES[:1]})
    assert [row["fits"] for row in rows] == [True] * 50
    assert read(plan, "jobs") < 200
    rows = await prepared.run("walk_jobs", chosen | {"job_type": "nobody"})
    assert [(row["fits"], row["is_last"]) for row in rows] == [(False, True)]


ATTEMPT = UUID("00000000-0000-7000-8000-00000000a77e")
ADD_LONG_LOG = """
WITH made AS (
  INSERT INTO jobs (id, project_id, queue_id, job_type, payload, status, rank, priority, execution_id, created_at,
    updated_at, completed_at)
  VALUES ($1, $2, $3, 't', '{}', 'succeeded', 1, 0, $4, now(), now(), now()))
INSERT INTO log_lines (execution_id, seq, level, message, logged_at, class)
SELECT $4, n, 'info', 'line ' || n, now(), 'succeeded' FROM generate_series(1, 5000) AS n
"""


async def test_a_page_of_a_long_log_reads_that_page_only(prepared: Prepared) -> None:
    job = UUID(int=0x70B)
    place: dict[str, Any] = {
        "project_id": DEFAULT_PROJECT,
        "job_id": job,
        "execution_id": None,
        "levels": None,
    }
    page = place | {"after_execution": ATTEMPT, "after_seq": 4000, "limit": 100}
    await prepared.run("list_lines", page)
    await prepared.connection.execute(ADD_LONG_LOG, job, DEFAULT_PROJECT, QUEUES[0], ATTEMPT)
    for is_analyzed in (False, True):
        if is_analyzed:
            await prepared.connection.execute("VACUUM ANALYZE log_lines")
        for after, first in ((page, 4001), (page | {"after_execution": None, "after_seq": None}, 1)):
            assert [row["seq"] for row in await prepared.run("list_lines", after)] == list(
                range(first, first + 100)
            )
            nodes = await prepared.plan("list_lines", after)
            tables = {node["Relation Name"] for node in nodes if "Relation Name" in node}
            assert sum(read(nodes, table) for table in tables if table.startswith("log_lines")) <= 110


ADD_QUEUES = "INSERT INTO queues (id, project_id, name, aging_us) SELECT id, $1, 'q' || id, 0 FROM unnest($2::uuid[]) AS q (id)"
ADD_TASK = "INSERT INTO tasks (project_id, name, queue) VALUES ($1, 't', 'q')"
ADD_BACKLOG = """
INSERT INTO jobs (id, project_id, queue_id, job_type, payload, status, hold, rank, priority, scheduled_for, waits_until, claim_seq,
  execution_id, worker_id, claimed_at, lease_until, created_at, updated_at)
SELECT gen_random_uuid(), $1::uuid, ($2::uuid[])[1 + n % 2], $3, '{}', $4, $5, n, 0,
  CASE WHEN $4 = 'scheduled' THEN now() + interval '1 day' END,
  CASE WHEN $4 <> 'processing' THEN now() + interval '1 day' END, 1,
  gen_random_uuid(), gen_random_uuid(), now(), CASE WHEN $4 = 'processing' THEN now() + interval '1 day' END, now(), now()
FROM generate_series(1, 20000) AS n
"""
END_ALL = "UPDATE jobs SET status = 'succeeded', hold = NULL, lease_until = NULL, completed_at = now()"
LOOKS = ("recovery_outlook", "delivery_outlook", "projects_with_deliveries", "overdue_late", "expire_waiting")


async def looks_that_read(prepared: Prepared, most: int) -> dict[str, list[dict[str, Any]]]:
    """Those that read more jobs, and where."""
    asked = {"deliveries": f"q{QUEUES[0]}", "queue": f"q{QUEUES[0]}", "soon_us": 1, "silence_us": 1}
    found = {}
    for name in LOOKS:
        plan = await prepared.plan(name, {**asked, "skip": [], "limit": 10})
        if read(plan, "jobs") > most:
            found[name] = [node for node in plan if read([node], "jobs") > most]
    return found


async def test_a_look_at_what_there_is_to_do_reads_no_backlog(prepared: Prepared) -> None:
    await prepared.connection.execute(ADD_QUEUES, DEFAULT_PROJECT, QUEUES)
    await prepared.connection.execute(ADD_JOBS, DEFAULT_PROJECT, QUEUES)
    assert not await looks_that_read(prepared, 20)


@pytest.mark.parametrize(
    ("task", "status", "hold"),
    [
        pytest.param("t", "pending", None, id="ready"),
        pytest.param("t", "scheduled", None, id="planned"),
        pytest.param("unknown", "pending", "no_worker", id="held"),
        pytest.param("t", "processing", None, id="running"),
    ],
)
async def test_whatever_the_planner_believes_to_be_due_a_look_reads_no_backlog(
    prepared: Prepared, task: str, status: str, hold: str | None
) -> None:
    """It takes a third of all rows for what is due by a clock that it does not know, and all rows for what they were then."""
    await prepared.connection.execute(ADD_QUEUES, DEFAULT_PROJECT, QUEUES)
    await prepared.connection.execute(ADD_TASK, DEFAULT_PROJECT)
    await prepared.connection.execute(ADD_BACKLOG, DEFAULT_PROJECT, QUEUES, task, status, hold)
    await prepared.connection.execute("VACUUM ANALYZE jobs")
    if status != "processing":  # whose leases are all looked at: no more run than there are slots
        assert not await looks_that_read(prepared, 20)
    await prepared.connection.execute(END_ALL)
    assert not await looks_that_read(prepared, 20), "nothing of it waits, as nobody has told the planner"


KEYS = 200
ADD_KEYS = f"""
INSERT INTO concurrency_keys (project_id, key, places)
SELECT '{DEFAULT_PROJECT}', 'key-' || n, 1 FROM generate_series(0, {KEYS}) AS n
"""
ADD_KEYED_JOBS = f"""
INSERT INTO jobs (id, project_id, queue_id, job_type, payload, status, hold, rank, priority, created_at, updated_at,
  completed_at, concurrency_key, concurrency_limit)
SELECT gen_random_uuid(), '{DEFAULT_PROJECT}', $1, 't', '{{}}', CASE WHEN n <= $2 THEN 'pending' ELSE 'succeeded' END,
  CASE WHEN n <= $2 THEN 'key' END, n, 0, now(), now(), CASE WHEN n > $2 THEN now() END,
  CASE WHEN n % 100 < 99 THEN 'key-0' ELSE 'key-' || n / 100 % {KEYS} END, 1
FROM generate_series(1, 40000) AS n
"""


async def test_a_key_for_which_very_many_wait_is_looked_at_by_its_index(prepared: Prepared) -> None:
    """Whatever statistics say: that there is nothing, or that nearly all jobs have this key."""
    asked: dict[str, dict[str, Any]] = {
        "keys_out_of_step": {"limit": KEYS + 1},
        "give_places": {"project_id": [DEFAULT_PROJECT], "key": ["key-0"]},
        "places_of_key": {"project_id": DEFAULT_PROJECT, "key": "key-0"},
    }
    await prepared.connection.execute("ALTER TABLE jobs SET (autovacuum_enabled = off)")
    await prepared.connection.execute("VACUUM ANALYZE jobs")
    await prepared.connection.execute(ADD_KEYS)
    for name, values in asked.items():
        await prepared.plan(name, values)
    await prepared.connection.execute(ADD_KEYED_JOBS, QUEUES[0], 20_000)
    for is_analyzed in (False, True):
        if is_analyzed:
            await prepared.connection.execute("ANALYZE")
        for name, values in asked.items():
            plan = await prepared.plan(name, values)
            assert read(plan, "jobs") < 1_000, (name, is_analyzed)
            assert pages(plan) < 20 * KEYS, (name, is_analyzed)
