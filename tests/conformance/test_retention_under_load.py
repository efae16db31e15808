"""Old jobs are pruned, and their days dropped, while others are made and done: counted before and after."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from taskforge.domain.outcome import Cancelled, Failed, Succeeded
from tests.conformance.stage import BOOM, line, settlement
from tests.conformance.test_retention import pruning, rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.outcome import Outcome
    from taskforge.domain.queue import Queue
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

SUCCEEDED, FAILED, CANCELLED = 300, 60, 40
ROUNDS, AT_ONCE = 30, 20
SHIFTED = (
    "(lpad(to_hex(('x' || substr(replace({0}::text, '-', ''), 1, 12))::bit(48)::bigint - 9 * 86400000), 12, '0')"
    " || substr(replace({0}::text, '-', ''), 13))::uuid"
)


async def work_off(stage: Stage, queue: Queue, outcomes: Sequence[Outcome]) -> list[UUID]:
    """So many jobs, ended so, each with a line."""
    await stage.add(queue, len(outcomes))
    claimed: list[ClaimedJob] = []
    while len(claimed) < len(outcomes):
        claimed += await stage.claim(queue, free=len(outcomes))
    ends = [
        settlement(job, outcome, lines=[line(1, "a line")])
        for job, outcome in zip(claimed, outcomes, strict=True)
    ]
    assert len(await stage.settle(*ends)) == len(outcomes)
    return [job.id for job in claimed]


async def make_older(stage: Stage) -> None:
    """All that is there ended nine days ago, and its executions were claimed then."""
    if stage.dialect == "sqlite":
        await stage.sql("UPDATE jobs SET completed_at = completed_at - 9 * 86400000000")
        return
    await stage.sql("SELECT taskforge_make_partitions((now() AT TIME ZONE 'UTC')::date - 10, 10)")
    await stage.sql(f"UPDATE executions SET id = {SHIFTED.format('id')}")
    await stage.sql(f"UPDATE log_lines SET execution_id = {SHIFTED.format('execution_id')}")
    await stage.sql(
        f"UPDATE jobs SET execution_id = {SHIFTED.format('execution_id')}, "
        "completed_at = completed_at - interval '9 days', created_at = created_at - interval '9 days'"
    )


async def test_what_is_old_goes_and_nothing_else(stage: Stage) -> None:
    stage.clock.now = lambda: None  # type: ignore[method-assign, assignment, return-value]
    queue = await stage.queue()
    long = await stage.queue("long", keep_succeeded_days=30.0)
    await stage.know("t")
    await work_off(stage, queue, [Succeeded("1")] * SUCCEEDED)
    failed = await work_off(stage, queue, [Failed(BOOM, final=True)] * FAILED)
    cancelled = await work_off(stage, queue, [Cancelled("c")] * CANCELLED)
    kept = await work_off(stage, long, [Succeeded("1")] * 10)
    await make_older(stage)
    before = SUCCEEDED + FAILED + CANCELLED + 10
    assert (await rows(stage))[:2] == (before, before)

    fresh: list[UUID] = []
    loaded = asyncio.Event()

    async def load() -> None:
        outcomes: list[Outcome] = [Failed(BOOM, final=True), Cancelled("c")]
        outcomes += [Succeeded("2") for _ in range(AT_ONCE - len(outcomes))]
        for _ in range(ROUNDS):
            fresh.extend(await work_off(stage, queue, outcomes))
        loaded.set()

    async def prune() -> list[str]:
        dropped: list[str] = []
        while True:
            last = loaded.is_set()
            dropped += (await pruning(stage, batch=25).prune()).dropped
            if last:
                return dropped

    _, *dropped = await asyncio.gather(load(), prune(), prune())

    stay = [*failed, *cancelled, *kept]
    made = ROUNDS * AT_ONCE
    jobs, executions, lines = await rows(stage)
    assert (jobs, executions) == (made + len(stay), made + len(stay))
    for job_id in [*stay, *fresh[::50]]:
        [execution] = await stage.executions(job_id)
        assert "a line" in await stage.messages(job_id)
        assert execution.job_id == job_id
    # a failure and a cancelled attempt of the load have a line of their own as well
    assert lines >= jobs
    if stage.dialect == "postgres":
        assert sum(map(len, dropped)) >= 2
        duplicates = "SELECT id FROM executions GROUP BY id HAVING count(*) > 1"
        assert await stage.sql(duplicates) == []
