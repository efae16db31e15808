"""Failures that are the same stand together: counted, judged, brought back, run once more."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.domain.access import system
from taskforge.domain.error_group import MOST_VALUES, OTHERS, ErrorStatus
from taskforge.domain.errors import InvalidInput, NotFound
from taskforge.domain.job import JobStatus
from taskforge.domain.operation import OperationStatus
from taskforge.domain.outcome import Cancelled, ErrorReport, Failed, Lost, Snoozed, Succeeded
from taskforge.ports.acting import acting
from taskforge.ports.history import JobFilter
from taskforge.services.bulk import Bulk
from taskforge.services.error_groups import ErrorGroups
from taskforge.services.operations import Operations, OperationSteps
from taskforge.services.recording import Recording
from taskforge.storage import errors as storage_of_errors
from taskforge.storage.bulk import SqlBulkStore
from taskforge.storage.errors import SqlErrorKeeper, SqlErrorStore
from taskforge.storage.operations import SqlOperationStore
from taskforge.storage.recording import SqlRecordKeeper
from tests.conformance.stage import NOON, make_engine, plain_policy, settlement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.domain.error_group import ErrorGroup
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.queue import Queue
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


def report(
    function: str, error_type: str = "ValueError", line: int = 7, message: str = "boom"
) -> ErrorReport:
    trace = f'Traceback (most recent call last):\n  File "/srv/app/tasks.py", line {line}, in {function}\n{error_type}: {message}'
    return ErrorReport(error_type, message, trace)


class Desk:
    """The error groups of a stage, and a server that carries out operations."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.recording = Recording(SqlRecordKeeper(stage.engine), SqlErrorKeeper(stage.engine, stage.mint))
        store = SqlOperationStore(stage.engine)
        self.operations = Operations(store, self._bulk(stage.project), stage.project, stage.mint)
        no_backfill: Any = None
        self.steps = OperationSteps(store, stage.queues, self._bulk, no_backfill)
        self.errors = self.of(stage.project)

    def of(self, project_id: ProjectId) -> ErrorGroups:
        store = SqlErrorStore(self.stage.engine)
        return ErrorGroups(store, self.stage.queues, self.recording, self.operations, project_id)

    def _bulk(self, project_id: ProjectId) -> Bulk:
        stage = self.stage
        return Bulk(SqlBulkStore(stage.engine), stage.jobs, stage.history, LocalSignals(Hub()), project_id)

    async def fail(self, queue: Queue, error: ErrorReport, count: int = 1, **values: Any) -> list[ClaimedJob]:
        """Jobs that have failed so, for good."""
        job_type = values.pop("job_type", "t")
        await self.stage.know(job_type)
        await self.stage.add(queue, count, job_type, **values)
        jobs = await self.stage.claim(queue, free=count, types=[job_type])
        assert len(jobs) == count
        await self.settle(jobs, error)
        return jobs

    async def settle(self, jobs: Sequence[ClaimedJob], error: ErrorReport) -> None:
        policy = plain_policy(1)
        await self.stage.settle(*(settlement(job, Failed(error, final=True), policy=policy) for job in jobs))

    async def only(self) -> ErrorGroup:
        [group] = await self.errors.list()
        return group


@pytest.fixture
def desk(stage: Stage) -> Desk:
    return Desk(stage)


async def test_a_thousand_failures_of_three_kinds_are_three_groups_and_one_is_redriven(desk: Desk) -> None:
    stage = desk.stage
    queue, other = await stage.queue(), await stage.queue("other")
    kinds = {"charge": 500, "refund": 300, "mail": 200}
    for number, (function, count) in enumerate(kinds.items()):
        for half, where in enumerate((queue, other)):
            stage.clock.advance(60)
            error = report(function, line=10 * number + half, message=f"{function} {half}")
            await desk.fail(where, error, count // 2, tags=f'["tenant-{half}"]')
    found = await desk.errors.list()
    assert [(group.sample.frames[-1], group.failures) for group in found] == [
        ("app/tasks.py: mail", 200),
        ("app/tasks.py: refund", 300),
        ("app/tasks.py: charge", 500),
    ]
    charge = await desk.errors.get(found[-1].id)
    assert (charge.status, charge.is_open, charge.sample.error_type) == (ErrorStatus.NEW, True, "ValueError")
    assert charge.sample.traceback is not None
    assert "in charge" in charge.sample.traceback
    assert (charge.first_seen, charge.last_seen) == (
        NOON + timedelta(seconds=60),
        NOON + timedelta(seconds=120),
    )
    assert charge.tasks == {"t": 500}
    assert charge.queue_ids == {str(queue.id): 250, str(other.id): 250}
    assert charge.tags == {"tenant-0": 250, "tenant-1": 250}
    assert charge.hours == {NOON: 500}
    with acting(system("ani")):
        begun = await desk.errors.redrive(charge.id, per_second=100)
    assert begun.counted == 500
    seconds = 0.0
    while (due := await desk.steps.take()) is not None:
        seconds += due
        stage.clock.advance(due)
    ended = await desk.operations.find(begun.id)
    assert ended is not None
    assert (ended.status, ended.done) == (OperationStatus.SUCCEEDED, 500)
    assert seconds >= 4.0, "at its rate"
    counts = await stage.history.counts(stage.project)
    assert (counts[JobStatus.PENDING], counts[JobStatus.FAILED]) == (500, 500)
    left = JobFilter(fingerprint=charge.fingerprint, statuses=[JobStatus.FAILED], limit=1000)
    assert await stage.history.job_ids(stage.project, left) == []


async def test_a_redrive_is_stopped_where_it_is(desk: Desk) -> None:
    queue = await desk.stage.queue()
    await desk.fail(queue, report("charge"), 30)
    group = await desk.only()
    with acting(system("ani")):
        begun = await desk.errors.redrive(group.id, per_second=10)
        assert await desk.steps.take() == 0.0
        await desk.operations.cancel(begun.id)
    assert await desk.steps.take() is None
    counts = await desk.stage.history.counts(desk.stage.project)
    assert (counts[JobStatus.PENDING], counts[JobStatus.FAILED]) == (10, 20)


async def test_what_was_resolved_returns_by_a_later_failure_only(desk: Desk) -> None:
    stage = desk.stage
    queue = await stage.queue()
    [first] = await desk.fail(queue, report("charge", message="first"))
    group = await desk.only()
    await stage.add(queue, 2)
    early, late = await stage.claim(queue, free=2)
    stage.clock.advance(5)
    await desk.settle([early], report("charge", message="early"))
    stage.clock.advance(5)
    with acting(system("ani")):
        resolved = await desk.errors.resolve(group.id)
    assert (resolved.status, resolved.is_open, resolved.status_by) == (ErrorStatus.RESOLVED, False, "ani")
    assert (await desk.only()).failures == 2
    assert (await desk.only()).status is ErrorStatus.RESOLVED
    stage.clock.advance(5)
    await desk.settle([late], report("charge", line=99, message="late"))
    returned = await desk.errors.get(group.id)
    assert (returned.status, returned.failures, returned.status_by) == (ErrorStatus.RETURNED, 3, None)
    assert returned.returned_at == returned.last_seen == NOON + timedelta(seconds=15)
    assert (returned.sample.message, returned.job_id) == ("late", late.id)
    assert first.id != late.id
    with acting(system("ani")):
        assert (await desk.errors.reopen(group.id)).status is ErrorStatus.NEW
    entries = await stage.sql(
        "SELECT action, resource_id FROM audit_entries WHERE action LIKE 'error.%' ORDER BY id"
    )
    assert [entry[0] for entry in entries] == ["error.resolve", "error.reopen"]
    assert {str(entry[1]) for entry in entries} == {str(group.id)}


async def test_a_muted_group_counts_on_and_speaks_again_when_its_time_is_over(desk: Desk) -> None:
    stage = desk.stage
    queue = await stage.queue()
    await desk.fail(queue, report("charge"))
    group = await desk.only()
    with acting(system("ani")):
        await desk.errors.mute(group.id, NOON + timedelta(seconds=60))
    await desk.fail(queue, report("charge"))
    assert ((await desk.only()).status, (await desk.only()).failures) == (ErrorStatus.MUTED, 2)
    stage.clock.advance(61)
    await desk.fail(queue, report("charge"))
    assert (await desk.only()).status is ErrorStatus.RETURNED
    with acting(system("ani")):
        await desk.errors.mute(group.id)
        stage.clock.advance(10**6)
        await desk.fail(queue, report("charge"))
        muted = await desk.only()
        assert (muted.status, muted.muted_until) == (ErrorStatus.MUTED, None)
        assert len(muted.hours) == 1, "older hours are forgotten"
        with pytest.raises(InvalidInput, match="zone"):
            await desk.errors.mute(group.id, NOON.replace(tzinfo=None))


async def test_only_failures_are_counted_and_each_attempt_is(desk: Desk) -> None:
    stage = desk.stage
    queue = await stage.queue()
    for outcome in (Succeeded("1"), Snoozed(60), Cancelled("by its task")):
        assert await stage.finish(await stage.start(queue), outcome)
    assert not await desk.recording._errors.has_unfolded()
    job = await stage.start(queue)
    assert await stage.finish(job, Failed(report("charge")), policy=plain_policy(2))
    lost = await stage.start(queue)
    stage.clock.advance(3600)
    forged = lost._replace(claim_seq=lost.claim_seq + 1)
    assert not await stage.finish(forged, Failed(report("forged")))
    assert await stage.finish(lost, Lost(blamed=True))
    found = {group.sample.error_type: group for group in await desk.errors.list()}
    assert {name: group.failures for name, group in found.items()} == {"ValueError": 1, "WorkerLost": 1}
    assert found["ValueError"].execution_id == job.execution_id
    assert await desk.errors.list([ErrorStatus.RESOLVED]) == []
    assert len(await desk.errors.list([ErrorStatus.NEW], job_type="t")) == 2
    assert await desk.errors.list(job_type="other") == []


async def test_every_project_has_its_own(desk: Desk) -> None:
    stage = desk.stage
    other = await stage.other_project()
    await desk.fail(await stage.queue(), report("charge"))
    group = await desk.only()
    theirs = desk.of(other)
    assert await theirs.list() == []
    assert await theirs.find(group.id) is None
    with acting(system("ani")):
        for verb in (theirs.resolve, theirs.mute, theirs.reopen, theirs.redrive):
            with pytest.raises(NotFound):
                await verb(group.id)
    assert (await desk.only()).status is ErrorStatus.NEW


async def test_kinds_beyond_the_bound_are_counted_together(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_of_errors, "MOST_GROUPS", 3)
    queue = await desk.stage.queue()
    for number in range(5):
        await desk.fail(queue, report(f"f{number}"), tags=f'["{number}"]')
        if number % 2:
            await desk.recording.fold_failures()
    await desk.fail(queue, report("f1"))
    found = await desk.errors.list()
    assert {group.sample.error_type: group.failures for group in found if group.failures > 1} == {
        "ValueError": 2,
        OTHERS: 2,
    }
    assert len(found) == 4


async def test_names_of_a_group_are_bounded(desk: Desk) -> None:
    queue = await desk.stage.queue()
    await desk.stage.know("t")
    tags = [f'["common", "{number}"]' for number in range(MOST_VALUES + 20)]
    for tag in tags:
        await desk.stage.add(queue, 1, tags=tag)
    await desk.settle(await desk.stage.claim(queue, free=len(tags)), report("charge"))
    group = await desk.only()
    assert len(group.tags) == MOST_VALUES
    assert group.tags["common"] == len(tags)


async def test_processes_that_fold_at_once_count_each_failure_once(desk: Desk) -> None:
    stage = desk.stage
    queue = await stage.queue()
    await desk.fail(queue, report("charge"), 120)
    await desk.fail(queue, report("refund"), 80)
    engines = [make_engine(stage.url, stage.clock) for _ in range(3)]
    try:
        keepers = [SqlErrorKeeper(engine, stage.mint) for engine in engines]

        async def fold(keeper: SqlErrorKeeper) -> None:
            while await keeper.has_unfolded():
                await keeper.fold(17)

        await asyncio.gather(*(fold(keeper) for keeper in keepers))
    finally:
        for engine in engines:
            await engine.close()
    assert sorted(group.failures for group in await desk.errors.list()) == [80, 120]


async def test_groups_that_fail_no_more_are_forgotten(desk: Desk) -> None:
    await desk.fail(await desk.stage.queue(), report("charge"))
    await desk.only()
    keeper = SqlErrorKeeper(desk.stage.engine, desk.stage.mint)
    desk.stage.clock.advance(3600)
    await keeper.forget(timedelta(hours=2), 10)
    await desk.only()
    await keeper.forget(timedelta(minutes=30), 10)
    assert await desk.errors.list() == []


async def test_a_sample_that_is_gone_leaves_a_group_without_words(desk: Desk) -> None:
    [job] = await desk.fail(await desk.stage.queue(), report("charge"))
    await desk.stage.sql("DELETE FROM executions")
    group = await desk.only()
    assert (group.sample.error_type, group.failures, group.job_id) == ("", 1, job.id)
