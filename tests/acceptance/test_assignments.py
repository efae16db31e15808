"""Two worker processes of weights 3 and 1, and a third that is killed in the middle of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.fleet import Fleet
from tests.conformance.stage import run_sql
from tests.support import chaos_app
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from taskforge import TaskForge
    from tests.support.processes import Processes

ROUNDS, JOBS = 12, 100
WEIGHTS = {"large": 30, "small": 10, "doomed": 60}

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(200)]


async def test_weights_divide_the_work_and_a_killed_worker_holds_nobody_up(
    database_url: str, processes: Processes, tmp_path: Path
) -> None:
    """A machine that stalls takes turns away from who is stalled: the shares of one calm round are looked for."""
    fleet = Fleet(processes, database_url, tmp_path)
    workers = {name: fleet.start(name, "-c", "1000") for name in WEIGHTS}
    for worker in workers.values():
        await worker.printed("is online")
    app = chaos_app.make(database_url)
    assignments = (await app.platform()).assignments
    for name, weight in WEIGHTS.items():
        await assignments.create("default", name, weight=weight)
    counted = await one_round(app, database_url)
    assert sum(counted.values()) == JOBS
    fleet.kill(workers["doomed"])
    found = []
    for _ in range(ROUNDS):
        found.append(counted := await one_round(app, database_url))
        assert counted["doomed"] == 0
        if abs(counted["large"] - 75) <= 1:
            break
    print(f"rounds of {JOBS}: {[dict(counted) for counted in found]}")
    assert abs(found[-1]["large"] - 75) <= 1, found
    await app.aclose()
    for name in ("large", "small"):
        workers[name].terminate()
        assert await workers[name].ended() == 0


async def one_round(app: TaskForge, url: str) -> Counter[str]:
    """How many of as many jobs each worker ended that come at once, when all have ended."""
    before = await by_worker(url)
    await app.aenqueue_many([app.registry.find("work").job(seconds=0.0) for _ in range(JOBS)])

    async def all_ended() -> None:
        assert sum((await by_worker(url) - before).values()) == JOBS

    await eventually(all_ended, 60, 0.05)
    return await by_worker(url) - before


async def by_worker(url: str) -> Counter[str]:
    """Ended executions by the name of their worker."""
    rows = await run_sql(
        url, "SELECT w.name, count(*) FROM executions e JOIN workers w ON w.id = e.worker_id GROUP BY w.name"
    )
    return Counter({str(row[0]): int(row[1]) for row in rows})
