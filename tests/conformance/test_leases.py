"""Named locks on every database: one holder, a number that only grows, and an end when the holder is gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.domain.errors import Conflict, InvalidInput, LeaseLost
from taskforge.services.leasing import Leasing
from taskforge.storage.leases import SqlLeaseStore
from tests.support.eventually import eventually

if TYPE_CHECKING:
    from taskforge.services.leasing import Held
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio
A, B = UUID(int=1), UUID(int=2)


async def test_one_holder_until_it_runs_out(stage: Stage) -> None:
    store, project = SqlLeaseStore(stage.engine), stage.project
    assert await store.acquire(project, "n", A, 30) == 1
    assert await store.acquire(project, "n", B, 30) is None
    assert await store.acquire(project, "n", A, 30) is None
    assert await store.acquire(await stage.other_project(), "n", B, 30) == 1
    stage.clock.advance(20)
    assert await store.renew(project, "n", A, 30)
    assert not await store.renew(project, "n", B, 30)
    stage.clock.advance(29)
    assert await store.acquire(project, "n", B, 30) is None
    stage.clock.advance(1)
    assert not await store.renew(project, "n", A, 30)
    assert await store.acquire(project, "n", B, 30) == 2
    await store.release(project, "n", A)
    assert await store.acquire(project, "n", A, 30) is None
    await store.release(project, "n", B)
    assert await store.acquire(project, "n", A, 30) == 3


async def test_of_many_at_once_one_gets_it(stage: Stage) -> None:
    store = SqlLeaseStore(stage.engine)
    tokens = [UUID(int=number) for number in range(1, 9)]
    fences = await asyncio.gather(*(store.acquire(stage.project, "n", token, 30) for token in tokens))
    assert sorted(fence for fence in fences if fence is not None) == [1]


async def test_held_within_a_block(stage: Stage) -> None:
    leasing = Leasing(SqlLeaseStore(stage.engine), stage.project, stage.mint)
    async with leasing.hold("n", ttl=1) as held:
        held.check()
        with pytest.raises(Conflict, match="held by somebody else"):
            async with leasing.hold("n", wait=0.05):
                pass
        stage.clock.advance(2)  # it stood still
        await eventually(lambda: _is_lost(held))
        with pytest.raises(LeaseLost):
            held.check()
    async with leasing.hold("n") as again:
        assert again.fence > held.fence
    with pytest.raises(InvalidInput):
        async with leasing.hold("n", ttl=0):
            pass


def _is_lost(held: Held) -> None:
    assert held.is_lost
