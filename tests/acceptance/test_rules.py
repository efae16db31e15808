"""Eight worker processes at a limit of 10 and a rate of 500 a minute: the peak and the densest window are printed."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.acceptance.fleet import Fleet
from tests.conformance.stage import run_sql
from tests.conformance.test_windows import densest
from tests.support import chaos_app
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import Processes

CLAIMERS, LIMIT, RATE = 8, 10, 500
LONG = os.environ.get("TASKFORGE_TEST_PROFILE") == "soak"
"""Two windows and a bit, instead of the first one's burst."""
JOBS = 3 * RATE if LONG else RATE + 100
SECONDS = 0.05

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(400 if LONG else 150)]


async def test_a_limit_and_a_rate_hold_for_eight_processes(
    database_url: str, processes: Processes, tmp_path: Path
) -> None:
    fleet = Fleet(processes, database_url, tmp_path)
    app = chaos_app.make(database_url)
    platform = await app.platform()
    await platform.queues.create("default", settings={"max_concurrent_jobs": LIMIT, "rate_limit": RATE})
    work = app.registry.find("work")
    await app.aenqueue_many([work.job(seconds=SECONDS) for _ in range(JOBS)])
    await app.aclose()
    workers = [fleet.start(f"w{number}", "-c", "4") for number in range(CLAIMERS)]
    expected = JOBS if LONG else RATE

    async def all_ended() -> None:
        assert await _ended(database_url) >= expected

    await eventually(all_ended, 300 if LONG else 90, 0.2)
    await asyncio.sleep(1)  # for one too many to be seen
    for worker in workers:
        worker.terminate()
    codes = [await worker.ended() for worker in workers]
    assert codes == [0] * CLAIMERS, [worker.output for worker in workers]
    runs = [
        (_seconds(row[0]), _seconds(row[1]), str(row[2]))
        for row in await run_sql(database_url, "SELECT claimed_at, finished_at, worker_id FROM executions")
    ]
    peak, window = most_at_once(runs), densest([start for start, _, _ in runs])
    owners = len({worker for _, _, worker in runs})
    print(
        f"{len(runs)} runs by {owners} of {CLAIMERS} processes: peak {peak} of {LIMIT}, densest {window} of {RATE}"
    )
    assert owners >= CLAIMERS // 2
    assert LIMIT - 2 <= peak <= LIMIT
    assert window == RATE
    assert len(runs) == (JOBS if LONG else RATE)


def most_at_once(runs: list[tuple[float, float, str]]) -> int:
    """The largest number of runs that were under way at one moment."""
    steps = sorted([(start, 1) for start, _, _ in runs] + [(end, -1) for _, end, _ in runs])
    running = peak = 0
    for _, step in steps:
        running += step
        peak = max(peak, running)
    return peak


async def _ended(url: str) -> int:
    [[count]] = await run_sql(url, "SELECT count(*) FROM executions")
    return int(count)


def _seconds(moment: Any) -> float:
    return moment / 1_000_000 if isinstance(moment, int) else moment.timestamp()
