"""The HTTP client against a real server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from taskforge import TaskForge
from taskforge.client import Client
from taskforge.client.problems import by_code, error_of
from taskforge.client.transport import Transport
from taskforge.domain.errors import (
    Conflict,
    InvalidInput,
    InvalidSetting,
    JobFailed,
    NotFound,
    ResultTimeout,
    TaskforgeError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)
from taskforge.domain.job import JobStatus
from tests.support.remote import KEY, free_port, served

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.anyio


@pytest.fixture
def server(database_url: str) -> Iterator[str]:
    with served(database_url) as address:
        yield address


@pytest.fixture
def client(server: str) -> Iterator[Client]:
    with Client(server, KEY) as client:
        yield client


def test_the_life_of_a_job_without_an_event_loop(client: Client, database_url: str) -> None:
    queue = client.queues.create("mail", priority=3)
    assert [found.name for found in client.queues.list()] == ["mail"]
    job = client.jobs.create("mail.send", {"to": "Ü"}, queue="mail", tags=["a"], delay_ms=3_600_000)
    assert (job.status, job.payload, job.queue_id, job.tags) == (
        JobStatus.SCHEDULED, {"to": "Ü"}, queue.id, ["a"],
    )  # fmt: skip
    sooner = client.jobs.reschedule(job.id, datetime.now(UTC) + timedelta(minutes=1))
    assert sooner.scheduled_for is not None
    with pytest.raises(ResultTimeout):
        client.jobs.result(job.id, timeout=0.1)
    assert client.jobs.cancel(job.id).status is JobStatus.CANCELLED
    assert client.jobs.retry(job.id).status is JobStatus.PENDING
    with pytest.raises(Conflict):
        client.queues.delete(queue.id)
    client.jobs.delete(job.id)
    with pytest.raises(NotFound):
        client.jobs.get(job.id)
    assert client.queues.pause(queue.id).is_active is False
    assert client.queues.update(queue.id, priority=9).priority == 9
    client.queues.delete(queue.id)


async def test_results_attempts_and_lines(server: str, database_url: str) -> None:
    async def work(number: int) -> int:
        if number < 0:
            raise ValueError("negative")
        print("working")
        return number * 2

    async with TaskForge(database_url) as app, Client(server, KEY) as client:
        app.task(name="work", max_attempts=1)(work)
        async with app.worker():
            job = await client.jobs.acreate("work", {"number": 21})
            assert await client.jobs.aresult(job.id, timeout=20) == 42
            [execution] = await client.jobs.aexecutions(job.id)
            assert (execution.status.value, execution.output) == ("succeeded", 42)
            assert [line.message for line in await client.jobs.alogs(job.id)] == ["working"]
            bad = await client.jobs.acreate("work", {"number": -1}, max_attempts=1)
            with pytest.raises(JobFailed, match="negative") as failed:
                await client.jobs.aresult(bad.id, timeout=20)
            assert failed.value.error_type == "ValueError"
            [worker] = await client.workers.alist()
            assert (await client.workers.aget(worker.id)).status.value == "online"


async def test_many_jobs_and_a_list_over_pages(server: str) -> None:
    async with Client(server, KEY) as client:
        await client.queues.acreate("default")
        made = await client.jobs.acreate_many([{"job_type": "t", "payload": n} for n in range(450)])
        found = await client.jobs.alist(limit=401, job_type="t")
        assert [job.id for job in found] == sorted((job.id for job in made), reverse=True)[:401]


async def test_events_go_on_where_they_broke_off(database_url: str) -> None:
    async with Client("http://127.0.0.1:1", KEY) as client:
        pass
    with served(database_url) as server:
        async with Client(server, KEY) as client:
            queue = await client.queues.acreate("q")
            events = client.events("queue")
            async with asyncio.timeout(20):
                assert (await anext(events)).kind == "reset"
                await client.queues.aupdate(queue.id, priority=2)
                event = await anext(events)
            assert event.kind == "queue"


async def test_errors_are_those_of_the_family(client: Client, server: str) -> None:
    with pytest.raises(NotFound):
        await client.jobs.aget(uuid4())
    with pytest.raises(InvalidInput) as wrong:
        await client.jobs.acreate("", {})
    assert "job_type" in (wrong.value.field or "")
    async with Client(server, "wrong") as stranger:
        with pytest.raises(Unauthenticated):
            await stranger.jobs.alist()
    await client.aclose()


@pytest.mark.parametrize("body", [b"<html>Not here</html>", b'{"detail": "Not here"}', b"[]"])
def test_an_answer_of_somebody_else_is_said_to_be_one(body: bytes) -> None:
    error = error_of(404, body, {})
    assert isinstance(error, NotFound)
    assert "TaskForge answers otherwise" in (error.hint or "")


async def test_a_server_that_is_away_is_said_so_after_some_tries() -> None:
    async with Client(f"http://127.0.0.1:{free_port()}", KEY, tries=2) as client:
        with pytest.raises(Unavailable, match="cannot be reached"):
            await client.jobs.acreate("t")


@pytest.mark.parametrize(
    "address", ["", "jobs.example.org", "ftp://x", "http://u:p@x", "http://x?y", "http://"]
)
async def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidSetting):
        Client(address, KEY)


async def test_the_key_is_not_shown() -> None:
    assert "secret" not in repr(Transport("http://x", "secret"))


@pytest.mark.parametrize("code", sorted(by_code()))
async def test_every_error_comes_back_as_itself(code: str) -> None:
    body = b'{"code":"%s","detail":"so it is","hint":"do this"}' % code.encode()
    error = error_of(409, body, {"retry-after": "7"})
    assert type(error) is by_code()[code]
    assert (error.message, error.hint, str(error)) == ("so it is", "do this", "so it is")
    if isinstance(error, TooManyRequests):
        assert error.retry_after == 7


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"code":5}', b'{"code":"of a later version"}'])
async def test_an_answer_that_nobody_expects_is_an_error_all_the_same(body: bytes) -> None:
    assert isinstance(error_of(502, body, {}), Unavailable)
    assert isinstance(error_of(422, body, {}), InvalidInput)
    assert type(error_of(500, body, {})) is TaskforgeError
