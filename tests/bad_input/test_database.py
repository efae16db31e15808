"""A database that cannot serve, or that somebody wrote into by hand: a named error, and no job is lost by it."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from taskforge import JobFailed, TaskForge
from taskforge.domain.errors import ResultTimeout, SchemaMismatch, SharedFile, Unavailable
from taskforge.services.processes import this_machine
from taskforge.storage.address import parse_address
from tests.conformance.stage import run_sql

if TYPE_CHECKING:
    from pathlib import Path

    from taskforge.sdk.task import Task

pytestmark = pytest.mark.anyio


def echo_of(app: TaskForge) -> Task[[int], int]:
    @app.task(name="echo")
    async def echo(number: int) -> int:
        return number

    return echo


async def test_a_server_that_is_not_there() -> None:
    async with asyncio.timeout(20):
        with pytest.raises(Unavailable, match=r"PostgreSQL at 127\.0\.0\.1:1 cannot be reached") as caught:
            await echo_of(TaskForge("postgresql://nobody@127.0.0.1:1/none")).aenqueue(1)
    assert caught.value.hint


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match=r"the folder of .*/file/x\.db cannot be made") as caught:
        await echo_of(TaskForge(f"sqlite:///{tmp_path}/file/x.db")).aenqueue(1)
    assert caught.value.hint


async def test_a_schema_too_new(database_url: str) -> None:
    await run_sql(database_url, "INSERT INTO taskforge_migrations VALUES (9999, 'later', 'x')")
    with pytest.raises(SchemaMismatch, match="migration 9999, which this version does not know"):
        await echo_of(TaskForge(database_url)).aenqueue(1)


async def test_a_schema_too_old(postgres_url: str) -> None:
    await run_sql(postgres_url, "DELETE FROM taskforge_migrations")
    with pytest.raises(SchemaMismatch, match="lacks migration 0001") as caught:
        await echo_of(TaskForge(postgres_url)).aenqueue(1)
    assert caught.value.hint == "run `taskforge migrate`"


OTHER_BOOT = "00000000-0000-4000-8000-000000000000 pid:[1]"


@pytest.mark.parametrize(
    ("host", "boot", "ago_us", "is_refused"),
    [
        ("elsewhere", OTHER_BOOT, 1_000_000, True),
        ("elsewhere", OTHER_BOOT, 3_600_000_000, False),  # gone for an hour
        (socket.gethostname(), OTHER_BOOT, 1_000_000, False),  # this host before its restart
        ("container", this_machine(), 1_000_000, False),  # the same kernel
    ],
)
async def test_a_file_on_which_another_host_works(
    sqlite_url: str, host: str, boot: str, ago_us: int, is_refused: bool
) -> None:
    assert this_machine()
    await run_sql(
        sqlite_url,
        "INSERT INTO workers (id, project_id, name, type, capabilities, max_concurrent_jobs, queues, job_types, host,"
        " machine, pid, process_started, version, last_heartbeat, created_at, updated_at) SELECT"
        f" 'w', id, 'w', 'general', '{{}}', 1, '[]', '[]', '{host}', '{boot}', 1, '1', '1',"
        f" {time.time_ns() // 1000 - ago_us}, 1, 1 FROM projects",
    )
    app = TaskForge(sqlite_url)
    if is_refused:
        with pytest.raises(SharedFile, match="a worker on host 'elsewhere' uses") as caught:
            await echo_of(app).aenqueue(1)
        assert "PostgreSQL" in str(caught.value.hint)
    else:
        await echo_of(app).aenqueue(1)
    await app.aclose()


async def test_a_full_disk(sqlite_url: str) -> None:
    """A file that may not grow any more; when it may again, everything goes on."""
    async with TaskForge(sqlite_url) as app:
        echo = echo_of(app)
        first = await echo.aenqueue(1)
        engine: Any = (await app.platform()).foundation.engine

        async def room(pages: int) -> None:
            await engine._writer.submit("room", lambda c: c.execute(f"PRAGMA max_page_count = {pages}"))

        async def fill() -> None:
            while True:
                await app.aenqueue_many([echo.job(2)] * 200)

        await room(1)
        with pytest.raises(Unavailable, match="is full"):
            await fill()
        [stored] = await run_sql(sqlite_url, "SELECT count(*) FROM jobs")
        assert stored[0] % 200 == 1  # all of a call, or none
        await room(1_000_000)
        async with app.worker(name="w"):
            assert await first.aresult(timeout=20) == 1
            assert await (await echo.aenqueue(3)).aresult(timeout=20) == 3


NO_ROOM = """CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$"""
TO_WRITE = "CREATE TRIGGER no_room BEFORE INSERT ON {table} EXECUTE FUNCTION no_room()"
ROOM = "DROP FUNCTION no_room CASCADE"


async def test_a_server_whose_disk_is_full(postgres_url: str) -> None:
    """The server says what it would say; results wait until it has room again."""
    async with TaskForge(postgres_url) as app:
        echo = echo_of(app)
        waiting = await echo.aenqueue(1)
        await run_sql(postgres_url, NO_ROOM)
        await run_sql(postgres_url, TO_WRITE.format(table="jobs"))
        with pytest.raises(Unavailable, match="No space left on device"):
            await echo.aenqueue(2)
        with pytest.raises(Unavailable, match="No space left on device"):
            await app.aenqueue_many([echo.job(2)] * 3)
        await run_sql(postgres_url, ROOM)
        assert [row[0] for row in await run_sql(postgres_url, "SELECT count(*) FROM jobs")] == [1]
        await run_sql(postgres_url, NO_ROOM)
        await run_sql(postgres_url, TO_WRITE.format(table="executions_succeeded"))
        async with app.worker(name="w"):
            with pytest.raises(ResultTimeout):
                await waiting.aresult(timeout=2)
            await run_sql(postgres_url, ROOM)
            assert await waiting.aresult(timeout=20) == 1
            assert await (await echo.aenqueue(3)).aresult(timeout=20) == 3


async def test_a_read_only_server(postgres_url: str) -> None:
    async with TaskForge(postgres_url) as app:
        echo = echo_of(app)
        await echo.aenqueue(1)
    name = parse_address(postgres_url).target.rpartition("/")[2].partition("?")[0]
    await run_sql(postgres_url, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    async with TaskForge(postgres_url) as app:
        with pytest.raises(Unavailable, match="takes no changes") as caught:
            await echo_of(app).aenqueue(2)
        assert "standby" in str(caught.value.hint)


CORRUPTIONS = {
    "a queue's settings": 'UPDATE queues SET settings = \'{"max_retries": "many"\'',
    "settings of a wrong type": "UPDATE queues SET settings = '[1, 2]'",
    "settings with wrong values": 'UPDATE queues SET settings = \'{"timeout_seconds": -5, "backoff_multiplier": "x"}\'',
    "a job's retry policy": 'UPDATE jobs SET retry_policy = \'{"base": "soon"}\'',
    "a retry policy that is no JSON": "UPDATE jobs SET retry_policy = 'x'",
    "a job's state": "UPDATE jobs SET state = '{{{'",
    "a job's tags": "UPDATE jobs SET tags = '7'",
    "a worker's capabilities": "UPDATE workers SET capabilities = 'none'",
}


@pytest.mark.parametrize("what", CORRUPTIONS)
async def test_corrupt_values_stop_nothing(database_url: str, what: str) -> None:
    async with TaskForge(database_url) as app:
        echo = echo_of(app)
        jobs = [await echo.options(retry_base=2).aenqueue(number) for number in range(3)]
        await run_sql(database_url, CORRUPTIONS[what])
        async with app.worker(name="w"):
            assert [await job.aresult(timeout=20) for job in jobs] == [0, 1, 2]
        assert [(await job.ajob()).tags for job in jobs] == [()] * 3


async def test_a_corrupt_payload_fails_its_own_job_only(database_url: str) -> None:
    async with TaskForge(database_url) as app:
        echo = echo_of(app)
        jobs = [await echo.options(max_attempts=1).aenqueue(number) for number in range(3)]
        await run_sql(database_url, f"UPDATE jobs SET payload = '[\"?\"]' WHERE id = '{jobs[1].id}'")
        async with app.worker(name="w"):
            assert await jobs[0].aresult(timeout=20) == 0
            assert await jobs[2].aresult(timeout=20) == 2
            with pytest.raises(JobFailed) as caught:
                await jobs[1].aresult(timeout=20)
        assert caught.value.error_type == "InvalidPayload"
