"""What an organization may have, however many ask at once and wherever its limit was set."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.errors import LimitExceeded, TooManyRequests
from taskforge.domain.ids import DEFAULT_ORGANIZATION, DEFAULT_PROJECT, ProjectId, WorkerId
from taskforge.services.limits import LimitGuard
from taskforge.storage.tenants import SqlTenantStore
from tests.conformance.stage import registration

if TYPE_CHECKING:
    from tests.conformance.house import House

pytestmark = pytest.mark.anyio


async def test_limits_of_an_organization(house: House) -> None:
    guard = LimitGuard(SqlTenantStore(house.stage.engine, house.stage.mint), monotonic=lambda: house.seconds)
    queue = await house.stage.queue()
    await house.stage.add(queue, 8)
    for _ in range(100):  # no limit is set
        assert await guard.count_request(DEFAULT_ORGANIZATION) is None
    await guard.check_jobs(DEFAULT_ORGANIZATION, 10**6)
    limits = {"queued_jobs": 10, "requests_per_second": 2}
    await house.organizations.update(DEFAULT_ORGANIZATION, limits=limits)
    house.seconds += 3
    await guard.check_jobs(DEFAULT_ORGANIZATION, 2)
    with pytest.raises(LimitExceeded) as refused:  # counted, though they are not stored yet
        await guard.check_jobs(DEFAULT_ORGANIZATION, 1)
    assert refused.value.limit == "queued_jobs"
    house.seconds += 1
    await guard.check_jobs(DEFAULT_ORGANIZATION, 2)
    asked = [await guard.count_request(DEFAULT_ORGANIZATION) for _ in range(5)]
    told = [(found.standing.left, found.standing.full_after) for found in asked if found is not None]
    assert told == [(3, 0.5), (2, 1.0), (1, 1.5), (0, 2.0), (0, 2.0)]
    for found in asked[:-1]:
        assert found is not None
        found.check()
    assert asked[-1] is not None
    with pytest.raises(TooManyRequests) as waits:
        asked[-1].check()
    assert waits.value.retry_after == pytest.approx(0.5)
    other = await house.organizations.create("acme")
    assert await guard.count_request(other.id) is None
    await guard.check_jobs(other.id, 10**6)


async def test_an_organization_has_no_more_workers_than_it_may(house: House) -> None:
    """Over all its projects; one that comes back under its name makes room for itself, a lost one after its lease."""
    stage, second = house.stage, await house.projects.create(DEFAULT_ORGANIZATION, "second")
    await house.organizations.update(DEFAULT_ORGANIZATION, limits={"workers": 2})

    async def register(name: str, project_id: ProjectId = DEFAULT_PROJECT) -> None:
        worker_id = WorkerId(stage.mint())
        await stage.workers.register(project_id, worker_id, registration(name, "t"), 30_000_000)

    await register("a")
    await register("b", second.id)
    for _ in range(2):
        with pytest.raises(LimitExceeded) as refused:
            await register("c")
    assert refused.value.limit == "workers"
    stage.clock.advance(31)
    await register("a")
    together = await asyncio.gather(register("c"), register("d", second.id), return_exceptions=True)
    assert [type(error) for error in together if error is not None] == [LimitExceeded]
