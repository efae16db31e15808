"""Threads and event loops that use an application first, at the same moment, open one database."""

from __future__ import annotations

import asyncio
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from taskforge import TaskForge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from taskforge.wiring import Wiring

THREADS = 8


@pytest.fixture
def often() -> Iterator[None]:
    """Threads take turns at each moment."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("often")
def test_all_share_one_database_in_memory() -> None:
    app = TaskForge("sqlite:///:memory:")

    @app.task(name="add")
    def add(a: int, b: int) -> int:
        return a + b

    together = threading.Barrier(THREADS, timeout=30)
    wirings: set[Wiring] = set()
    jobs: list[UUID] = []
    counts: list[int] = []

    async def use() -> None:
        together.wait()
        wirings.add(app._wired())
        platform = await app.platform()
        together.wait()
        jobs.append((await add.aenqueue(1, 2)).id)
        together.wait()
        counts.append(len(await platform.insights.jobs_by_ids(jobs)))
        together.wait()
        await app.aclose()

    threads = [threading.Thread(target=lambda: asyncio.run(use())) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wirings) == 1
    assert counts == [THREADS] * THREADS
