"""The tables themselves refuse what may never be, whoever writes it."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import asyncpg
import pytest

from taskforge.domain.ids import DEFAULT_PROJECT
from taskforge.domain.job import JobStatus
from taskforge.domain.outcome import Failed, Succeeded
from tests.conformance.stage import BOOM, plain_policy

if TYPE_CHECKING:
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

REFUSED = (sqlite3.IntegrityError, asyncpg.IntegrityConstraintViolationError)
SOME_ID = "00000000-0000-7000-8000-00000000aaaa"
NOW = {"sqlite": "1", "postgres": "clock_timestamp()"}

# (status of the job, what to set on it); NOW stands for a moment
ILLEGAL_JOBS = [
    (JobStatus.PENDING, "status = 'processing'"),
    (JobStatus.PENDING, "lease_until = NOW"),
    (JobStatus.PROCESSING, "lease_until = NULL"),
    (JobStatus.PROCESSING, "execution_id = NULL"),
    (JobStatus.PROCESSING, "worker_id = NULL"),
    (JobStatus.PROCESSING, "claimed_at = NULL"),
    (JobStatus.PROCESSING, "status = 'pending'"),
    (JobStatus.PENDING, "status = 'succeeded'"),
    (JobStatus.PENDING, "status = 'failed'"),
    (JobStatus.PENDING, "status = 'cancelled'"),
    (JobStatus.PENDING, "completed_at = NOW"),
    (JobStatus.SUCCEEDED, "completed_at = NULL"),
    (JobStatus.SUCCEEDED, "status = 'pending'"),
    (JobStatus.PENDING, "status = 'scheduled'"),
    (JobStatus.SUCCEEDED, "hold = 'suspect'"),
    (JobStatus.PROCESSING, "hold = 'no_worker'"),
    (JobStatus.PENDING, "hold = 'because'"),
    (JobStatus.PENDING, "hold = 'key'"),
    (JobStatus.PENDING, "concurrency_limit = 0"),
    (JobStatus.PENDING, "slots = 0"),
    (JobStatus.PENDING, "rate_tokens = -1"),
    (JobStatus.PENDING, "needs = 'x'"),
    (JobStatus.PENDING, "cancel_requested_at = NOW"),
    (JobStatus.SUCCEEDED, "cancel_requested_at = NOW"),
    (JobStatus.FAILED, f"dead_letter_queue_id = '{SOME_ID}'"),
    (JobStatus.FAILED, "dead_lettered_at = NOW"),
    (JobStatus.SUCCEEDED, f"dead_letter_queue_id = '{SOME_ID}', dead_lettered_at = NOW"),
    (JobStatus.PENDING, "priority = 10"),
    (JobStatus.PENDING, "priority = -1"),
    (JobStatus.PENDING, "attempt_count = -1"),
    (JobStatus.PENDING, "losses = -1"),
    (JobStatus.PENDING, "max_attempts = 0"),
    (JobStatus.PENDING, "timeout_ms = 0"),
    (JobStatus.PENDING, "status = 'waiting'"),
    (JobStatus.PENDING, "job_type = ''"),
    (JobStatus.FAILED, "failure = 'because'"),
    (JobStatus.PENDING, "payload = NULL"),
]


@pytest.mark.parametrize(("status", "change"), ILLEGAL_JOBS)
async def test_an_illegal_job(stage: Stage, status: JobStatus, change: str) -> None:
    queue = await stage.queue()
    if status is JobStatus.PENDING:
        await stage.add(queue)
    else:
        job = await stage.start(queue)
        if status is JobStatus.SUCCEEDED:
            assert await stage.finish(job, Succeeded())
        elif status is JobStatus.FAILED:
            assert await stage.finish(job, Failed(BOOM), policy=plain_policy(1))
    with pytest.raises(REFUSED):
        await stage.sql(f"UPDATE jobs SET {change.replace('NOW', NOW[stage.dialect])}")


@pytest.mark.parametrize(
    "change",
    [
        "status = 'running'",
        "status = 'failed'",
        "reason = 'error'",
        "status = 'failed', reason = 'because'",
        "attempt_number = 0",
        "duration_us = -1",
        "finished_at = NULL",
    ],
)
async def test_an_illegal_execution(stage: Stage, change: str) -> None:
    job = await stage.start(await stage.queue())
    assert await stage.finish(job, Succeeded())
    with pytest.raises(REFUSED):
        await stage.sql(f"UPDATE executions SET {change}")


async def test_an_execution_is_written_once(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    assert await stage.finish(job, Succeeded())
    with pytest.raises(REFUSED):
        await stage.sql("INSERT INTO executions SELECT * FROM executions")


@pytest.mark.parametrize(
    "values", ["'shout', 'x'", "'info', ''", f"'info', '{'x' * 10_001}'"], ids=["level", "empty", "long"]
)
async def test_an_illegal_line(stage: Stage, values: str) -> None:
    with pytest.raises(REFUSED):
        await stage.sql(
            "INSERT INTO log_lines (execution_id, seq, level, message, logged_at) "
            f"VALUES ('{SOME_ID}', 1, {values}, {NOW[stage.dialect]})"
        )


@pytest.mark.parametrize(
    "change", ["priority = 10", "state = 'broken'", "name = ''", "aging_us = -1", "dead_letter_queue_id = id"]
)
async def test_an_illegal_queue(stage: Stage, change: str) -> None:
    await stage.queue()
    with pytest.raises(REFUSED):
        await stage.sql(f"UPDATE queues SET {change}")


@pytest.mark.parametrize(
    "change", ["type = 'robot'", "max_concurrent_jobs = 0", "max_concurrent_jobs = 1001", "name = ''"]
)
async def test_an_illegal_worker(stage: Stage, change: str) -> None:
    await stage.know("t")
    with pytest.raises(REFUSED):
        await stage.sql(f"UPDATE workers SET {change}")


async def test_two_queues_of_one_name(stage: Stage) -> None:
    await stage.queue("a")
    await stage.queue("b")
    with pytest.raises(REFUSED):
        await stage.sql("UPDATE queues SET name = 'a'")


async def test_two_projects_of_one_name(stage: Stage) -> None:
    await stage.other_project()
    with pytest.raises(REFUSED):
        await stage.sql(f"UPDATE projects SET name = 'other' WHERE id = '{DEFAULT_PROJECT}'")
