"""Several schedulers on one database, killed and frozen: each due time becomes one job, and none is missed in silence."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.worker import TaskDescription
from taskforge.ports.schedules import RunFilter
from tests.acceptance.fleet import ROOT
from tests.conformance.stage import run_sql
from tests.conftest import SOAK
from tests.support import chaos_app
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from taskforge.domain.tick import Run
    from taskforge.platform import Platform
    from tests.support.processes import ChildProcess, Processes

pytestmark = [pytest.mark.anyio, pytest.mark.chaos, pytest.mark.timeout(240)]

SCHEDULERS = 8 if SOAK else 3
SECONDS = 60.0 if SOAK else 7.0
DOWN_SECONDS = 4.2
FROZEN_SECONDS = 1.2
SEED_VARIABLE = "TASKFORGE_TEST_SEED"
POLICIES = ("skip", "one", "all")


async def test_one_job_for_each_due_time(database_url: str, processes: Processes) -> None:
    seed = int(os.environ.get(SEED_VARIABLE) or random.SystemRandom().randrange(2**32))
    print(f"{SEED_VARIABLE}={seed}")
    app = chaos_app.make(database_url)
    platform = await app.platform()
    await platform.declare([TaskDescription("work", "default")])
    for policy in POLICIES:
        fields = {"task": "work", "interval_seconds": 1, "missed": policy, "overlap": "allow"}
        await platform.schedules.create(policy, fields)
    schedulers = [await scheduler(processes, database_url) for _ in range(SCHEDULERS)]
    kills = await torment(schedulers, processes, database_url, random.Random(seed))
    for child in schedulers:
        child.kill()
    down_from = datetime.now(UTC)
    await asyncio.sleep(DOWN_SECONDS)
    back_at = datetime.now(UTC)
    last = await scheduler(processes, database_url)
    for policy in POLICIES:
        await eventually(partial(has_run_since, platform, policy, back_at), timeout=30)
    last.terminate()
    assert await last.ended() == 0
    runs = {policy: await runs_of(platform, policy) for policy in POLICIES}
    jobs = {str(row[0]) for row in await run_sql(database_url, "SELECT id FROM jobs")}
    await app.aclose()

    for policy, found in runs.items():
        late = sorted(run.lateness for run in found if run.due_at < down_from)
        print(
            policy,
            Counter(run.reason or "fired" for run in found),
            f"median {late[len(late) // 2]:.3f} s late",
        )
    assert kills >= 2, "too quiet to prove anything"
    for policy, found in runs.items():
        gaps = {later.due_at - earlier.due_at for earlier, later in itertools.pairwise(found)}
        assert gaps == {timedelta(seconds=1)}, (policy, Counter(gaps))
        assert len(found) >= SECONDS + DOWN_SECONDS
        assert min(run.fired_at - run.due_at for run in found) >= timedelta(), policy
    made = [str(run.job_id) for found in runs.values() for run in found if run.job_id is not None]
    assert len(set(made)) == len(made)
    assert set(made) == jobs  # no job without its tick, no tick without its job
    assert all(run.job_id is not None for run in runs["all"])
    since, until = down_from + timedelta(seconds=1), back_at - timedelta(seconds=1)
    missed = {policy: [run for run in found if since < run.due_at < until] for policy, found in runs.items()}
    assert {policy: len(found) >= 2 for policy, found in missed.items()} == dict.fromkeys(POLICIES, True)
    assert {run.reason for run in missed["skip"]} == {"downtime"}
    assert {run.reason for run in missed["one"]} <= {"coalesced"}


async def has_run_since(platform: Platform, name: str, moment: datetime) -> None:
    """A due time after the moment was seen to."""
    assert (await runs_of(platform, name))[-1].due_at > moment


async def runs_of(platform: Platform, name: str) -> list[Run]:
    """All due times of a schedule that have come, the oldest first."""
    schedule = await platform.schedules.named(name)
    return list(reversed(await platform.schedules.runs(schedule, RunFilter(limit=10_000))))


async def scheduler(processes: Processes, url: str) -> ChildProcess:
    """One more, at work."""
    child = start(processes, url)
    await child.printed("^scheduler: ", 40)
    return child


def start(processes: Processes, url: str) -> ChildProcess:
    """One more, which will soon be at work."""
    return processes.taskforge(
        "scheduler",
        "tests.support.chaos_app:app",
        environment={"TASKFORGE_DATABASE_URL": url, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
    )


async def torment(schedulers: list[ChildProcess], processes: Processes, url: str, dice: random.Random) -> int:
    """Kill some, freeze others, for a while; how many were killed."""
    kills = 0
    loop = asyncio.get_running_loop()
    end = loop.time() + SECONDS
    while loop.time() < end:
        await asyncio.sleep(dice.uniform(0.1, 0.6))
        place = dice.randrange(len(schedulers))
        if not kills or dice.random() < 0.5:
            schedulers[place].kill()
            kills += 1
            schedulers[place] = start(processes, url)
        else:
            with contextlib.suppress(ProcessLookupError):
                schedulers[place].send(signal.SIGSTOP)
            await asyncio.sleep(dice.uniform(0.2, FROZEN_SECONDS))
            with contextlib.suppress(ProcessLookupError):
                schedulers[place].send(signal.SIGCONT)
    return kills
