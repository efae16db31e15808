"""Threads for handlers, where the system gives none."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.outcome import Succeeded
from taskforge.runtime.worker import threads

if TYPE_CHECKING:
    from tests.unit.runtime.fake_link import FakeLink
    from tests.unit.runtime.scene import Scene

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("given", [0, 1, 5])
async def test_jobs_wait_for_threads_that_the_system_refuses(
    link: FakeLink, scene: Scene, monkeypatch: pytest.MonkeyPatch, given: int
) -> None:
    """Nothing fails, nothing runs twice, and the first that is given is used."""
    runs: list[str] = []
    refused = asyncio.Event()
    loop = asyncio.get_running_loop()
    really_start = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name.startswith("taskforge-handler-"):
            if int(thread.name.rpartition("-")[2]) > given:
                loop.call_soon_threadsafe(refused.set)
                raise RuntimeError("can't start new thread")
            assert thread.name not in {one.name for one in threading.enumerate()}
        really_start(thread)

    @scene.task
    def work(name: str) -> None:
        runs.append(name)
        time.sleep(0.02)  # so that not one thread does it all

    monkeypatch.setattr(threads, "NO_THREAD_PAUSE", 0.05)
    monkeypatch.setattr(threading.Thread, "start", start)
    async with scene.worker(concurrency=8):
        jobs = [link.add("work", f'{{"name": "{number}"}}') for number in range(12)]
        link.hint()
        await asyncio.wait_for(refused.wait(), 10)
        if not given:
            assert not runs
            given = 1
        await link.settled(12)
    assert link.outcomes() == dict.fromkeys(jobs, Succeeded(None))
    assert sorted(runs, key=int) == [str(number) for number in range(12)]
