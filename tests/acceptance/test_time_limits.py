"""``expires``, ``deadline`` and tags, from the call to the end, with a worker in this process."""

from __future__ import annotations

import asyncio

import pytest

from taskforge import JobFailed, TaskForge
from taskforge.domain.job import JobStatus
from taskforge.ports.history import JobFilter

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(60)]


async def test_what_waits_and_what_runs_past_its_limit_fails(database_url: str) -> None:
    app = TaskForge(database_url, recovery_interval_seconds=0.2)
    cancelled = asyncio.Event()

    @app.task(name="slow", max_attempts=5, retry_base=0.1)
    async def slow() -> None:
        try:
            await asyncio.sleep(50)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with app, app.worker():
        running = await slow.options(deadline=1, tags=["a", "b"]).aenqueue()
        later = await slow.options(delay=60, expires=0.5, tags=["b"]).aenqueue()
        never = await slow.options(delay=60, deadline=0.5).aenqueue()
        for handle, why in ((running, "deadline"), (later, "queue_timeout"), (never, "deadline")):
            with pytest.raises(JobFailed) as caught:
                await handle.aresult(timeout=30)
            assert caught.value.error_type == why
        assert cancelled.is_set()
        platform = await app.platform()
        [attempt, *others] = await platform.insights.executions(await running.ajob())
        assert attempt.reason == "timeout"
        assert not others
        for tag, expected in (("a", {running.id}), ("b", {running.id, later.id}), ("c", set())):
            found = await platform.insights.jobs(JobFilter(tag=tag))
            assert {job.id for job in getattr(found, "jobs", found)} == expected
        assert (await running.ajob()).status is JobStatus.FAILED
