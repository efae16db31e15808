"""A database in memory: one process, gone at its end."""

from __future__ import annotations

import pytest

from taskforge import TaskForge

pytestmark = pytest.mark.anyio


async def test_an_application_runs_jobs_in_memory() -> None:
    app = TaskForge("sqlite://:memory:")

    @app.task(name="memory.double")
    async def double(number: int) -> int:
        return number * 2

    async with app, app.worker():
        assert await (await double.aenqueue(21)).aresult(timeout=20) == 42
