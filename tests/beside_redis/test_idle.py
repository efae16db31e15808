"""What workers with nothing to do say to their database: heartbeats, and nothing else."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.bench.statement_proxy import counting_statements
from taskforge.storage.postgres import PostgresEngine
from tests.beside_redis.test_queue import PATIENCE, Scene, scene
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.storage.engine import Call

pytestmark = pytest.mark.anyio
WORKERS = 3
POLL, LEASE = 0.5, 3.0
WATCHED_SECONDS = 4.0


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """All statements by name; one that is no heartbeat has a mark."""
    found: Counter[str] = Counter()
    fetch = PostgresEngine._fetch

    async def counted(self: PostgresEngine, connection: Any, call: Call) -> Sequence[Any]:
        is_beat = call.name == "beat_jobs" or call.parameters.get("worker_id") is not None
        found[call.name if is_beat else f"{call.name}, which is no heartbeat"] += 1
        return await fetch(self, connection, call)

    monkeypatch.setattr(PostgresEngine, "_fetch", counted)
    return found


async def test_idle_workers_send_heartbeats_and_nothing_else(
    postgres_url: str, redis_url: str, said: Counter[str]
) -> None:
    async with counting_statements(postgres_url) as proxy, AsyncExitStack() as stack:
        scenes: list[Scene] = []
        for number in range(WORKERS):
            settings = {"lease_seconds": LEASE, "poll_seconds": POLL, "retention_interval_seconds": 1.0}
            here = await stack.enter_async_context(scene(proxy.database_url, redis_url, **settings))
            await stack.enter_async_context(here.app.worker(name=f"w{number}"))
            scenes.append(here)
        await eventually(scenes[0].is_whole)

        async def all_are_idle() -> None:
            said.clear()
            before = proxy.statements
            await asyncio.sleep(WATCHED_SECONDS)  # nothing is to happen
            assert said.keys() <= {"beat_jobs", "recovery_outlook"}
            assert proxy.statements - before <= said.total() + 1, "listeners say something"
            looks = WATCHED_SECONDS / POLL
            assert said["recovery_outlook"] >= looks / 2
            assert said.total() <= 1.5 * (looks + WORKERS * WATCHED_SECONDS / (LEASE / 3))

        await eventually(all_are_idle, timeout=PATIENCE)
