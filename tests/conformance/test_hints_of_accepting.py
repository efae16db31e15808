"""Jobs are told of to other processes: by the statement that stores them, and to whoever begins to listen late."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import asyncpg
import pytest

from taskforge import TaskForge
from taskforge.domain.job import NewJob
from taskforge.ports.signals import Hint, Topic
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(120)]


@pytest.fixture
async def make(anyio_backend: str) -> AsyncIterator[Callable[[str], TaskForge]]:
    """Applications that are strangers to each other, as those of two processes are."""
    async with AsyncExitStack() as stack:

        def application(url: str) -> TaskForge:
            app = TaskForge(url)

            @app.task(name="add")
            async def add(a: int) -> None:
                pass

            stack.push_async_callback(app.aclose)
            return app

        yield application


class Ear:
    """All that is notified in a database, with the name of the connection that did."""

    def __init__(self, connection: asyncpg.Connection[Any]) -> None:
        self._connection = connection
        self.heard: list[tuple[int, str]] = []

    async def listen(self) -> None:
        await self._connection.add_listener(
            "taskforge", lambda _, pid, __, text: self.heard.append((pid, str(text)))
        )

    async def names(self) -> set[str]:
        rows = await self._connection.fetch(
            "SELECT application_name FROM pg_stat_activity WHERE pid = ANY ($1)",
            [pid for pid, _ in self.heard],
        )
        return {row[0] for row in rows}


@pytest.fixture
async def ear(postgres_url: str, anyio_backend: str) -> AsyncIterator[Ear]:
    connection = await asyncpg.connect(postgres_url)
    ear = Ear(connection)
    await ear.listen()
    yield ear
    await connection.close()


async def test_who_has_enqueued_before_hears_of_others_as_well(
    postgres_url: str, make: Callable[[str], TaskForge]
) -> None:
    app, other = make(postgres_url), make(postgres_url)
    add = app.registry.find("add")
    await asyncio.gather(*(add.aenqueue(number) for number in range(10)))
    heard: list[Hint | None] = []
    platform = await app.platform()
    theirs = await platform.queues.create("theirs")
    platform.signals.subscribe(heard.append)
    await eventually(lambda: _assert(platform.signals.hears_others))
    await other.registry.find("add").options(queue="theirs").aenqueue(1)
    await eventually(lambda: _assert(Hint(Topic.READY, platform.project_id, theirs.id) in heard))


async def test_jobs_that_come_together_are_told_of_by_their_own_statement(
    postgres_url: str, make: Callable[[str], TaskForge], ear: Ear
) -> None:
    add = make(postgres_url).registry.find("add")
    await asyncio.gather(*(add.aenqueue(number) for number in range(10)))
    await eventually(lambda: _assert(len(ear.heard) > 0))
    assert "taskforge" in await ear.names()  # what came too soon after it is told by "taskforge signals"


async def test_they_are_told_of_when_one_of_them_stood_there_already(
    postgres_url: str, make: Callable[[str], TaskForge], ear: Ear
) -> None:
    app = make(postgres_url)
    await app.registry.find("add").aenqueue(1)
    platform = await app.platform()
    queue = platform.directory.known("default")
    assert queue is not None
    first, second = (NewJob(uuid4(), queue.id, "add", '{"a":1}') for _ in range(2))
    await platform.stores.jobs.accept(platform.project_id, [first])
    stored = await platform.stores.jobs.accept(platform.project_id, [first, second], hint="somebody says so")
    assert stored == {first.id, second.id}
    await eventually(lambda: _assert("somebody says so" in {text for _, text in ear.heard}))


def _assert(condition: bool) -> None:
    assert condition
