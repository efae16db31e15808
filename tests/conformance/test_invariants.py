"""What `doctor` finds when somebody has broken the records by hand, and what it tells of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from taskforge.domain.outcome import Succeeded
from taskforge.storage.health import SqlHealthStore

if TYPE_CHECKING:
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


async def broken(stage: Stage) -> dict[str, int]:
    found = await SqlHealthStore(stage.engine).broken_records(stage.project, 100)
    return {name: count for name, count in found.items() if count}


async def test_sound_records_break_nothing(stage: Stage) -> None:
    queue, graves = await stage.queue(), await stage.queue("graves")
    assert await broken(stage) == {}
    await stage.bury(queue)
    await stage.bury(queue, dead_letters=graves)
    assert await stage.finish(await stage.start(queue), Succeeded("1"))
    await stage.start(queue)
    await stage.add(queue, 2, delay_us=10**9)
    assert await broken(stage) == {}


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ("DELETE FROM executions WHERE status = 'succeeded'", "succeeded_without_record"),
        ("DELETE FROM executions WHERE status = 'failed'", "failed_without_record"),
        ("UPDATE jobs SET attempt_count = 9, max_attempts = 2", "beyond_their_attempts"),
        ("UPDATE jobs SET losses = 4", "beyond_their_attempts"),
        ("UPDATE executions SET claim_seq = claim_seq + 1", "claimed_twice_by_one_number"),
        (
            "UPDATE jobs SET dead_letter_queue_id = id, dead_lettered_at = completed_at WHERE status = 'failed'",
            "dead_letters_of_no_queue",
        ),
        (
            "UPDATE jobs SET execution_id = (SELECT e.id FROM executions e LIMIT 1) WHERE status = 'processing'",
            "ended_but_processing",
        ),
    ],
)
async def test_what_somebody_broke_is_found(stage: Stage, change: str, name: str) -> None:
    queue = await stage.queue()
    await stage.bury(queue)
    assert await stage.finish(await stage.start(queue), Succeeded("1"))
    await stage.start(queue)
    await stage.sql(change)
    assert set(await broken(stage)) == {name}


async def test_the_database_tells_its_state(stage: Stage) -> None:
    store = SqlHealthStore(stage.engine)
    sizes = {table.name: table for table in await store.table_sizes()}
    assert {"jobs", "executions"} <= sizes.keys()
    assert any(table.bytes for table in sizes.values())
    assert await store.broken_indexes() == []
    assert (await store.unfolded()).deltas == 0
    queue = await stage.queue()
    assert await stage.finish(await stage.start(queue), Succeeded("1"))
    stage.clock.advance(7)
    assert await store.unfolded() == (1, 7)
    oldest = await store.oldest_transaction()
    assert oldest is None or oldest.seconds >= 0
