"""The stream of events over HTTP: whose events, of what, and when it ends."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from taskforge import TaskForge
from taskforge.domain.access import Permission
from tests.support.remote import KEY, ByHeart, free_port, server_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.remote import Server

pytestmark = pytest.mark.anyio


class Running:
    """A server in a thread, that a test can stop."""

    def __init__(self, database_url: str) -> None:
        port = free_port()
        self.callers = ByHeart()
        self.server: Server = server_of(port, callers=self.callers, database_url=database_url)
        self.address = f"http://127.0.0.1:{port}"
        self.thread = threading.Thread(target=lambda: asyncio.run(self.server.serve()), daemon=True)

    def start(self) -> None:
        self.thread.start()
        for _ in range(1000):
            if self.server.started:
                return
            self.thread.join(0.02)
            assert self.thread.is_alive()

    def stop(self) -> None:
        self.server.handle_exit(2, None)
        self.thread.join(20)
        assert not self.thread.is_alive()


@pytest.fixture
def running(database_url: str) -> Iterator[Running]:
    running = Running(database_url)
    running.start()
    yield running
    if running.thread.is_alive():
        running.stop()


@pytest.fixture
async def app(database_url: str, running: Running, anyio_backend: str) -> AsyncIterator[TaskForge]:
    app = TaskForge(database_url)
    yield app
    await app.aclose()


class Reader:
    """Reads one stream."""

    def __init__(
        self, running: Running, *, token: str = KEY, last: str | None = None, query: str = ""
    ) -> None:
        headers = {"Authorization": f"Bearer {token}"} | ({} if last is None else {"Last-Event-ID": last})
        self._http = httpx2.AsyncClient(headers=headers, timeout=20, trust_env=False)
        self._url = f"{running.address}/api/v1/events{query}"
        self.is_over = False

    async def __aenter__(self) -> Reader:
        self._stream = self._http.stream("GET", self._url)
        self.response = await self._stream.__aenter__()
        self._lines = self.response.aiter_lines()
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._stream.__aexit__(None, None, None)
        await self._http.aclose()

    async def next(self) -> dict[str, Any] | None:
        """The next event, or None at the end of the stream."""
        found: dict[str, Any] = {}
        async with asyncio.timeout(20):
            async for line in self._lines:
                if not line and found:
                    return found
                name, _, value = line.partition(": ")
                if name in ("id", "event"):
                    found[name] = value
                elif name == "data":
                    found["data"] = json.loads(value)
        return None

    async def until(self, kind: str, topic: str | None = None) -> dict[str, Any]:
        """The next event of a kind; others are passed over."""
        while event := await self.next():
            if event["event"] == kind and topic in (None, event["data"].get("topic"), "any"):
                return event
        raise AssertionError("the stream has ended")


async def test_what_happens_is_told_once_and_with_its_queue(running: Running, app: TaskForge) -> None:
    async def job() -> None: ...

    task = app.task(name="job", queue="mail")(job)
    async with Reader(running) as reader:
        assert reader.response.headers["content-type"].startswith("text/event-stream")
        assert "content-encoding" not in reader.response.headers
        first = await reader.next()
        assert first is not None
        assert first["event"] == "reset"
        await task.aenqueue()
        event = await reader.until("job")
        assert event["id"].startswith(first["id"].partition("-")[0])
        async with app.worker(concurrency=1):
            await reader.until("worker")
    async with Reader(running, last=event["id"]) as again:
        following = await again.next()
        assert following is not None
        assert following["event"] != "reset", "it goes on where the other one ended"
    async with Reader(running, last="another-17") as lost:
        assert (await lost.next() or {})["event"] == "reset"


async def test_the_end_of_the_server_ends_a_stream(running: Running) -> None:
    async with Reader(running) as reader:
        await reader.next()
        await asyncio.to_thread(running.stop)
        assert await reader.next() is None


async def test_the_end_of_a_credential_ends_its_streams(running: Running) -> None:
    running.callers.add("visitor", permissions=frozenset({Permission.JOB_READ}))
    async with Reader(running, token="visitor") as reader:
        await reader.next()
        running.callers.remove("visitor")
        async with asyncio.timeout(5):
            while (event := await reader.next()) is not None:
                assert event["data"]["topic"] == "any"  # what else the database was told of before


async def test_only_what_the_caller_may_see_is_told(running: Running, app: TaskForge) -> None:
    queues = (await app.platform()).queues
    own, other = await queues.create("own"), await queues.create("other")
    running.callers.add(
        "narrow", permissions=frozenset({Permission.QUEUE_READ}), queue_ids=frozenset({own.id})
    )
    running.callers.add("nobody", permissions=frozenset())
    async with Reader(running, token="nobody") as reader:
        assert reader.response.status_code == 403
    async with Reader(running, token="narrow") as reader:
        await reader.next()
        await _patch(running, other.id)
        await _patch(running, own.id)
        while (event := await reader.until("queue"))["data"]["topic"] == "any":
            pass
        assert event["data"]["queue_id"] == str(own.id)


async def test_only_what_is_asked_for_is_told(running: Running, app: TaskForge) -> None:
    queue = await (await app.platform()).queues.create("own")
    async with Reader(running, query="?type=queue") as reader:
        await reader.next()
        await _patch(running, queue.id)
        assert (await reader.next() or {})["event"] == "queue"
    async with Reader(running, query="?type=other") as reader:
        assert reader.response.status_code == 422


async def _patch(running: Running, queue_id: object) -> None:
    """Through the server, so that it says which queue it was."""
    async with httpx2.AsyncClient(headers={"Authorization": f"Bearer {KEY}"}, trust_env=False) as http:
        answer = await http.patch(f"{running.address}/api/v1/queues/{queue_id}", json={"priority": 3})
        assert answer.status_code == 204, answer.text
