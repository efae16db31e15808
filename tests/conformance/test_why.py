"""Why a job has not run: the answer for a job in every situation, on every database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.domain.breaker import BreakerSettings, BreakerState, Turn
from taskforge.domain.errors import NotFound
from taskforge.domain.explanation import WhyCode
from taskforge.domain.job_options import JobOptions
from taskforge.domain.outcome import Failed, Lost, Succeeded
from taskforge.domain.pause import PauseKind
from taskforge.domain.queue import QueueState
from taskforge.domain.worker import Registration, TaskDescription, WorkerType
from taskforge.services.breaking import Breaking
from taskforge.services.directory import QueueDirectory
from taskforge.services.explaining import Explaining
from taskforge.services.health import Health
from taskforge.services.pauses import Pauses, PauseWork
from taskforge.storage.assignments import SqlAssignmentStore
from taskforge.storage.codec import retry_policy_of
from taskforge.storage.health import SqlHealthStore
from taskforge.storage.ticks import SqlTickStore
from tests.conformance.stage import BOOM, LEASE, NOON, PROCESS, Stage

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.explanation import Explanation
    from taskforge.domain.ids import ProjectId, WorkerId

pytestmark = pytest.mark.anyio


async def why(stage: Stage, job_id: UUID, project: ProjectId | None = None) -> Explanation:
    chosen = project or stage.project
    health = Health(
        SqlHealthStore(stage.engine),
        stage.workers,
        stage.queues,
        chosen,
        lease=LEASE,
        interval=10.0,
        ticks=SqlTickStore(stage.engine, stage.jobs, stage.queues, stage.mint),
    )
    stores = (stage.history, stage.queues, stage.pauses, stage.breakers)
    return await Explaining(*stores, health, chosen).why(job_id)


async def codes(stage: Stage, job_id: UUID) -> list[WhyCode]:
    return [obstacle.code for obstacle in (await why(stage, job_id)).obstacles]


async def hire(stage: Stage, *types: str, queue: str = "default", slots: int = 10) -> WorkerId:
    """A live worker."""
    worker_id = stage.mint()
    await stage.workers.register(
        stage.project,
        worker_id,  # type: ignore[arg-type]
        Registration(
            f"w{worker_id}",
            WorkerType.GENERAL,
            {},
            slots,
            [queue],
            [TaskDescription(name, queue) for name in types],
            replace(PROCESS, machine="elsewhere"),
            "0",
        ),
        round(LEASE * 1e6),
    )
    return worker_id  # type: ignore[return-value]


async def test_nothing_stands_in_its_way(stage: Stage) -> None:
    await hire(stage, "t")
    [job_id] = await stage.add(await stage.queue())
    assert await codes(stage, job_id) == [WhyCode.READY]


async def test_running_and_ended(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    running = await why(stage, job.id)
    assert running.code is WhyCode.RUNNING
    assert "since 2026-01-05 12:00:00 UTC." in str(running)
    await stage.jobs.cancel(stage.project, job.id)
    assert "asked to stop" in (await why(stage, job.id)).message
    done = await stage.start(queue)
    assert await stage.finish(done, Succeeded())
    assert (await why(stage, done.id)).message == "It has ended: succeeded, at 2026-01-05 12:00:00 UTC."


async def test_scheduled_and_retried(stage: Stage) -> None:
    queue = await stage.queue()
    await hire(stage, "t")
    [job_id] = await stage.add(queue, 1, delay_us=90_000_000)
    assert (await why(stage, job_id)).message == "It is due at 2026-01-05 12:01:30 UTC, in 90 s."
    stage.clock.advance(90)
    assert "was due" in (await why(stage, job_id)).message
    job = await stage.start(queue)
    assert await stage.finish(job, Failed(BOOM, retry_after=60))
    explained = await why(stage, job.id)
    assert explained.code is WhyCode.SCHEDULED
    assert "for attempt 2" in explained.message


async def test_no_worker(stage: Stage) -> None:
    queue = await stage.queue()
    [job_id] = await stage.add(queue)
    assert await codes(stage, job_id) == [WhyCode.NO_WORKER_FOR_TYPE]
    await stage.workers.declare(stage.project, [TaskDescription("t", "default")])
    assert await stage.jobs.release_holds(10) == 1
    assert await codes(stage, job_id) == [WhyCode.NO_WORKER_FOR_QUEUE]
    await hire(stage, "u")
    assert await codes(stage, job_id) == [WhyCode.NO_WORKER_OF_QUEUE_KNOWS_TYPE]
    await hire(stage, "t", queue="other")
    assert await codes(stage, job_id) == [WhyCode.NO_WORKER_OF_QUEUE_KNOWS_TYPE]
    await hire(stage, "t")
    assert await codes(stage, job_id) == [WhyCode.READY]
    stage.clock.advance(LEASE + 1)
    assert await codes(stage, job_id) == [WhyCode.NO_WORKER_FOR_QUEUE]


async def test_no_worker_has_what_it_requires(stage: Stage) -> None:
    queue = await stage.queue()
    await hire(stage, "t")
    keys = JobOptions(requires={"gpu": ">=1", "type": "general"}, prefers={"region": "id"}).keys()
    assert keys is not None
    job_id = await stage.add_keyed(queue, keys)
    explained = await why(stage, job_id)
    assert explained.code is WhyCode.NO_CAPABLE_WORKER
    assert "has all that it requires: gpu >=1." in str(explained)


async def test_only_assigned_workers_count(stage: Stage) -> None:
    queue = await stage.queue()
    worker_id = await hire(stage, "t")
    [job_id] = await stage.add(queue)
    assignments = SqlAssignmentStore(stage.engine, stage.mint)
    made = await assignments.create(stage.project, queue.id, "gpu-*", 1, is_active=True)
    assert made is not None
    explained = await why(stage, job_id)
    assert explained.code is WhyCode.NO_ASSIGNED_WORKER
    assert "(gpu-*) is online." in str(explained)
    await assignments.change(stage.project, made.id, lambda found: replace(found, is_active=False))
    assert "all of its assignments are inactive" in str(await why(stage, job_id))
    await assignments.create(stage.project, queue.id, f"w{worker_id}", 1, is_active=True)
    assert await codes(stage, job_id) == [WhyCode.READY]


async def test_paused_queue_type_and_tag_are_all_told(stage: Stage) -> None:
    queue = await stage.queue()
    await hire(stage, "t")
    [job_id] = await stage.add(queue, 1, tags='["a"]')
    pauses = Pauses(
        stage.pauses,
        PauseWork(stage.pauses, stage.queues, LocalSignals(Hub())),
        QueueDirectory(stage.queues, stage.project, retry_policy_of),
    )
    await pauses.create(PauseKind.TYPE, "t", reason="The API is down.", by="ana")
    await pauses.create(PauseKind.TAG, "a")
    await pauses.create(PauseKind.TAG, "b")
    await stage.write(replace(queue, state=QueueState.PAUSED, paused_by="ben", pause_reason="upkeep"))
    explained = await why(stage, job_id)
    assert [obstacle.message for obstacle in explained.obstacles] == [
        "Queue 'default' is paused since 2026-01-05 12:00:00 UTC by ben: upkeep.",
        "Jobs of type 't' are paused since 2026-01-05 12:00:00 UTC by ana: The API is down.",
        "Jobs of tag 'a' are paused since 2026-01-05 12:00:00 UTC.",
    ]
    assert [obstacle.code for obstacle in explained.obstacles] == [
        WhyCode.QUEUE_PAUSED,
        WhyCode.PAUSED,
        WhyCode.PAUSED,
    ]
    assert explained.obstacles[1].details["by"] == "ana"


async def test_a_suspect_and_busy_workers(stage: Stage) -> None:
    queue = await stage.queue()
    worker = await hire(stage, "t", slots=1)
    suspect = await stage.start(queue)
    assert await stage.finish(suspect, Lost(blamed=True))
    assert await codes(stage, suspect.id) == [WhyCode.SUSPECT]
    await stage.add(queue)
    await stage.claim_one(queue, worker=worker, suspects=0)
    assert await codes(stage, suspect.id) == [WhyCode.SUSPECT]  # the one of stage.start has slots left


async def test_the_backlog_before_it(stage: Stage) -> None:
    await hire(stage, "t")
    queue, higher, paused = (
        await stage.queue(),
        await stage.queue("higher", priority=5),
        await stage.queue("paused", priority=5, state=QueueState.PAUSED),
    )
    await stage.add(paused, 2)
    await stage.add(queue, 7)
    [job_id] = await stage.add(queue)
    await stage.add(queue, 4)
    explained = await why(stage, job_id)
    assert explained.code is WhyCode.BACKLOG
    assert explained.message == "7 jobs go before it in queue 'default'."
    await stage.add(higher, 1)
    explained = await why(stage, job_id)
    assert explained.message == (
        "7 jobs go before it in queue 'default' and 1 job goes before it in queues of higher priority."
    )
    assert explained.obstacles[0].details == {
        "ahead": 7,
        "in_queues_of_higher_priority": 1,
        "or_more": False,
    }
    counted = await stage.history.ahead(stage.project, job_id, 5)
    assert (counted.here, counted.bound) == (5, 5)


async def test_its_limit(stage: Stage) -> None:
    await hire(stage, "t")
    [job_id] = await stage.add(await stage.queue(), 1, expires_at=NOON.replace(hour=13))
    explained = await why(stage, job_id)
    assert [obstacle.code for obstacle in explained.obstacles] == [WhyCode.READY, WhyCode.EXPIRES]
    assert explained.obstacles[1].message == "It fails if it has not started by 2026-01-05 13:00:00 UTC."


async def test_a_job_of_another_project_is_unknown(stage: Stage) -> None:
    other = await stage.other_project()
    [job_id] = await stage.add(await stage.queue())
    with pytest.raises(NotFound):
        await why(stage, job_id, other)


async def test_the_limits_of_its_queue(stage: Stage) -> None:
    await hire(stage, "t")
    queue = await stage.queue(max_concurrent_jobs=2, rate_limit=3)
    await stage.add(queue, 2)
    assert len(await stage.claim(queue)) == 2
    [job_id] = await stage.add(queue)
    explained = await why(stage, job_id)
    assert explained.code is WhyCode.LIMIT_REACHED
    assert explained.message == "2 jobs of queue 'default' run, and its limit is 2 at once."
    await stage.sql("DELETE FROM queue_starts")  # the claim has counted two
    await stage.sql(
        "INSERT INTO queue_starts (queue_id, second, project_id, starts) "
        f"SELECT id, {int(NOON.timestamp()) - 10}, project_id, 3 FROM queues"
    )
    explained = await why(stage, job_id)
    assert [o.code for o in explained.obstacles] == [WhyCode.LIMIT_REACHED, WhyCode.RATE_REACHED]
    assert explained.obstacles[1].message == (
        "3 jobs of queue 'default' have started within a minute, and its rate is 3; "
        "the next may start at 2026-01-05 12:00:51 UTC."
    )
    stage.clock.advance(51)
    assert WhyCode.RATE_REACHED not in await codes(stage, job_id)


async def test_a_breaker_says_until_when(stage: Stage) -> None:
    queue = await stage.queue()
    await stage.know("t")
    signals = LocalSignals(Hub())
    breaking = Breaking(stage.breakers, PauseWork(stage.pauses, stage.queues, signals), signals)
    breaker = await stage.breakers.create(stage.project, "t", BreakerSettings())
    assert breaker is not None
    opened = await breaking.turn(
        breaker, Turn(BreakerState.OPEN, "5 of 9 failed", NOON + timedelta(seconds=30))
    )
    assert opened is not None
    [job_id] = await stage.add(queue)
    answer = await why(stage, job_id)
    assert answer.code is WhyCode.BREAKER_OPEN
    assert answer.message.endswith(
        "is open since 2026-01-05 12:00:00 UTC: 5 of 9 failed; the next jobs are tried at 2026-01-05 12:00:30 UTC."
    )
    [later] = await stage.add(queue, delay_us=60_000_000)
    assert await codes(stage, later) == [WhyCode.SCHEDULED, WhyCode.BREAKER_OPEN]
    tried = await breaking.turn(opened, Turn(BreakerState.HALF_OPEN, "it was open for 30 s"))
    assert tried is not None
    assert "a few of its jobs are tried now" in (await why(stage, job_id)).message
    assert await stage.breakers.let_through(tried, 1, ()) == [queue.id]
    assert WhyCode.BREAKER_OPEN not in await codes(stage, job_id), "it is the one that is tried"
    await breaking.turn(tried, Turn(BreakerState.OPEN, "upkeep"))
    assert WhyCode.BREAKER_OPEN not in await codes(stage, job_id), "that was before a probe"
    again = await stage.breakers.get(stage.project, breaker.id)
    assert again is not None
    await breaking.turn(again, Turn(BreakerState.OPEN, "upkeep"))
    assert "until it is closed by hand" in (await why(stage, job_id)).message
