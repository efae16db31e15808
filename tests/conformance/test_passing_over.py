"""What somebody is just changing is passed over: nobody waits for it, and nobody takes it along when that comes to its end."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import asyncpg
import pytest

from taskforge.domain.outcome import Lost
from taskforge.ports.jobs import ClaimRequest
from taskforge.storage.dispatch import SqlDispatchStore
from taskforge.storage.rules import ClaimsByRules
from tests.conformance.stage import LEASE, NOON, WORKER, Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from taskforge.domain.queue import Queue

pytestmark = pytest.mark.anyio
SECONDS = 5.0


@pytest.fixture
async def stage(postgres_url: str, anyio_backend: str) -> AsyncIterator[Stage]:
    """A file has one writer, so there nobody is met."""
    stage = Stage(postgres_url)
    yield stage
    await stage.close()


@asynccontextmanager
async def changing(stage: Stage, job: UUID) -> AsyncIterator[None]:
    """While somebody has begun to change that job; nobody waits for the end."""
    connection = await asyncpg.connect(stage.url)
    try:
        async with connection.transaction(), asyncio.timeout(SECONDS):
            await connection.execute("SELECT 1 FROM jobs WHERE id = $1 FOR UPDATE", job)
            yield
    finally:
        await connection.close()


async def claimed(stage: Stage, *queues: Queue, free: int = 10) -> list[UUID]:
    """What one claim takes."""
    return sorted(job.id for job in await stage.claim(*queues, free=free))


async def suspects(stage: Stage, queue: Queue) -> list[UUID]:
    """Two jobs that have lost a worker, in their order."""
    await stage.add(queue, 2)
    for job in await stage.claim(queue):
        assert await stage.finish(job, Lost(blamed=True))
    rows = await stage.sql("SELECT id FROM jobs WHERE hold = 'suspect' ORDER BY rank, id")
    assert len(rows) == 2
    return [row[0] for row in rows]


async def test_a_claim_takes_the_next_ones(stage: Stage) -> None:
    await stage.know("t")
    queue = await stage.queue()
    first, *others = await stage.add(queue, 3)
    async with changing(stage, first):
        assert await claimed(stage, queue, free=2) == others


async def test_a_claim_takes_the_next_suspect(stage: Stage) -> None:
    await stage.know("t")
    queue = await stage.queue()
    first, second = await suspects(stage, queue)
    async with changing(stage, first):
        assert await claimed(stage, queue) == [second]


async def at_gates(*_: object) -> None:
    """What a claim answers that did not hold the gate, and was in vain: it is done at the gates."""


async def test_a_claim_at_several_gates_takes_the_next_ones(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClaimsByRules, "_unheld", at_gates)
    await stage.know("t")
    one, two = [await stage.queue(name, max_concurrent_jobs=10) for name in ("one", "two")]
    first, *others = await stage.add(one, 3)
    async with changing(stage, first):
        assert await claimed(stage, one, two, free=2) == others


async def test_a_claim_at_several_gates_takes_the_next_suspect(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ClaimsByRules, "_unheld", at_gates)
    await stage.know("t")
    one, two = [await stage.queue(name, max_concurrent_jobs=10) for name in ("one", "two")]
    first, second = await suspects(stage, one)
    async with changing(stage, first):
        assert await claimed(stage, one, two) == [second]


async def test_of_what_was_weighed_a_claim_takes_the_rest(stage: Stage) -> None:
    await stage.know("t")
    queue = await stage.queue(policy="fair")
    first, *others = await stage.add(queue, 3)
    async with changing(stage, first):
        assert await claimed(stage, queue) == others


async def test_of_what_was_named_a_claim_takes_the_rest(stage: Stage) -> None:
    await stage.know("t")
    queue = await stage.queue()
    first, *others = jobs = await stage.add(queue, 3)
    request = ClaimRequest(stage.project, WORKER, [queue.id], ["t"], 10, 1, round(LEASE * 1e6))
    async with changing(stage, first):
        batch = await SqlDispatchStore(stage.engine, stage.jobs).claim_these(request, jobs)
    assert sorted(job.id for job in batch.jobs) == others


async def test_of_what_was_named_a_claim_takes_no_more_than_it_has_room_for(stage: Stage) -> None:
    await stage.know("t")
    queue = await stage.queue()
    jobs = await stage.add(queue, 3)
    request = ClaimRequest(stage.project, WORKER, [queue.id], ["t"], 2, 1, round(LEASE * 1e6))
    batch = await SqlDispatchStore(stage.engine, stage.jobs).claim_these(request, jobs)
    assert len(batch.jobs) == 2


async def test_what_is_due_beside_it_is_promoted(stage: Stage) -> None:
    await stage.know("t")
    first, _ = await stage.add(await stage.queue(), 2, delay_us=1)
    stage.clock.advance(1)
    async with changing(stage, first):
        assert await stage.jobs.promote(None, 10) == 1


async def test_what_has_waited_too_long_beside_it_ends(stage: Stage) -> None:
    await stage.know("t")
    first, _ = await stage.add(await stage.queue(), 2, expires_at=NOON + timedelta(seconds=1))
    stage.clock.advance(2)
    async with changing(stage, first):
        assert await stage.jobs.expire_waiting(10) == 1


async def test_what_is_held_beside_it_is_released(stage: Stage) -> None:
    first, _ = await stage.add(await stage.queue(), 2)
    await stage.know("t")
    async with changing(stage, first):
        assert await stage.jobs.release_holds(10) == 1
