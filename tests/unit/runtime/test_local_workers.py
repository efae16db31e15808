"""Workers as processes of this host: started up to the number, ended with their keeper, tried one at a time."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.errors import ProvisionerFailed
from taskforge.runtime.local_workers import LocalWorkers
from tests.support.eventually import eventually
from tests.unit.provisioning.orders import order

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

pytestmark = pytest.mark.anyio
STAYS = ("sh", "-c", "exec cat")
"""Until its standard input ends."""
DIES = ("sh", "-c", "exit 3")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def keeping(*commands: Sequence[str], steady: float = 30.0) -> AsyncIterator[LocalWorkers]:
    """Starts these commands one after the other, the last one again and again."""
    left = list(commands)
    workers = LocalWorkers(
        lambda name, queue: left.pop(0) if len(left) > 1 else left[0], grace=5, steady=steady
    )
    try:
        yield workers
    finally:
        await workers.close()
    assert not workers.pids


async def own(workers: LocalWorkers, queue: str = "reports") -> int:
    capacity = await workers.look(queue, None)
    assert capacity is not None
    assert capacity.names is not None
    assert len(capacity.names) == capacity.workers
    return capacity.workers


def gone(workers: LocalWorkers) -> None:
    assert not workers.pids


async def test_it_starts_as_many_as_are_missing_and_ends_them() -> None:
    async with keeping(STAYS) as workers:
        await workers.scale(order(0, 3))
        await workers.scale(order(1, 2, queue_name="other"))
        assert (await own(workers), await own(workers, "other")) == (3, 1)
        pids = workers.pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_never_more_than_the_maximum_whatever_it_is_told() -> None:
    async with keeping(STAYS) as workers:
        for _ in range(3):
            await workers.scale(order(0, 4, most=5))
        assert await own(workers) == 5


async def test_fewer_is_nothing_to_do_here() -> None:
    async with keeping(STAYS) as workers:
        await workers.scale(order(0, 2))
        assert "w1" in await workers.scale(order(2, 1, leaving=[("w1", "here")]))
        assert await own(workers) == 2


async def test_where_one_died_at_its_start_one_is_tried() -> None:
    async with keeping(DIES, DIES, STAYS, steady=20.0) as workers:
        await workers.scale(order(0, 1))
        await eventually(lambda: gone(workers))
        with pytest.raises(ProvisionerFailed, match="exit code 3"):
            await workers.scale(order(0, 4))
        assert await own(workers) == 0, "one was tried, and no other"
        workers._steady = 0.2
        await workers.scale(order(0, 4))
        assert await own(workers) == 4


async def test_what_cannot_be_started_is_a_failure() -> None:
    async with keeping(("/nowhere/at/all",)) as workers:
        with pytest.raises(ProvisionerFailed, match="no process could be started"):
            await workers.scale(order(0, 1))
