"""Real worker processes that are killed, frozen and blocked: who owns a job, and how soon it goes on."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.job import MAX_LOSSES, JobStatus
from tests.conformance.stage import run_sql
from tests.support.eventually import eventually
from tests.support.freezing import freeze

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.yard import Yard

pytestmark = [pytest.mark.anyio, pytest.mark.chaos]


@pytest.mark.parametrize("task", ["wait", "wait_in_thread"])
async def test_a_frozen_worker_changes_nothing_when_it_wakes_and_stops_its_handler(
    yard: Yard, task: str
) -> None:
    job = await yard.app.registry.find(task).aenqueue(seconds=3)
    frozen = yard.worker("frozen", lease=3)
    await yard.noted(frozen, "began")
    await freeze(frozen.pid, yard.url)
    other = yard.worker("other", lease=3)
    assert await job.aresult(timeout=60) == other.pid
    platform = await yard.platform()
    before = await platform.insights.job(job.id)
    frozen.send(signal.SIGCONT)
    await frozen.printed("lease_lost: job")

    async def told() -> bool:
        [row] = [w for w in await platform.insights.workers(stopped=True) if w.name == "frozen"]
        assert row.incidents.leases_lost == 1
        assert row.incidents.stale_writes >= 1
        return True

    await until(told, 20)
    await eventually(lambda: _assert(any("stopped by" in note for note in yard.notes(frozen))), 20)
    assert "ended" not in yard.notes(frozen)
    assert await platform.insights.job(job.id) == before
    records = await platform.insights.executions(before)
    assert [(found.status, found.reason) for found in records] == [
        ("succeeded", None),
        ("failed", "worker_lost"),
    ]
    assert (before.losses, before.attempt_count) == (1, 1), "a loss spends no attempt"


async def until(told: Callable[[], Any], seconds: float) -> None:
    """Wait until it raises no AssertionError."""
    await eventually(told, seconds)


def _assert(condition: bool) -> None:
    assert condition


async def test_a_blocked_event_loop_keeps_its_lease_and_says_where_it_stands(yard: Yard) -> None:
    job = await yard.app.registry.find("block_the_loop").aenqueue(seconds=8)
    first = yard.worker("first", lease=2)
    await yard.noted(first, "began")
    second = yard.worker("second", lease=2)
    platform = await yard.platform()

    async def told() -> bool:
        lines = [line for line in await platform.insights.logs(job.id) if "loop_blocked" in line.message]
        assert len(lines) == 1
        assert "in block_the_loop\n    time.sleep(seconds)" in lines[0].message
        assert lines[0].level == "warn"
        assert (await platform.insights.job(job.id)).status is JobStatus.PROCESSING, "told while it lasts"
        [row] = [w for w in await platform.insights.workers() if w.name == "first"]
        assert row.incidents.loop_blocks == 1
        assert "block_the_loop" in (row.incidents.loop_stack or "")
        return True

    await until(told, 7)
    assert await job.aresult(timeout=30) == first.pid
    stored = await platform.insights.job(job.id)
    assert (stored.losses, stored.claim_seq, stored.attempt_count) == (0, 1, 1)
    assert yard.notes(second) == []
    listed = yard.processes.taskforge("workers", "list", "--json", environment=yard.environment(2, 1))
    assert await listed.ended() == 0, listed.output
    [shown] = [w for w in json.loads(listed.output)["workers"] if w["name"] == "first"]
    assert shown["incidents"]["loop_blocks"] == 1
    assert shown["incidents"]["longest_loop_block_ms"] > 5_000


async def test_a_restart_of_the_only_process_has_its_jobs_back_at_once(yard: Yard) -> None:
    job = await yard.app.registry.find("wait").aenqueue(seconds=1.5)
    first = yard.worker("only", lease=600, interval=600)
    await yard.noted(first, "began")
    first.kill()
    killed = time.monotonic()
    second = yard.worker("only", lease=600, interval=600)
    await yard.noted(second, "began")
    assert time.monotonic() - killed < 60
    assert await job.aresult(timeout=20) == second.pid


async def test_another_machine_s_job_goes_on_within_lease_and_sweep(yard: Yard) -> None:
    lease, interval = 3.0, 1.0
    job = await yard.app.registry.find("wait").aenqueue(seconds=2)
    first = yard.worker("far", lease=lease, interval=interval)
    await yard.noted(first, "began")
    await run_sql(yard.url, "UPDATE workers SET machine = 'another'")
    first.kill()
    killed = time.monotonic()
    second = yard.worker("near", lease=lease, interval=interval)
    await yard.noted(second, "began")
    waited = time.monotonic() - killed
    assert await job.aresult(timeout=20) == second.pid
    assert lease * 2 / 3 - 1 < waited < 30, waited  # long before the row of the dead worker is forgotten


async def test_a_poison_job_is_buried_and_its_neighbours_are_not(yard: Yard) -> None:
    neighbours = [await yard.app.registry.find("wait").aenqueue(seconds=0.4) for _ in range(3)]
    poison = await yard.app.registry.find("die").aenqueue()
    platform = await yard.platform()
    for _ in range(MAX_LOSSES + 4):
        child = yard.worker("w", lease=2)
        while child.returncode is None:
            await asyncio.sleep(0.05)
            if (await platform.insights.job(poison.id)).status is JobStatus.FAILED:
                break
        if (await platform.insights.job(poison.id)).status is JobStatus.FAILED:
            break
    job = await platform.insights.job(poison.id)
    assert (job.status, job.losses, job.attempt_count) == (JobStatus.FAILED, MAX_LOSSES, 0)
    assert {record.reason for record in await platform.insights.executions(job)} == {"worker_lost"}
    for neighbour in neighbours:
        await neighbour.aresult(timeout=20)
