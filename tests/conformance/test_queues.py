"""Queues as they are kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.domain.errors import Conflict, InvalidSetting
from taskforge.domain.ids import DEFAULT_PROJECT, ProjectId, QueueId
from taskforge.domain.job import JobStatus
from taskforge.domain.outcome import Succeeded
from taskforge.domain.queue import QueueSettings, QueueState
from taskforge.storage.health import SqlHealthStore
from tests.conformance.stage import NOON

if TYPE_CHECKING:
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


async def test_the_default_project_is_there(stage: Stage) -> None:
    assert await stage.queues.project("default") == DEFAULT_PROJECT
    assert await stage.queues.project("none such") is None


async def test_what_was_written_is_read(stage: Stage) -> None:
    letters = await stage.queue("letters")
    settings = QueueSettings(
        max_retries=5, timeout_seconds=1.5, dead_letter_queue_id=letters.id, aging_seconds=60
    )
    made = await stage.queues.create(
        stage.project, "laporan — 報告", "what it is for", 7, QueueState.PAUSED, settings
    )
    assert made is not None
    assert (made.name, made.description, made.priority) == ("laporan — 報告", "what it is for", 7)
    assert (made.state, made.settings, made.project_id) == (QueueState.PAUSED, settings, stage.project)
    assert (made.created_at, made.updated_at) == (NOON, NOON)
    assert await stage.queues.get(stage.project, made.id) == made
    assert await stage.queues.find(stage.project, made.name) == made
    assert list(await stage.queues.list(stage.project)) == sorted([letters, made], key=lambda q: q.name)


async def test_a_name_is_unique(stage: Stage) -> None:
    queue = await stage.queue("a")
    other = await stage.queue("b")
    assert await stage.queues.create(stage.project, "a", None, 0, QueueState.ACTIVE, QueueSettings()) is None
    with pytest.raises(Conflict, match="'a'"):
        await stage.write(replace(other, name="a"))
    assert await stage.queues.get(stage.project, queue.id) == queue
    assert await stage.queues.get(stage.project, other.id) == other


async def test_many_creators_of_one_name_make_one_queue(stage: Stage) -> None:
    made = await asyncio.gather(
        *(
            stage.queues.create(stage.project, "x", None, 0, QueueState.ACTIVE, QueueSettings())
            for _ in range(8)
        )
    )
    assert len([queue for queue in made if queue is not None]) == 1
    ensured = await asyncio.gather(*(stage.queues.ensure(stage.project, ["x", "y"]) for _ in range(8)))
    assert [queue.name for queues in ensured for queue in queues] == ["y"], (
        "who makes one, and only who does, is told so"
    )


async def test_an_update_writes_all_that_can_change(stage: Stage) -> None:
    queue = await stage.queue("a", max_retries=1)
    stage.clock.advance(1)
    changed = replace(
        queue,
        name="b",
        description="d",
        priority=9,
        state=QueueState.CLOSED,
        settings=QueueSettings(aging_seconds=5),
        updated_at=stage.clock.time,
    )
    assert await stage.write(changed) == changed
    assert await stage.queues.find(stage.project, "a") is None
    assert await stage.queues.find(stage.project, "b") == changed


async def test_every_change_bumps_the_version(stage: Stage) -> None:
    version = await stage.config_version()
    queue = await stage.queue()
    assert await stage.config_version() > version
    version = await stage.config_version()
    await stage.write(replace(queue, priority=1))
    assert await stage.config_version() > version
    version = await stage.config_version()
    await stage.queues.delete(stage.project, queue.id)
    assert await stage.config_version() > version
    assert await stage.config_version(ProjectId(UUID(int=404))) == 0


async def test_one_that_is_gone(stage: Stage) -> None:
    queue = await stage.queue()
    assert await stage.queues.delete(stage.project, queue.id) == {}
    assert await stage.write(queue) is None
    assert await stage.queues.get(stage.project, queue.id) is None
    assert await stage.queues.delete(stage.project, queue.id) == {}


async def test_a_queue_with_unfinished_jobs_stays(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    await stage.add(queue, 2)
    await stage.add(queue, 3, delay_us=10**9)
    version = await stage.config_version()
    assert await stage.queues.delete(stage.project, queue.id) == {
        JobStatus.PENDING: 2,
        JobStatus.SCHEDULED: 3,
        JobStatus.PROCESSING: 1,
    }
    assert await stage.queues.get(stage.project, queue.id) == queue
    assert await stage.config_version() == version
    assert await stage.finish(job, Succeeded())


@pytest.mark.parametrize("state", QueueState)
async def test_a_deletion_that_fails_leaves_the_queue_as_it_was(stage: Stage, state: QueueState) -> None:
    letters = await stage.queue("letters", state=state)
    await stage.queue("a", dead_letter_queue_id=letters.id)
    with pytest.raises(Conflict, match="dead-letter"):
        await stage.queues.delete(stage.project, letters.id)
    assert await stage.queues.get(stage.project, letters.id) == letters


async def test_with_finished_jobs_only_it_goes_and_they_stay(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    assert await stage.finish(job, Succeeded("1"))
    assert await stage.queues.delete(stage.project, queue.id) == {}
    stored = await stage.job(job.id)
    assert (stored.status, stored.queue_id, stored.queue_name) == (JobStatus.SUCCEEDED, queue.id, "")


async def test_a_dead_letter_queue_that_is_named_cannot_go(stage: Stage) -> None:
    letters = await stage.queue("letters")
    queue = await stage.queue("a", dead_letter_queue_id=letters.id)
    with pytest.raises(Conflict, match="dead-letter"):
        await stage.queues.delete(stage.project, letters.id)
    assert await stage.queues.get(stage.project, letters.id) == letters
    await stage.write(replace(queue, settings=QueueSettings()))
    assert await stage.queues.delete(stage.project, letters.id) == {}


async def test_a_dead_letter_queue_must_exist_and_be_another(stage: Stage) -> None:
    queue = await stage.queue()
    for target in (queue.id, QueueId(UUID(int=404))):
        with pytest.raises(InvalidSetting):
            await stage.write(replace(queue, settings=QueueSettings(dead_letter_queue_id=target)))
    assert await stage.queues.get(stage.project, queue.id) == queue


async def test_settings_that_somebody_broke_by_hand_do_not_break_the_list(stage: Stage) -> None:
    queue = await stage.queue("a", max_retries=5)
    await stage.queue("b")
    health = SqlHealthStore(stage.engine)
    for broken, fault in (
        ("no json", "not JSON"),
        ('{"max_retries": -1}', "max_retries must be"),
        ("[]", "must be an object"),
        ('{"unknown": 1}', "no setting 'unknown'"),
        ("null", "must be an object"),
    ):
        await stage.sql(f"UPDATE queues SET settings = '{broken}' WHERE name = 'a'")
        [first, second] = await stage.queues.list(stage.project)
        assert (first.id, first.settings) == (queue.id, QueueSettings())
        assert second.name == "b"
        [(name, [said])] = (await health.broken_settings(stage.project)).items()
        assert (name, fault in said) == ("a", True)


async def test_what_is_sound_of_broken_settings_stays(stage: Stage) -> None:
    queue = await stage.queue(max_retries=5, max_concurrent_jobs=2, rate_limit=7)
    await stage.know("t")
    await stage.add(queue, 5)
    await stage.sql(
        """UPDATE queues SET settings = '{"max_retries": 9, "timeout_seconds": "x", "max_concurrent_jobs": 0}'"""
    )
    [broken] = await stage.queues.list(stage.project)
    assert (broken.settings, broken.has_rule) == (QueueSettings(max_retries=9), True)
    assert len(await stage.claim(broken)) == 2, "the limit still holds"
    faults = await SqlHealthStore(stage.engine).broken_settings(stage.project)
    assert [fault.split()[0] for fault in faults["default"]] == [
        "timeout_seconds", "max_concurrent_jobs", "max_concurrent_jobs", "rate_limit",
    ]  # fmt: skip
    mended = await stage.write(replace(broken, settings=QueueSettings(max_retries=9)))
    assert mended is not None
    assert not mended.has_rule
    assert await SqlHealthStore(stage.engine).broken_settings(stage.project) == {}
