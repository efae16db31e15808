"""Whether a process says in time that it cannot serve."""

import pytest

from taskforge.domain.errors import SchemaMismatch, Unavailable
from taskforge.services.readiness import SCHEMA_SECONDS, Readiness

pytestmark = pytest.mark.anyio


class House:
    """What readiness looks at."""

    def __init__(self) -> None:
        self.time = 0.0
        self.late_by = 0.0
        self.has_schema = True
        self.readiness = Readiness(self.late, self.schema, patience=90.0, monotonic=lambda: self.time)

    async def late(self) -> float:
        return self.late_by

    async def schema(self) -> None:
        if not self.has_schema:
            raise SchemaMismatch("newer")

    async def sweep(self) -> None:
        return None


async def test_recovery_that_does_not_get_through_is_told_until_it_does() -> None:
    house = House()
    assert (await house.readiness.check())["recovery"] == "ok"
    house.time = 91.0
    with pytest.raises(Unavailable, match="91 s"):
        await house.readiness.check()
    await house.readiness.noting(house.sweep)()
    assert (await house.readiness.check())["recovery"] == "ok"


async def test_another_schema_is_noticed() -> None:
    house = House()
    await house.readiness.check()
    house.has_schema = False
    await house.readiness.check()
    house.time = SCHEMA_SECONDS
    with pytest.raises(SchemaMismatch):
        await house.readiness.check()


async def test_ticks_that_nobody_sees_to_are_told_and_keep_no_server_from_serving() -> None:
    house = House()
    house.late_by = 61.0
    assert (await house.readiness.check())["scheduler"] == "late by 61 s"
