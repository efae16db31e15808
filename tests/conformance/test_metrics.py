"""What attempts add up to: a load with known durations and waits, read in every way, before and after folding."""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.domain.errors import InvalidInput, NotFound
from taskforge.domain.histogram import RELATIVE_ERROR, exact_percentile
from taskforge.domain.ids import JobId, QueueId
from taskforge.domain.metrics import HOUR, MINUTE, Period, TaskFigures
from taskforge.domain.outcome import Cancelled, Failed, Lost, Released, Report, Snoozed, Succeeded
from taskforge.domain.worker import TaskUsage, Usage
from taskforge.ports.history import JobFilter
from taskforge.ports.record import Level
from taskforge.services.direct_link import DirectLink, LinkOptions
from taskforge.services.directory import QueueDirectory
from taskforge.services.metrics import Metrics
from taskforge.services.recording import Recording
from taskforge.storage.codec import retry_policy_of
from taskforge.storage.errors import SqlErrorKeeper
from taskforge.storage.metrics import SqlMetricsStore
from taskforge.storage.recording import SqlRecordKeeper
from tests.conformance.stage import (
    BOOM,
    NOON,
    OTHER_WORKER,
    WORKER,
    make_engine,
    plain_policy,
    registration,
    settlement,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.outcome import Outcome
    from taskforge.domain.queue import Queue
    from taskforge.ports.jobs import Settlement
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

TODAY = Period(NOON - HOUR, NOON + HOUR)
MINUTES = [Level(MINUTE, TODAY.start, TODAY.end)]


def metrics_of(stage: Stage) -> Metrics:
    return Metrics(SqlMetricsStore(stage.engine), stage.queues, stage.project)


def recording_of(stage: Stage) -> Recording:
    return Recording(SqlRecordKeeper(stage.engine), SqlErrorKeeper(stage.engine, stage.mint))


def ended(job: ClaimedJob, outcome: Outcome, duration_us: int | None, wait_us: int | None) -> Settlement:
    return settlement(job, outcome)._replace(duration_us=duration_us, wait_us=wait_us, waited_us=wait_us)


async def run_all(stage: Stage, queue: Queue, durations: Sequence[int], job_type: str = "t") -> None:
    """Jobs that took so long (microseconds), settled in batches, five seconds after each other."""
    await stage.know(job_type)
    await stage.add(queue, len(durations), job_type)
    jobs = await stage.claim(queue, free=len(durations), types=[job_type])
    assert len(jobs) == len(durations)
    for begin in range(0, len(jobs), 50):
        stage.clock.advance(5)
        batch = zip(jobs[begin : begin + 50], durations[begin : begin + 50], strict=True)
        await stage.settle(*(ended(job, Succeeded("1"), took, 1_000) for job, took in batch))


async def test_a_queue_without_runs_has_a_rate_and_no_times(stage: Stage) -> None:
    queue = await stage.queue()
    found = await metrics_of(stage).queue(queue.id, TODAY)
    assert (found.total_executions, found.success_rate, found.exact) == (0, 100.0, True)
    assert (found.avg_duration, found.p95_duration, found.p99_wait) == (None, None, None)
    assert (found.queue_name, found.running_executions) == ("default", 0)
    assert (found.period_start, found.period_end) == (TODAY.start, TODAY.end)
    assert await metrics_of(stage).job_types(TODAY) == []


async def test_a_running_attempt_counts_when_it_ends(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    found = await metrics_of(stage).queue(queue.id, TODAY)
    assert (found.total_executions, found.running_executions) == (0, 1)
    stage.clock.advance(2)
    assert await stage.finish(job, Succeeded("1"))
    found = await metrics_of(stage).queue(queue.id, TODAY)
    assert (found.total_executions, found.running_executions) == (1, 0)
    assert (found.avg_duration, found.p99_duration) == (2.0, 2.0)


async def test_percentiles_of_a_known_load(stage: Stage) -> None:
    chosen = random.Random(11)
    durations = [round(chosen.lognormvariate(10, 1.5)) for _ in range(400)]
    queue = await stage.queue()
    await run_all(stage, queue, durations)
    ordered = sorted(durations)

    def right(part: float) -> float:
        value = exact_percentile(ordered, part)
        assert value is not None
        return value / 1000

    metrics = metrics_of(stage)
    for is_folded in (False, True):
        if is_folded:
            assert await recording_of(stage).fold() == 8
        exact = await metrics.queue(queue.id, TODAY)
        assert exact.exact
        assert (exact.total_executions, exact.successful_executions) == (400, 400)
        assert exact.avg_duration == pytest.approx(sum(durations) / 400_000)
        assert [exact.p50_duration, exact.p95_duration, exact.p99_duration] == [
            right(0.5),
            right(0.95),
            right(0.99),
        ]
        stage.clock.advance(3 * 3600)
        folded = await metrics.queue(queue.id, TODAY)
        stage.clock.advance(-3 * 3600)
        assert not folded.exact
        assert folded.total_executions == 400
        assert folded.avg_duration == pytest.approx(sum(durations) / 400_000)
        assert folded.p50_duration == pytest.approx(right(0.5), rel=RELATIVE_ERROR)
        assert folded.p95_duration == pytest.approx(right(0.95), rel=RELATIVE_ERROR)
        assert folded.p99_duration == pytest.approx(right(0.99), rel=RELATIVE_ERROR)


async def test_every_kind_of_end_counts_as_what_it_is(stage: Stage) -> None:
    queue, graves = await stage.queue(), await stage.queue("graves")
    once = plain_policy(1, dead_letters=graves)
    ends: list[tuple[Outcome, bool]] = [
        (Succeeded("1"), False),
        (Failed(BOOM), False),  # retry_scheduled
        (Failed(BOOM), True),  # dead_letter
        (Cancelled("no"), False),
        (Snoozed(9), False),
        (Lost(blamed=True), False),
        (Released(), False),
    ]
    for outcome, is_last in ends:
        job = await stage.start(queue)
        settled = settlement(job, outcome, policy=once if is_last else None)
        if isinstance(outcome, Lost):  # it has told nothing
            settled = ended(job, outcome, None, None)
        assert await stage.settle(settled) == {job.execution_id}
        if isinstance(outcome, Lost):
            await stage.jobs.cancel(stage.project, JobId(job.id))
    for _ in range(2):
        found = await metrics_of(stage).queue(queue.id, TODAY)
        assert (found.total_executions, found.successful_executions, found.failed_executions) == (4, 1, 3)
        assert found.cancelled_executions == 3
        assert found.success_rate == 25.0
        assert found.avg_duration == 2.0
        await recording_of(stage).fold()


async def test_only_settlements_that_hold_their_fence_count(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    for outcome in (Succeeded("1"), Failed(BOOM)):
        stale = ended(job, outcome, 5, 5)._replace(claim_seq=job.claim_seq + 1)
        assert await stage.settle(stale) == frozenset()
    assert await stage.finish(job, Succeeded("1"))
    assert not await stage.finish(job, Succeeded("1"))
    found = await metrics_of(stage).queue(queue.id, TODAY)
    assert (found.total_executions, found.failed_executions) == (1, 0)


async def work_off(stage: Stage, link: DirectLink, outcome: Outcome, wait_us: int = 1_000) -> None:
    """One attempt of a worker."""
    [attempt] = (await link.claim(1, 0)).attempts
    await link.settle([Report(attempt.job.execution_id, outcome, wait_us, 7)])


async def worker_link(stage: Stage) -> DirectLink:
    """A registered worker's link."""
    link = DirectLink(
        jobs=stage.jobs,
        workers=stage.workers,
        directory=QueueDirectory(stage.queues, stage.project, retry_policy_of),
        signals=LocalSignals(Hub()),
        mint=stage.mint,
        options=LinkOptions(),
    )
    await link.register(registration("w", "t"))
    return link


async def test_a_wait_begins_when_a_job_is_due(stage: Stage) -> None:
    queue = await stage.queue(aging_seconds=60)
    link = await worker_link(stage)
    await stage.add(queue, 1, priority=3, delay_us=10_000_000)
    stage.clock.advance(14)
    await work_off(stage, link, Failed(BOOM, retry_after=3))  # due again three seconds later
    stage.clock.advance(5)
    await work_off(stage, link, Succeeded("1"))
    found = await metrics_of(stage).queue(queue.id, TODAY)
    assert (found.p50_wait, found.p99_wait) == (2_001.0, 4_001.0)


async def test_a_wait_is_never_longer_than_the_job_is_old(stage: Stage) -> None:
    queue = await stage.queue(aging_seconds=60)
    link = await worker_link(stage)
    [job_id] = await stage.add(queue, 1, priority=3)
    await stage.sql(f"UPDATE jobs SET rank = 0 WHERE id = '{job_id}'")
    born = datetime.fromtimestamp((job_id.int >> 80) / 1000, UTC)
    stage.clock.time = born + timedelta(seconds=4)
    await work_off(stage, link, Succeeded("1"), 0)
    assert (await metrics_of(stage).queue(queue.id, Period(born, born + MINUTE))).avg_wait == 4_000.0


async def test_exact_periods_begin_and_end_to_the_microsecond(stage: Stage) -> None:
    queue = await stage.queue()
    await run_all(stage, queue, [1_000] * 150)  # fifty each at 5, 10 and 15 s
    tick = timedelta(microseconds=1)
    for _ in range(2):
        for start, end, count in (
            (5 * timedelta(seconds=1), 15 * timedelta(seconds=1), 100),
            (5 * timedelta(seconds=1) + tick, 15 * timedelta(seconds=1) + tick, 100),
            (5 * timedelta(seconds=1) + tick, 15 * timedelta(seconds=1), 50),
        ):
            found = await metrics_of(stage).queue(queue.id, Period(NOON + start, NOON + end))
            assert (found.total_executions, found.exact) == (count, True)
        await recording_of(stage).fold()


async def test_types_workers_and_projects_are_kept_apart(stage: Stage) -> None:
    first, second = await stage.queue("first"), await stage.queue("second")
    await stage.know("t", "u")
    for queue, job_type, worker, count in (
        (first, "t", WORKER, 3),
        (first, "u", WORKER, 2),
        (second, "t", OTHER_WORKER, 1),
    ):
        await stage.add(queue, count, job_type)
        for job in await stage.claim(queue, types=[job_type], worker=worker):
            assert await stage.finish(job, Succeeded("1"))
    metrics = metrics_of(stage)
    other = Metrics(SqlMetricsStore(stage.engine), stage.queues, await stage.other_project())
    for is_folded in (False, True):
        if is_folded:
            await recording_of(stage).fold()
        assert [(q.queue_name, q.total_executions) for q in await metrics.queues(TODAY)] == [
            ("first", 5),
            ("second", 1),
        ]
        types = [(t.job_type, t.total_executions) for t in await metrics.job_types(TODAY)]
        assert types == [("t", 4), ("u", 2)]
        of_first = await metrics.job_types(TODAY, queue_id=first.id)
        assert [(t.job_type, t.total_executions) for t in of_first] == [("t", 3), ("u", 2)]
        assert (await metrics.project(TODAY)).total_executions == 6
        assert (await other.project(TODAY)).total_executions == 0
        parts = await SqlMetricsStore(stage.engine).parts(stage.project, [WORKER], MINUTES, by_type=False)
        assert sum(part.succeeded for part in parts) == 5
        for strange in (metrics.queue(QueueId(UUID(int=9)), TODAY), other.queue(first.id, TODAY)):
            with pytest.raises(NotFound):
                await strange


async def test_a_worker_and_its_name(stage: Stage) -> None:
    queue = await stage.queue()
    stage.clock.advance(-3600)
    await stage.know("t")
    [registered] = await stage.workers.list(stage.project)
    await stage.add(queue, 4)
    stage.clock.advance(3600)
    for job in await stage.claim(queue, free=3, worker=registered.id):
        assert await stage.finish(job, Succeeded("1"))
    metrics = metrics_of(stage)
    for found in (
        await metrics.worker(registered.id, TODAY),
        await metrics.worker_named(registered.name, TODAY),
        (await metrics.workers(TODAY))[0],
        (await metrics.workers(TODAY, queue_id=queue.id))[0],
    ):
        assert (found.worker_id, found.worker_name) == (registered.id, registered.name)
        assert (found.jobs_processed, found.success_rate, found.avg_processing_time) == (3, 100.0, 2.0)
        assert (found.cpu_usage, found.memory_usage) == (None, None)
    with pytest.raises(NotFound):
        await metrics.worker_named("nobody", TODAY)
    with pytest.raises(NotFound):
        await metrics.worker(UUID(int=3), TODAY)


async def test_what_executions_used_is_kept_by_queue_and_type(stage: Stage) -> None:
    queue, other = await stage.queue(), await stage.queue("other")
    await stage.know("t", "u")
    [registered] = await stage.workers.list(stage.project)
    for job_type in ("t", "u"):
        await stage.add(queue, 1, job_type)
        [job] = await stage.claim(queue, types=[job_type], worker=registered.id)
        assert await stage.finish(job, Succeeded("1"))
    for cpu, memory in ((4_000, 7), (8_000, None)):
        stage.clock.advance(30)
        tasks = [
            TaskUsage(queue.id, "t", 2, cpu, cpu - 1_000, memory),
            TaskUsage(other.id, "t", 1, 500, 500, None),
        ]
        await stage.workers.note_usage(registered.id, Usage(50.0, 10, 1.0, tasks))
    metrics = metrics_of(stage)
    in_queue = TaskFigures(
        job_type="t", measured_executions=4, avg_cpu_time=3.0, max_cpu_time=7.0, peak_memory_bytes=7
    )
    everywhere = replace(in_queue, measured_executions=6, avg_cpu_time=13 / 6)
    [of_t, of_u] = await metrics.job_types(TODAY, queue_id=queue.id)
    assert (of_t.usage, of_u.usage) == (in_queue, None)
    assert (await metrics.job_types(TODAY))[0].usage == everywhere
    worker = await metrics.worker(registered.id, TODAY)
    assert (worker.tasks, worker.cpu_usage) == ([everywhere], 50.0)
    series = await metrics.task_usage(queue.id, TODAY, "t")
    assert [(point.cpu_us, point.peak_memory_bytes) for point in series] == [(4_000, 7), (8_000, None)]
    assert series[1].sampled_at - series[0].sampled_at == timedelta(seconds=30)
    assert await metrics.task_usage(queue.id, TODAY, "u") == []
    strange = Metrics(SqlMetricsStore(stage.engine), stage.queues, await stage.other_project())
    with pytest.raises(NotFound):
        await strange.task_usage(queue.id, TODAY)
    stage.clock.advance(15 * 86_400)
    await SqlRecordKeeper(stage.engine).forget(100)
    assert (await stage.sql("SELECT count(*) FROM task_samples"))[0][0] == 0


async def test_folding_loses_nothing_and_counts_nothing_twice(stage: Stage) -> None:
    """Two processes fold while jobs are settled and figures are read."""
    queue = await stage.queue()
    await stage.know("t")
    await stage.add(queue, 300)
    jobs = await stage.claim(queue, free=300)
    metrics = metrics_of(stage)
    engines = [make_engine(stage.url, stage.clock) for _ in range(2)]
    is_over = asyncio.Event()

    async def fold(keeper: SqlRecordKeeper) -> None:
        while not is_over.is_set():
            await keeper.fold(3)
            await asyncio.sleep(0)

    async def read() -> None:
        last = 0
        while not is_over.is_set():
            total = (await metrics.queue(queue.id, TODAY)).total_executions
            parts = await SqlMetricsStore(stage.engine).parts(
                stage.project, [queue.id], MINUTES, by_type=True
            )
            assert last <= total <= sum(part.succeeded for part in parts) <= 300
            last = total

    others = [
        asyncio.create_task(work) for work in (*(fold(SqlRecordKeeper(engine)) for engine in engines), read())
    ]
    for begin in range(0, 300, 3):
        await stage.settle(*(settlement(job, Succeeded("1")) for job in jobs[begin : begin + 3]))
        stage.clock.advance(1)
    is_over.set()
    await asyncio.gather(*others)
    await recording_of(stage).fold()
    for span, job_type in itertools.product((60, 3600, 86400), ("t", "")):
        [row] = await stage.sql(
            f"SELECT sum(succeeded), sum(duration_us) FROM attempt_metrics WHERE span_seconds = {span}"
            f" AND subject_id = '{queue.id}' AND job_type = '{job_type}'"
        )
        assert tuple(map(int, row)) == (300, 600_000)
    assert (await metrics.queue(queue.id, TODAY)).total_executions == 300
    for engine in engines:
        await engine.close()


async def test_long_periods_are_whole_hours_with_whole_minutes_beside_them(stage: Stage) -> None:
    queue = await stage.queue()
    for minutes in (0, 59, 60, 125, 180):
        stage.clock.time = NOON + timedelta(minutes=minutes)
        job = await stage.start(queue)
        assert await stage.finish(job, Succeeded("1"))
    stage.clock.advance(3600 * 8)
    metrics = metrics_of(stage)
    for _ in range(2):
        found = await metrics.queue(queue.id, Period(NOON + MINUTE, NOON + timedelta(minutes=180, seconds=1)))
        assert (found.total_executions, found.exact) == (4, False)
        assert (found.period_start, found.period_end) == (
            NOON + MINUTE,
            NOON + timedelta(minutes=181),
        )
        series = await metrics.throughput(Period(NOON, NOON + 4 * HOUR), step=HOUR)
        assert [point.succeeded for point in series] == [2, 1, 1, 1]
        assert (series[0].failure_rate, series[0].avg_duration) == (0.0, 2.0)
        minutely = await metrics.throughput(Period(NOON, NOON + 61 * MINUTE), queue_id=queue.id)
        assert [number for number, point in enumerate(minutely) if point.succeeded] == [0, 59, 60]
        assert await metrics.trends() == []  # the last hour has nothing
        await recording_of(stage).fold()
    stage.clock.advance(3600 * 24 * 8)
    found = await metrics.queue(queue.id, Period(NOON + MINUTE, NOON + 2 * HOUR))
    assert (found.period_start, found.total_executions) == (NOON, 3)


async def test_the_last_hour_of_each_queue_goes_in_steps_of_five_minutes(stage: Stage) -> None:
    busy, idle = await stage.queue(), await stage.queue("idle")
    assert idle.id != busy.id
    for minutes in (-1, 0, 1, 4, 59):
        stage.clock.time = NOON + timedelta(minutes=minutes)
        assert await stage.finish(await stage.start(busy), Succeeded("1"))
    stage.clock.time = NOON + timedelta(minutes=59, seconds=30)
    for _ in range(2):
        [trend] = await metrics_of(stage).trends()
        assert (trend.queue_id, trend.starts_at, trend.step) == (busy.id, NOON, 5 * MINUTE)
        assert trend.succeeded == [3, *[0] * 10, 1]
        assert trend.failed == [0] * 12
        await recording_of(stage).fold()


async def test_what_a_queue_holds_is_sampled_once_a_minute(stage: Stage) -> None:
    queue, idle = await stage.queue(aging_seconds=60), await stage.queue("idle")
    await stage.know("t")
    metrics, keeper = metrics_of(stage), SqlRecordKeeper(stage.engine)
    await stage.add(queue, 2)
    await stage.add(queue, 1, "unknown")
    await stage.add(queue, 1, delay_us=10**12)
    stage.clock.advance(30)
    await stage.add(queue, 1, priority=9)
    job = await stage.claim_one(queue)
    assert job.priority == 9
    stage.clock.advance(5)
    now = await metrics.depth(queue.id)
    assert (now.ready, now.held, now.scheduled, now.processing, now.latency_seconds) == (2, 1, 1, 1, 35.0)
    assert await keeper.sample_queues(10) == 2
    assert await keeper.sample_queues(10) == 0
    for job_id in await stage.history.job_ids(stage.project, JobFilter()):
        await stage.jobs.cancel(stage.project, job_id)
    assert await stage.finish(job, Succeeded("1"))
    for _ in range(3):
        stage.clock.advance(60)
        await keeper.sample_queues(10)
    minutes = [
        (point.starts_at, point.ready, point.latency_seconds)
        for point in await metrics.depths(queue.id, TODAY)
    ]
    assert minutes == [(NOON, 2, 35.0), (NOON + MINUTE, 0, 0.0)]
    assert await metrics.depths(idle.id, TODAY) == []


async def test_the_oldest_ready_job_is_found_behind_higher_priorities(stage: Stage) -> None:
    strict = await stage.queue()
    await stage.know("t")
    await stage.add(strict, 1, priority=0)
    stage.clock.advance(10)
    await stage.add(strict, 600, priority=9)
    assert (await metrics_of(stage).depth(strict.id)).latency_seconds == 10.0


async def test_what_is_old_is_forgotten(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    assert await stage.finish(job, Succeeded("1"))
    waiting = await stage.start(queue)
    keeper = SqlRecordKeeper(stage.engine)
    await keeper.fold(10)
    await keeper.sample_queues(10)
    tables = ("attempt_samples", "attempt_metrics", "queue_samples")

    async def rows() -> list[int]:
        return [(await stage.sql(f"SELECT count(*) FROM {table}"))[0][0] for table in tables]

    assert await rows() == [1, 11, 1]
    ages = ((1, [1, 11, 1]), (4, [0, 11, 1]), (24 * 7, [0, 8, 1]), (24 * 14, [0, 8, 0]), (24 * 91, [0, 5, 0]))
    for hours, left in (*ages, (24 * 401, [0, 2, 0])):  # those of all time stay with their queue
        stage.clock.time = NOON + timedelta(hours=hours + 2)
        await keeper.forget(100)
        assert await rows() == left
    assert await stage.finish(waiting, Succeeded("1"))


@pytest.mark.parametrize("hours", [0, -1, 10**9])
async def test_hours_are_checked(stage: Stage, hours: float) -> None:
    with pytest.raises(InvalidInput):
        await metrics_of(stage).last(hours)
