"""Statements over many rows, over keys, pauses and bounds: by themselves they change nothing of another project.

Their callers look before; `python -m tests.proof.mutate` takes each of these guards away, and then one of these fails.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from taskforge.domain.keys import ConcurrencyKey, JobKeys
from taskforge.domain.outcome import Lost, Succeeded
from taskforge.domain.pause import PauseKind
from taskforge.domain.queue import QueueState
from taskforge.storage.engine import One
from tests.conformance.stage import NOON, WORKER, line

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.pause import Pause
    from taskforge.domain.queue import Queue
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

TABLES = ("jobs", "executions", "log_lines", "queues", "queue_starts", "pauses")
SHARED = "the same key"


class Owned(NamedTuple):
    """What the first project has; ``other`` has nothing."""

    other: ProjectId
    queue: Queue
    empty: Queue
    done: UUID
    failed: UUID
    pause: Pause
    removed: Pause


async def everything(stage: Stage) -> dict[str, list[str]]:
    return {
        table: sorted(str(tuple(row)) for row in await stage.sql(f"SELECT * FROM {table}"))
        for table in TABLES
    }


@pytest.fixture
async def owned(stage: Stage) -> Owned:
    other = await stage.other_project()
    queue, empty = await stage.queue(rate_limit=100), await stage.queue("empty")
    done = await stage.start(queue)
    assert await stage.finish(done, Succeeded("1"), lines=[line(1, "said")])
    failed = await stage.bury(queue)
    await stage.add(queue, 2)
    await stage.add(queue, 1, "unknown")
    await stage.pauses.create(stage.project, PauseKind.TYPE, "gone", None, "test")
    removed = await stage.pauses.remove(stage.project, PauseKind.TYPE, "gone")
    pause, _ = await stage.pauses.create(stage.project, PauseKind.TYPE, "quiet", None, "test")
    assert removed is not None
    return Owned(other, queue, empty, done.id, failed, pause, removed)


BY_ANOTHER: dict[str, Callable[[Owned], dict[str, Any]]] = {
    "delete_lines_of_jobs": lambda owned: {"job_ids": [owned.done]},
    "delete_executions_of_jobs": lambda owned: {"job_ids": [owned.done]},
    "delete_jobs": lambda owned: {"job_ids": [owned.done, owned.failed]},
    "delete_queue": lambda owned: {"queue_id": owned.empty.id},
    "confirm_pause": lambda owned: {"pause_id": owned.pause.id, "created_at": owned.pause.created_at},
    "forget_pause": lambda owned: {"pause_id": owned.removed.id},
    "forget_starts": lambda owned: {"queue_id": owned.queue.id},
    "flag_pauses": lambda owned: {},
    "drop_oldest": lambda owned: {"queue_id": owned.queue.id, "most": 9, "older_us": None, "excess": 9},
}


@pytest.mark.parametrize("statement", BY_ANOTHER)
async def test_a_statement_of_another_project_changes_nothing(
    stage: Stage, owned: Owned, statement: str
) -> None:
    values = BY_ANOTHER[statement](owned)
    before = await everything(stage)
    await stage.engine.call(One(statement, {"project_id": owned.other, **values}))
    assert await everything(stage) == before
    await stage.engine.call(One(statement, {"project_id": stage.project, **values}))
    assert (await everything(stage) != before) == (statement != "flag_pauses"), "it would change something"


async def test_a_running_job_is_not_deleted_with_others(stage: Stage) -> None:
    job = await stage.start(await stage.queue())
    values = {"project_id": stage.project, "job_ids": [job.id]}
    assert await stage.engine.call(One("delete_jobs", values)) == []
    assert await stage.finish(job, Succeeded("1"))


async def test_jobs_of_another_project_and_running_ones_are_not_moved(stage: Stage) -> None:
    other = await stage.other_project()
    ours, theirs = await stage.queue(), await stage.queue("theirs", project=other)
    await stage.add(ours, 1, "unknown")
    running = await stage.start(ours)
    ids = [row[0] for row in await stage.sql("SELECT id FROM jobs")]
    for project, queue in ((other, theirs), (stage.project, await stage.queue("else"))):
        values = {"project_id": project, "job_ids": [str(one) for one in ids], "queue_id": queue.id}
        moved = await stage.engine.call(One("move_jobs", values))
        assert len(moved) == (0 if project == other else 1)
    assert (await stage.job(running.id)).queue_id == ours.id


@pytest.mark.parametrize("statement", ["retry_job", "retry_jobs"])
async def test_a_job_of_another_project_is_not_retried_into_one_s_own_queue(
    stage: Stage, statement: str
) -> None:
    other = await stage.other_project()
    ours, theirs = await stage.queue(), await stage.queue("theirs", project=other)
    failed = await stage.bury(ours)
    named = {"job_id": failed} if statement == "retry_job" else {"job_ids": [failed]}
    for project, queue, changed in ((other, theirs, 0), (stage.project, theirs, 0), (stage.project, ours, 1)):
        values = {"project_id": project, "queue_id": queue.id, **named}
        assert len(await stage.engine.call(One(statement, values))) == changed
    assert (await stage.job(failed)).queue_id == ours.id


async def test_a_batch_retries_no_job_of_another_project_beside_one_s_own(stage: Stage) -> None:
    other = await stage.other_project()
    ours, theirs = await stage.queue(), await stage.queue("theirs", project=other)
    own, strange = await stage.bury(ours), await stage.bury(ours)
    await stage.sql(
        f"UPDATE jobs SET project_id = '{other}', queue_id = '{theirs.id}' WHERE id = '{strange}'"
    )
    values = {"project_id": stage.project, "queue_id": ours.id, "job_ids": [own, strange]}
    retried = await stage.engine.call(One("retry_jobs", values))
    assert [str(row[0]) for row in retried] == [str(own)]


async def flags(stage: Stage, project: ProjectId) -> set[bool]:
    rows = await stage.sql(f"SELECT project_has_pauses FROM queues WHERE project_id = '{project}'")
    return {bool(row[0]) for row in rows}


async def test_pauses_of_a_project_are_marked_at_its_queues_alone(stage: Stage) -> None:
    other = await stage.other_project()
    await stage.queue()
    await stage.queue("theirs", project=other)
    await stage.pauses.create(other, PauseKind.TYPE, "quiet", None, "test")
    await stage.engine.call(One("flag_pauses", {"project_id": stage.project}))
    await stage.queue("later")
    assert await flags(stage, stage.project) == {False}
    assert await flags(stage, other) == {True}


async def test_with_a_key_nothing_gets_into_another_project_s_queue(stage: Stage) -> None:
    other = await stage.other_project()
    job = stage.new(await stage.queue())
    with pytest.raises(Exception, match="queue"):
        await stage.jobs.accept_ruled(other, [job], keys={job.id: JobKeys(key=SHARED)}, bounds=[])
    assert await stage.sql("SELECT id FROM jobs") == []


async def test_a_period_of_a_key_is_of_its_project(stage: Stage) -> None:
    other = await stage.other_project()
    await stage.know("t")
    hourly = JobKeys(key=SHARED, key_period_us=3_600_000_000)
    queue = await stage.queue()
    await stage.add_keyed(queue, hourly)
    [job] = await stage.claim(queue)
    assert await stage.finish(job, Succeeded("1"))
    theirs = stage.new(await stage.queue("theirs", project=other))
    accepted = await stage.jobs.accept_ruled(other, [theirs], keys={theirs.id: hourly}, bounds=[])
    assert accepted.standing == {theirs.id: theirs.id}
    assert len(await stage.sql("SELECT id FROM jobs")) == 2


@pytest.mark.parametrize("first", ["ours", "theirs"])
async def test_places_of_a_concurrency_key_are_of_its_project(stage: Stage, first: str) -> None:
    """Places, those who have them, those who wait for them, and whether the key is still needed."""
    other = await stage.other_project()
    await stage.know("t")
    await stage.know("t", project=other)
    ours, theirs = await stage.queue(), await stage.queue("theirs", project=other)

    async def fill(queue: Queue, limit: int) -> list[UUID]:
        places = JobKeys(concurrency_key=SHARED, concurrency_limit=limit)
        return [await _keyed(stage, queue, places) for _ in range(4)]

    steps = {"ours": (ours, 2), "theirs": (theirs, 1)}
    ids = {name: await fill(*steps[name]) for name in sorted(steps, key=lambda name: name != first)}

    async def going() -> tuple[int, int]:
        rows = await stage.sql(
            "SELECT id FROM jobs WHERE status IN ('pending', 'processing') AND hold IS NULL"
        )
        found = {str(row[0]) for row in rows}
        return sum(str(one) in found for one in ids["ours"]), sum(str(one) in found for one in ids["theirs"])

    assert await going() == (2, 1)
    jobs = await stage.claim(ours)
    assert len(jobs) == 2
    assert await stage.finish(jobs[0], Succeeded("1"))
    assert await stage.finish(jobs[1], Succeeded("1"))
    assert await going() == (2, 1)
    for job in await stage.claim(ours):
        assert await stage.finish(job, Succeeded("1"))
    assert await going() == (0, 1)
    rows = await stage.sql("SELECT project_id FROM concurrency_keys")
    assert [str(row[0]) for row in rows] == [str(other)], "nobody of ours needs it any more"


async def _keyed(stage: Stage, queue: Queue, keys: JobKeys) -> UUID:
    job = stage.new(queue)
    accepted = await stage.jobs.accept_ruled(queue.project_id, [job], keys={job.id: keys}, bounds=[])
    return accepted.standing[job.id]


async def test_a_scheduled_job_is_given_no_place(stage: Stage) -> None:
    await stage.know("t")
    queue = await stage.queue()
    places = JobKeys(concurrency_key=SHARED, concurrency_limit=2)
    later = stage.new(queue)._replace(delay_us=60_000_000)
    await stage.jobs.accept_ruled(stage.project, [later], keys={later.id: places}, bounds=[])
    before = await stage.job(later.id)
    await stage.sql("UPDATE jobs SET hold = 'key'")
    assert await stage.jobs.give_places({ConcurrencyKey(stage.project, SHARED)}) == 0
    assert (await stage.job(later.id)).status == before.status
    assert [row[0] for row in await stage.sql("SELECT hold FROM jobs")] == ["key"]


async def drop(stage: Stage, queue: Queue, excess: int) -> int:
    values = {"queue_id": queue.id, "most": 9, "older_us": None, "excess": excess}
    return len(await stage.engine.call(One("drop_oldest", {"project_id": stage.project, **values})))


@pytest.mark.parametrize("types", [("unknown", "t"), ("t", "unknown")], ids=",".join)
async def test_room_is_made_by_waiting_jobs_each_counted_once(stage: Stage, types: tuple[str, str]) -> None:
    await stage.know("t")
    queue = await stage.queue()
    for name in types:
        await stage.add(queue, 1, name)
        stage.clock.advance(1)
    assert await drop(stage, queue, 2) == 2


@pytest.mark.parametrize("name", ["t", "unknown"])
async def test_room_is_not_made_by_scheduled_jobs(stage: Stage, name: str) -> None:
    await stage.know("t")
    queue = await stage.queue()
    [later] = await stage.add(queue, 1, name, delay_us=60_000_000)
    [waiting] = await stage.add(queue, 1, name, priority=5)
    assert await drop(stage, queue, 1) == 1
    assert (await stage.status(later), await stage.status(waiting)) == ("scheduled", "failed")


async def test_by_rules_nothing_is_claimed_from_another_project_s_queue(stage: Stage) -> None:
    other = await stage.other_project()
    queue = await stage.queue(max_concurrent_jobs=5)
    await stage.know("t")
    [job_id] = await stage.add(queue, 1)
    values = {"queue_id": queue.id, "worker_id": WORKER, "job_types": ["t"], "free": 1, "suspects": 1}
    claim = One("claim_ruled_jobs", {"project_id": other, "lease_us": 1_000_000, **values})
    await stage.engine.call(claim)
    assert await stage.status(job_id) == "pending"
    assert await stage.claim(queue, project=other) == []
    assert len(await stage.claim(queue)) == 1


@pytest.mark.parametrize("settings", [{}, {"max_concurrent_jobs": 5}], ids=["plain", "ruled"])
async def test_a_suspect_is_not_claimed_before_it_is_due(stage: Stage, settings: dict[str, Any]) -> None:
    queue = await stage.queue(**settings)
    await stage.know("t")
    await stage.add(queue, 1, delay_us=60_000_000)
    await stage.sql("UPDATE jobs SET hold = 'suspect', losses = 1")
    assert await stage.claim(queue) == []
    stage.clock.advance(61)
    await stage.jobs.promote(stage.project, 10)
    assert len(await stage.claim(queue)) == 1


async def test_by_rules_nothing_is_claimed_too_late(stage: Stage) -> None:
    queue = await stage.queue(max_concurrent_jobs=5)
    ends = NOON + timedelta(seconds=10)
    suspect = await stage.start(queue, deadline=ends)
    assert await stage.finish(suspect, Lost(blamed=True))
    await stage.add(queue, 1, deadline=ends)
    stage.clock.advance(11)
    assert await stage.claim(queue) == []


async def test_by_rules_what_is_due_next_is_a_scheduled_job(stage: Stage) -> None:
    queue = await stage.queue(max_concurrent_jobs=5)
    await stage.know("t")
    await stage.add(queue, 1, delay_us=1_000_000)
    stage.clock.advance(2)
    await stage.jobs.promote(stage.project, 10)
    assert (await stage.claim_batch(queue, free=0)).next_due_at is None


async def test_by_rules_the_configuration_s_version_is_the_project_s(stage: Stage) -> None:
    other = await stage.other_project()
    await stage.sql(f"UPDATE projects SET config_version = 77 WHERE id = '{other}'")
    queue = await stage.queue(max_concurrent_jobs=5)
    theirs = await stage.queue("theirs", project=other, max_concurrent_jobs=5)
    assert (await stage.claim_batch(queue)).config_version == await stage.config_version()
    batch = await stage.claim_batch(theirs, project=other)
    assert batch.config_version == await stage.config_version(other) > 77


@pytest.mark.parametrize("settings", [{}, {"max_concurrent_jobs": 5}], ids=["plain", "ruled"])
async def test_from_a_paused_queue_nothing_is_claimed_and_nothing_is_due(
    stage: Stage, settings: dict[str, Any]
) -> None:
    other = await stage.other_project()
    queue = await stage.queue(**settings)
    await stage.know("t")
    await stage.add(queue, 1)
    await stage.add(queue, 1, delay_us=60_000_000)
    assert await stage.claim(queue, project=other) == []
    await stage.write(replace(queue, state=QueueState.PAUSED))
    batch = await stage.claim_batch(queue)
    assert (list(batch.jobs), batch.next_due_at) == ([], None)


@pytest.mark.parametrize("namesake", ["of another project", "that has stopped"])
async def test_a_worker_that_was_given_up_comes_back_beside_a_namesake(stage: Stage, namesake: str) -> None:
    """Only a live one of its own project has taken its name."""
    other = await stage.other_project()
    worker = await stage.know("t")
    twin = await stage.know("t", project=other if namesake == "of another project" else None)
    if namesake == "that has stopped":
        await stage.sql(f"UPDATE workers SET stopped_at = last_heartbeat WHERE id = '{twin}'")
    await stage.sql(
        "UPDATE workers SET name = 'w', given_up_at = last_heartbeat, stopped_at = last_heartbeat"
        f" WHERE id = '{worker}'"
    )
    await stage.sql(f"UPDATE workers SET name = 'w' WHERE id = '{twin}'")
    await stage.jobs.beat(worker, [], 1_000_000, None)
    rows = await stage.sql(f"SELECT stopped_at FROM workers WHERE id = '{worker}'")
    assert [row[0] for row in rows] == [None]
