"""What assignments, limits, fairness and open breakers cost a worker: the same work with and without, in turns.

``python -m benchmarks.claim_rules [--rounds N] [--batch N] [--engine sqlite|postgres]``. Each round claims, settles and accepts one
batch of each kind, so that what else the machine does hits all alike. Told is processor time: of this process (in which
SQLite is too), and of the PostgreSQL server; never the time by the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg

from benchmarks.server import postgres_server
from benchmarks.spent import ProcessorTime
from benchmarks.workspace import PostgresWorkspace, SqliteWorkspace
from taskforge import TaskForge
from taskforge.domain.outcome import Report, Succeeded
from taskforge.domain.worker import Registration, TaskDescription, WorkerType
from taskforge.services.processes import this_process
from taskforge.storage.migrate import migrate
from taskforge.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.workspace import Workspace
    from taskforge.ports.link import Link

T = TypeVar("T")
CUSTOMERS = 20
PLAIN, BESIDE, RULED = "nothing set", "assignments in the project", "weights, limits and fairness"
BROKEN = "200 open breakers"
BREAKERS = 200
RULES = {"policy": "fair", "max_concurrent_jobs": 10_000, "rate_limit": 10_000_000}


@dataclass
class Kind:
    """One way to claim, and microseconds of each job of each round: of the claim, with settling, of accepting."""

    link: Link
    accept: Callable[[int], Awaitable[object]]
    accepts: list[float] = field(default_factory=list)
    claims: list[float] = field(default_factory=list)
    wholes: list[float] = field(default_factory=list)


async def fill(
    url: str, queue: str, jobs: int, *, rules: bool = False, assigned: bool = False, breakers: int = 0
) -> tuple[TaskForge, Kind]:
    """A database with so many ready jobs, and a worker of their queue; so many other types do not go out."""
    await migrate(url)
    app = TaskForge(database_url=url)

    options: dict[str, Any] = {"fairness_key": "{customer}"} if rules else {}

    @app.task(queue=queue, name="work", **options)
    def work(customer: str) -> None: ...

    platform = await app.platform()
    await platform.queues.create(queue, settings=RULES if rules else {})
    if assigned:
        await platform.queues.create("other")
        await platform.assignments.create(queue if rules else "other", "bench", weight=3)
        await platform.assignments.create(queue if rules else "other", "absent", weight=1)
    broken = [TaskDescription(f"broken-{number}", queue) for number in range(breakers)]
    await platform.declare(broken)
    for task in broken:
        await platform.breakers.open((await platform.breakers.create(task.name, {})).id)
    link = platform.link()
    registration = Registration(
        "bench",
        WorkerType.GENERAL,
        {},
        1000,
        [queue],
        [TaskDescription("work", queue)],
        this_process(),
        VERSION,
    )
    await link.register(registration)

    async def accept(count: int) -> None:
        await app.aenqueue_many([work.job(f"c{number % CUSTOMERS}") for number in range(count)])

    for start in range(0, jobs, 2_000):
        await accept(min(2_000, jobs - start))
    return app, Kind(link, accept)


async def cost_of(work: Awaitable[T], server: Callable[[], float]) -> tuple[float, T]:
    """Seconds of processor time, here and at the server; and what the work has answered."""
    there = server()
    here = time.process_time()
    answer = await work
    here = time.process_time() - here
    return here + server() - there, answer


async def round_of(kind: Kind, batch: int, server: Callable[[], float]) -> None:
    """Claim a batch and settle it; accept another one."""
    claiming, claimed = await cost_of(kind.link.claim(batch, 1), server)
    reports = [Report(a.job.execution_id, Succeeded("null"), 10, 10) for a in claimed.attempts]
    settling, _ = await cost_of(kind.link.settle(reports), server)
    accepting, _ = await cost_of(kind.accept(batch), server)
    kind.accepts.append(accepting * 1e6 / batch)
    if len(reports) != batch:
        raise RuntimeError(f"a claim of {batch} got {len(reports)}")
    kind.claims.append(claiming * 1e6 / batch)
    kind.wholes.append((claiming + settling) * 1e6 / batch)


async def sit(workspace: Workspace, rounds: int, batch: int, server: Callable[[], float]) -> None:
    """Measure all kinds on fresh databases, and print them."""
    jobs = (rounds + 5) * batch
    wanted: dict[str, tuple[str, dict[str, Any]]] = {
        PLAIN: ("plain", {}),
        BESIDE: ("beside", {"assigned": True}),
        RULED: ("ruled", {"rules": True, "assigned": True}),
        BROKEN: ("broken", {"breakers": BREAKERS}),
    }
    async with AsyncExitStack() as stack:
        kinds: dict[str, Kind] = {}
        for name, (queue, how) in wanted.items():
            url = await stack.enter_async_context(workspace.fresh())
            app, kinds[name] = await fill(url, queue, jobs, **how)
            stack.push_async_callback(app.aclose)

        for number in range(rounds + 5):
            for kind in kinds.values():
                await round_of(kind, batch, server)
            if number == 4:  # plans and caches are made by then
                for kind in kinds.values():
                    kind.claims.clear()
                    kind.wholes.clear()
                    kind.accepts.clear()
        for kind in kinds.values():
            await kind.link.leave()
    print(
        f"{'':32}{'claim us/job':>14}{'ratio':>8}{'with settling':>16}{'ratio':>8}{'accept':>9}{'ratio':>8}"
    )
    first = kinds[PLAIN]
    for name, kind in kinds.items():
        claim, whole, accept = mean(kind.claims), mean(kind.wholes), mean(kind.accepts)
        ratios = claim / mean(first.claims), whole / mean(first.wholes), accept / mean(first.accepts)
        line = f"{name:32}{claim:14.1f}{ratios[0]:8.2f}{whole:16.1f}{ratios[1]:8.2f}"
        print(f"{line}{accept:9.1f}{ratios[2]:8.2f}")
    shares = [
        median([a / b for a, b in zip(kind.wholes, first.wholes, strict=True)]) for kind in kinds.values()
    ]
    print("median ratio of the rounds, with settling: " + ", ".join(f"{share:.2f}" for share in shares))


def mean(values: list[float]) -> float:
    """Of the middle four fifths: what else a machine does makes some rounds dear."""
    tenth = len(values) // 10
    middle = sorted(values)[tenth : len(values) - tenth]
    return sum(middle) / len(middle)


async def postmaster_of(address: str) -> int:
    """The process of the server at this address."""
    connection = await asyncpg.connect(address)
    try:
        text: str = await connection.fetchval("SELECT pg_read_file('postmaster.pid')")
    finally:
        await connection.close()
    return int(text.split("\n", 1)[0])


def main() -> None:
    """Run it for one engine or for both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--engine", choices=["sqlite", "postgres"])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="taskforge-claims-") as name:
        if chosen.engine != "postgres":
            print("SQLite, batches of", chosen.batch)
            asyncio.run(sit(SqliteWorkspace(Path(name)), chosen.rounds, chosen.batch, lambda: 0.0))
        if chosen.engine != "sqlite":
            with postgres_server() as address:
                postmaster = asyncio.run(postmaster_of(address))
                print("PostgreSQL, batches of", chosen.batch)
                workspace = PostgresWorkspace(address, Path(name))
                asyncio.run(sit(workspace, chosen.rounds, chosen.batch, ProcessorTime(postmaster)))


if __name__ == "__main__":
    main()
