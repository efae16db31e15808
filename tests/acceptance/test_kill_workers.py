"""300 jobs finish while workers, and nothing else, are killed with -9 again and again."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.job import MAX_LOSSES, JobStatus
from tests.acceptance.fleet import Fleet, Killer, overlaps, runs_of
from tests.conformance.stage import run_sql
from tests.conftest import SOAK
from tests.support import chaos_app
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import Processes

pytestmark = [pytest.mark.anyio, pytest.mark.chaos, pytest.mark.timeout(240)]

JOBS = 300 if SOAK else 150
SECONDS = 0.12
LIMIT = 120.0
SEED_VARIABLE = "TASKFORGE_TEST_SEED"
FINISHED = frozenset(status for status in JobStatus if status.is_finished)


async def test_no_job_is_lost_or_runs_twice_at_once(
    database_url: str, processes: Processes, tmp_path: Path
) -> None:
    seed = int(os.environ.get(SEED_VARIABLE) or random.SystemRandom().randrange(2**32))
    print(f"{SEED_VARIABLE}={seed}")
    fleet = Fleet(processes, database_url, tmp_path)
    app = chaos_app.make(database_url)
    work, block = app.registry.find("work"), app.registry.find("block")
    calls = [(block if number % 3 == 0 else work).job(seconds=SECONDS) for number in range(JOBS)]
    ids = [handle.id for handle in await app.aenqueue_many(calls)]
    platform = await app.platform()
    killer = Killer(fleet, ["one", "two", "three"], seed, "-c", "2")
    killer.start()

    async def all_ended() -> None:
        counts = await platform.insights.counts()
        assert sum(counts[status] for status in FINISHED) == JOBS, f"{counts}; kills: {len(fleet.killed)}"

    try:
        await eventually(all_ended, LIMIT, 0.2)
    finally:
        await asyncio.to_thread(killer.stop)
    jobs = {str(job_id): await platform.insights.job(job_id) for job_id in ids}
    lines = {job_id: await platform.insights.logs(job.id) for job_id, job in jobs.items()}
    await app.aclose()
    for child in killer.workers.values():
        fleet.kill(child)

    records, notes = await fleet.records(), fleet.history()
    runs = runs_of(notes)
    print(f"{len(fleet.killed)} kills, {len(notes)} notes, {sum(map(len, records.values()))} executions")
    assert len(fleet.killed) >= 5, "too quick to prove anything"
    assert set(records) == set(jobs)
    for job_id, job in jobs.items():
        executions = records[job_id]
        reasons = Counter(record.reason for record in executions)
        if job.status is JobStatus.FAILED:
            assert reasons == {"worker_lost": MAX_LOSSES}, "only a job that lost three workers is given up"
            assert job.losses == MAX_LOSSES
        else:
            assert job.status is JobStatus.SUCCEEDED
            assert executions[-1].status == "succeeded"
            assert reasons[None] == 1
            assert set(reasons) <= {None, "worker_lost"}, "nothing else went wrong"
            assert job.attempt_count == 1, "a lost worker spends no attempt"
            assert "working" in [line.message for line in lines[job_id]]
        assert [record.claim_seq for record in executions] == list(range(1, len(executions) + 1))
        assert job.claim_seq == len(executions)
        for before, after in itertools.pairwise(executions):
            assert before.finished_at <= after.claimed_at, "two owners at once"
        by_process = Counter(record.pid for record in executions)
        for (ran, pid), times in runs.items():
            if ran == job_id:
                assert times <= by_process[pid], "a run that no stored execution explains"
    failed = [job_id for job_id, job in jobs.items() if job.status is JobStatus.FAILED]
    assert len(failed) <= 3, f"an unlikely number of poison pills: {failed}"
    assert overlaps(notes, fleet.killed) == []


async def test_sigterm_hands_back_without_spending_an_attempt(
    database_url: str, processes: Processes, tmp_path: Path
) -> None:
    fleet = Fleet(processes, database_url, tmp_path, TASKFORGE_LEASE_SECONDS="30")
    app = chaos_app.make(database_url)
    work = app.registry.find("work")
    long = await work.aenqueue(seconds=60)
    worker = fleet.start("one", "-c", "4", "--grace", "0.5")
    await _until_started(fleet, 1, worker)
    short = await work.aenqueue(seconds=0.2)
    await _until_started(fleet, 2, worker)
    worker.terminate()
    assert await worker.ended() == 0, worker.output
    platform = await app.platform()
    back = await platform.insights.job(long.id)
    assert (back.status, back.attempt_count, back.losses) == (JobStatus.PENDING, 0, 0)
    [execution] = await platform.insights.executions(back)
    assert (execution.status.value, execution.reason) == ("cancelled", "released")
    assert (await platform.insights.job(short.id)).status is JobStatus.SUCCEEDED
    assert await platform.insights.workers() == []
    [gone] = await platform.insights.workers(stopped=True)
    assert gone.stopped_at is not None
    await app.aclose()


async def test_a_job_in_a_thread_is_handed_back_as_well(
    database_url: str, processes: Processes, tmp_path: Path
) -> None:
    fleet = Fleet(processes, database_url, tmp_path, TASKFORGE_LEASE_SECONDS="30")
    app = chaos_app.make(database_url)
    handle = await app.registry.find("block").aenqueue(seconds=60)
    worker = fleet.start("one", "--grace", "0.2")
    await _until_started(fleet, 1, worker)
    worker.terminate()
    assert await worker.ended(30) == 0, worker.output
    job = await (await app.platform()).insights.job(handle.id)
    assert (job.status, job.attempt_count, job.losses) == (JobStatus.PENDING, 0, 0)
    await app.aclose()


async def test_a_killed_worker_s_job_goes_on_elsewhere_at_once(
    database_url: str, processes: Processes, tmp_path: Path
) -> None:
    """A process of the same machine is seen to be dead: nobody waits for its lease."""
    fleet = Fleet(processes, database_url, tmp_path, TASKFORGE_LEASE_SECONDS="600")
    app = chaos_app.make(database_url)
    handle = await app.registry.find("work").aenqueue(seconds=1)
    first = fleet.start("one")
    await _until_started(fleet, 1, first)
    fleet.kill(first)
    fleet.start("two")
    assert await handle.aresult(timeout=20) is not None
    records = (await fleet.records())[str(handle.id)]
    assert [(record.status, record.reason) for record in records] == [
        ("failed", "worker_lost"),
        ("succeeded", None),
    ]
    await app.aclose()


ENQUEUE_FOR_EVER = """
from tests.support.chaos_app import app
for number in range(1_000_000):
    print(app.registry.find("work").enqueue(seconds=0).id, flush=True)
"""


async def test_killing_who_enqueues_loses_nothing_that_was_accepted(
    database_url: str, processes: Processes, tmp_path: Path
) -> None:
    fleet = Fleet(processes, database_url, tmp_path)
    child = fleet.python("-c", ENQUEUE_FOR_EVER)
    await child.printed(r"(?:.+\n){50}")
    fleet.kill(child)
    *accepted, _ = child.output.split("\n")  # the last line may be cut
    stored = {str(row[0]) for row in await run_sql(database_url, "SELECT id FROM jobs")}
    assert len(accepted) >= 50
    assert set(accepted) <= stored
    assert len(stored) <= len(accepted) + 1, "at most one was accepted but not yet told"


async def test_a_second_worker_of_a_name_is_refused(
    database_url: str, processes: Processes, tmp_path: Path
) -> None:
    fleet = Fleet(processes, database_url, tmp_path, TASKFORGE_LEASE_SECONDS="30")
    first = fleet.start("one")
    await first.printed("is online")
    second = fleet.start("one")
    assert await second.ended() == 4
    assert "'one' lives already" in second.output
    assert "Traceback" not in second.output
    assert first.returncode is None
    fleet.kill(first)
    third = fleet.start("one")
    await third.printed("is online")


async def _until_started(fleet: Fleet, count: int, worker: object) -> None:
    def have_started() -> None:
        started = [note for note in fleet.history() if note.event == "start"]
        assert len(started) >= count, f"{worker} did not start them"

    await eventually(have_started, 30, 0.05)
