"""Which trace a job belongs to is kept beside it, for its project alone."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.ports.traces import StoredTrace
from taskforge.storage.retention import SqlRetentionStore
from taskforge.storage.traces import SqlTraceStore

if TYPE_CHECKING:
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

ONE, TWO, THREE = (UUID(int=number) for number in (1, 2, 3))


async def test_traces_are_kept_noted_and_forgotten(stage: Stage) -> None:
    store, other = SqlTraceStore(stage.engine), await stage.other_project()
    await store.put(stage.project, [ONE, TWO], "made here")
    await store.put(stage.project, [ONE], "made again")
    await store.put(other, [THREE], "made elsewhere")
    assert await store.of_jobs(stage.project, [ONE, THREE]) == {ONE: StoredTrace("made here", None)}
    await store.note(stage.project, {ONE: "first run", THREE: "not mine"})
    assert await store.of_jobs(stage.project, [ONE, TWO]) == {
        ONE: StoredTrace("made here", "first run"),
        TWO: StoredTrace("made here", None),
    }
    assert await store.of_jobs(other, [THREE]) == {THREE: StoredTrace("made elsewhere", None)}
    retention = SqlRetentionStore(stage.engine)
    stage.clock.advance(60)
    await retention.forget_requests(61_000_000)
    assert len(await store.of_jobs(stage.project, [ONE, TWO])) == 2
    await retention.forget_requests(59_000_000)
    assert await store.of_jobs(stage.project, [ONE, TWO]) == {}
