"""The opt-in setting by which low priority waits even where nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskforge import TaskForge
from taskforge.domain.job import JobStatus
from taskforge.domain.queue import PRIORITY_DELAYS
from taskforge.services import directory
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from taskforge import JobHandle

pytestmark = pytest.mark.anyio


@pytest.fixture
async def app(database_url: str, anyio_backend: str) -> AsyncIterator[TaskForge]:
    async with TaskForge(database_url) as app:
        app.task(name="t")(work)
        yield app


async def work() -> None:
    pass


async def delay_of(app: TaskForge, handle: JobHandle[None]) -> float | None:
    """Seconds between a job's creation and its due time."""
    job = await app.job(handle.id)
    if job.scheduled_for is None:
        return None
    seconds = (job.scheduled_for - job.created_at).total_seconds()
    assert job.status is (JobStatus.SCHEDULED if seconds else JobStatus.PENDING)
    return seconds


async def test_each_priority_has_its_delay(app: TaskForge) -> None:
    await (await app.platform()).queues.create("default", settings={"priority_delays": True})
    task = app.registry.find("t")
    handles = [await task.options(priority=priority).aenqueue() for priority in range(10)]
    assert [await delay_of(app, handle) or 0 for handle in handles] == list(PRIORITY_DELAYS)
    bulk = await app.aenqueue_many([task.options(priority=4).job(), task.options(priority=9).job()])
    assert [await delay_of(app, handle) for handle in bulk] == [10, None]


async def test_who_names_a_time_gets_it(app: TaskForge) -> None:
    await (await app.platform()).queues.create("default", settings={"priority_delays": True})
    task = app.registry.find("t")
    assert await delay_of(app, await task.options(delay=3).aenqueue()) == 3
    assert await delay_of(app, await task.options(delay=0).aenqueue()) == 0


async def test_who_only_enqueues_hears_of_it(
    app: TaskForge, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "LONGEST_TRUST_SECONDS", 0.05)
    task = app.registry.find("t")
    assert await delay_of(app, await task.aenqueue()) is None
    async with TaskForge(database_url) as other:
        await (await other.platform()).queues.update("default", settings={"priority_delays": True})

    async def is_delayed() -> None:
        assert await delay_of(app, await task.aenqueue()) == 30

    await eventually(is_delayed)
