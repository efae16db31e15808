"""PostgreSQL gives up one of two transactions that cannot both go on (real ones, made to meet): it is run again."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from taskforge.domain.errors import Unavailable
from taskforge.domain.ids import DEFAULT_PROJECT, JobId
from taskforge.domain.job import JobStatus
from taskforge.storage.auditing import Audit
from taskforge.storage.jobs import SqlJobStore
from taskforge.storage.postgres import ATTEMPTS_AFTER_DEADLOCK, PostgresEngine
from tests.conformance.stage import Stage, run_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskforge.storage.engine import Script

pytestmark = [pytest.mark.anyio, pytest.mark.postgres]
PATIENCE = 60.0

Statuses = list[JobStatus | None]


def cancelling(
    engine: PostgresEngine, jobs: Sequence[JobId], between: Callable[[int], object], passes: list[int]
) -> Callable[[], Script[Statuses]]:
    """Cancels one job after the other in one transaction; `between` is told how often it was begun."""
    store = SqlJobStore(engine)

    def script() -> Script[Statuses]:
        passes.append(len(passes) + 1)
        audit = Audit(project_id=DEFAULT_PROJECT)
        first = yield from store.cancelling(DEFAULT_PROJECT, jobs[0], audit)
        between(passes[-1])
        return [first, (yield from store.cancelling(DEFAULT_PROJECT, jobs[1], audit))]

    return script


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The SQLSTATEs by which statements of our engines were refused."""
    seen: list[str] = []
    before = PostgresEngine._fetch

    async def fetch(engine: PostgresEngine, connection: Any, call: Any) -> Any:
        try:
            return await before(engine, connection, call)
        except asyncpg.PostgresError as error:
            seen.append(str(error.sqlstate))
            raise

    monkeypatch.setattr(PostgresEngine, "_fetch", fetch)
    return seen


async def two_jobs(url: str) -> list[JobId]:
    stage = Stage(url)
    jobs = await stage.add(await stage.queue(), 2)
    await stage.close()
    return [JobId(job) for job in jobs]


async def audited(url: str) -> int:
    [row] = await run_sql(url, "SELECT count(*) FROM audit_entries WHERE action = 'job.cancel'")
    return int(row[0])


async def test_of_two_transactions_in_a_deadlock_one_is_run_again(
    postgres_url: str, refusals: list[str]
) -> None:
    """Each has locked one job when it asks for the other's."""
    jobs = await two_jobs(postgres_url)
    name = postgres_url.rpartition("/")[2]
    await run_sql(postgres_url, f"ALTER DATABASE \"{name}\" SET deadlock_timeout = '20ms'")
    both = threading.Barrier(2)
    passes: tuple[list[int], list[int]] = ([], [])

    def cancel(which: int) -> Statuses:
        async def run() -> Statuses:
            engine = PostgresEngine(postgres_url)
            order = jobs if which == 0 else jobs[::-1]
            try:
                return await engine.run(
                    cancelling(engine, order, lambda number: number > 1 or both.wait(PATIENCE), passes[which])
                )
            finally:
                await engine.close()

        return asyncio.run(run())

    with ThreadPoolExecutor(2) as threads:
        results = await asyncio.gather(
            *(asyncio.get_running_loop().run_in_executor(threads, cancel, which) for which in range(2))
        )
    assert refusals == ["40P01"]
    assert sorted(len(begun) for begun in passes) == [1, 2]
    cancelled = sorted(results, key=lambda found: found[0] is JobStatus.CANCELLED)
    assert cancelled == [[JobStatus.PENDING] * 2, [JobStatus.CANCELLED] * 2], "the one after the other"
    assert await audited(postgres_url) == 2, "what was undone has left nothing"


@pytest.mark.parametrize("conflicts", [1, ATTEMPTS_AFTER_DEADLOCK])
async def test_a_transaction_that_cannot_be_put_in_order_is_run_again(
    postgres_url: str, refusals: list[str], conflicts: int
) -> None:
    """Under an isolation that is asked for by the database, where a pooler hands our own on to nobody: what a
    transaction has seen is changed before it changes it. In the end it is told as `Unavailable`."""
    jobs = await two_jobs(postgres_url)
    name = postgres_url.rpartition("/")[2]
    await run_sql(
        postgres_url, f"ALTER DATABASE \"{name}\" SET default_transaction_isolation = 'serializable'"
    )
    engine = PostgresEngine(postgres_url)
    engine._session = {}
    passes: list[int] = []

    def meddle(number: int) -> None:
        if number <= conflicts:
            change = run_sql(postgres_url, f"UPDATE jobs SET tags = '[{number}]' WHERE id = '{jobs[1]}'")
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, change).result(PATIENCE)

    try:
        work = engine.run(cancelling(engine, jobs, meddle, passes))
        if conflicts < ATTEMPTS_AFTER_DEADLOCK:
            assert await work == [JobStatus.PENDING] * 2
        else:
            with pytest.raises(Unavailable, match="could not fit a transaction in"):
                await work
    finally:
        await engine.close()
    assert refusals == ["40001"] * conflicts
    assert len(passes) == min(conflicts + 1, ATTEMPTS_AFTER_DEADLOCK)
    assert await audited(postgres_url) == (2 if conflicts < ATTEMPTS_AFTER_DEADLOCK else 0)
