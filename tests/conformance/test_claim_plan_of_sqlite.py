"""The plans of the hot statements on SQLite, with very many jobs present."""

from __future__ import annotations

import json
import re
import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from taskforge.domain.ids import DEFAULT_PROJECT
from taskforge.storage.address import parse_address
from taskforge.storage.statements import catalog
from tests.conftest import SOAK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.timeout(300)

JOBS = 200_000 if SOAK else 40_000
QUEUES = [UUID(int=0x71), UUID(int=0x72)]


def _plan(connection: sqlite3.Connection, name: str, values: Mapping[str, Any]) -> list[str]:
    steps = []
    for statement in catalog("sqlite")[name]:
        parameters = [values.get(one) for one in statement.parameters]
        rows = connection.execute(f"EXPLAIN QUERY PLAN {statement.numbered('?')}", parameters)
        steps += [row[3] for row in rows]
    return steps


@pytest.fixture
def sqlite_file(sqlite_url: str) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(parse_address(sqlite_url).target)
    now = int(datetime.now(UTC).timestamp() * 1_000_000)
    with connection:
        for number, queue in enumerate(QUEUES):
            connection.execute(
                "INSERT INTO queues (id, project_id, name, aging_us) VALUES (?, ?, ?, 1)",
                (str(queue), str(DEFAULT_PROJECT), f"q{number}"),
            )
        connection.executemany(
            "INSERT INTO jobs (id, project_id, queue_id, job_type, payload, status, rank, priority, created_at,"
            " updated_at) VALUES (?, ?, ?, 't', '{}', 'pending', ?, 0, ?, ?)",
            ((str(UUID(int=n)), str(DEFAULT_PROJECT), str(QUEUES[n % 2]), n, now, now) for n in range(JOBS)),
        )
    yield connection
    connection.close()


VALUES = {
    "project_id": str(DEFAULT_PROJECT),
    "queue_ids": json.dumps([str(queue) for queue in QUEUES]),
    "job_types": '["t","u"]',
    "worker_id": str(UUID(int=0x77)),
    "queue_id": str(QUEUES[0]),
    "free": 10,
    "suspects": 1,
    "limit": 1000,
    "now": 2_000_000_000_000_000,
    "lease_us": 1,
    "dead_workers": "[]",
    "rows": "[]",
    "skip": "[]",
    "job_ids": "[]",
    "after_rank": 0,
    "after_id": "",
}
DISPATCH = {
    "claim_these_jobs": "sqlite_autoindex_jobs_1",
    "waiting_jobs": "sqlite_autoindex_jobs_1",
    "ready_page": "jobs_ready",
    "scheduled_head": "jobs_scheduled",
    "queue_heads": "jobs_suspect",
}
"""What is asked for another dispatcher, and the index by which it finds jobs."""
HOT = (
    *DISPATCH,
    "claim_jobs",
    "settle_succeeded",
    "settle_jobs",
    "beat_jobs",
    "append_lines",
    "promote_jobs",
    "expire_waiting",
    "release_holds",
)
LOOKS = ("recovery_outlook", "delivery_outlook", "projects_with_deliveries", "expired_leases")
"""All that runs now may be looked at: it is no more than there are slots."""


def test_it_scans_no_table_and_claims_in_the_order_of_its_index(sqlite_file: sqlite3.Connection) -> None:
    for _ in range(2):
        claim = _plan(sqlite_file, "claim_jobs", VALUES)
        assert not [step for step in claim if "TEMP B-TREE" in step]
        assert [step for step in claim if "jobs_ready" in step]
        assert [step for step in claim if "jobs_suspect" in step]
        ruled = _plan(sqlite_file, "claim_ruled_jobs", VALUES)
        assert not [step for step in ruled if "TEMP B-TREE" in step or re.match(r"SCAN (j|r|jobs)\b", step)]
        assert [step for step in ruled if "jobs_ready" in step]
        assert [step for step in ruled if "jobs_processing" in step]
        for name in HOT:
            steps = _plan(sqlite_file, name, VALUES)
            assert not [step for step in steps if re.match(r"SCAN (j|w|jobs|e|executions)\b", step)], name
        for name in LOOKS:
            steps = _plan(sqlite_file, name, VALUES)
            assert not [
                step for step in steps if re.match(r"SCAN j\b(?! USING INDEX jobs_processing)", step)
            ], name
        for name, index in DISPATCH.items():
            steps = _plan(sqlite_file, name, VALUES)
            assert [step for step in steps if index in step], (name, steps)
            assert not [step for step in steps if "TEMP B-TREE FOR ORDER" in step and name != "ready_page"], (
                name
            )
        sqlite_file.execute("ANALYZE")


def test_it_passes_over_jobs_that_nobody_knows(sqlite_file: sqlite3.Connection) -> None:
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    def steps_of_a_claim() -> int:
        nonlocal steps
        first, *_ = catalog("sqlite")["claim_jobs"]
        sqlite_file.execute("BEGIN")
        sqlite_file.set_progress_handler(count, 100)
        steps = 0
        values = [VALUES[one] for one in first.parameters]
        [(picked, *_)] = sqlite_file.execute(first.numbered("?"), values).fetchall()
        sqlite_file.set_progress_handler(None, 0)
        sqlite_file.execute("ROLLBACK")
        assert len(json.loads(picked)) == 10
        return steps

    plain = steps_of_a_claim()
    with sqlite_file:
        sqlite_file.execute(
            "UPDATE jobs SET hold = 'no_worker', job_type = 'unknown' WHERE rank < ?", (JOBS - 100,)
        )
    behind = steps_of_a_claim()
    print(f"a claim of 10: {plain} hundred steps, {behind} behind {JOBS - 100:,} jobs of an unknown type")
    assert behind <= plain + 5
