"""Bulk operations in the background: step by step, by whichever server is there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.domain.access import Permission, Principal, PrincipalKind
from taskforge.domain.errors import Conflict, InvalidInput, NotFound, Unavailable
from taskforge.domain.ids import DEFAULT_ORGANIZATION, QueueId
from taskforge.domain.job import JobStatus
from taskforge.domain.operation import BulkAction, OperationStatus
from taskforge.domain.queue import QueueState
from taskforge.ports.acting import acting
from taskforge.ports.history import JobFilter, PayloadCondition
from taskforge.ports.operations import Advance
from taskforge.services.bulk import Bulk, BulkOrder
from taskforge.services.operations import MOST_RUNNING, STEP_SECONDS, Operations, OperationSteps
from taskforge.storage.bulk import SqlBulkStore
from taskforge.storage.operations import SqlOperationStore, chosen_of, chosen_to_json
from taskforge.storage.retention import SqlRetentionStore
from tests.conformance.stage import NOON

if TYPE_CHECKING:
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.operation import Operation
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

ANI = Principal(
    PrincipalKind.USER,
    UUID(int=7),
    "ani",
    DEFAULT_ORGANIZATION,
    permissions=frozenset({Permission.JOB_WRITE}),
)


class Desk:
    """Operations on a stage, and a server that takes their steps."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.store = SqlOperationStore(stage.engine)
        self.operations = Operations(self.store, self._bulk(stage.project), stage.project, stage.mint)
        no_backfill: Any = None
        self.steps = OperationSteps(self.store, stage.queues, self._bulk, no_backfill)

    def _bulk(self, project_id: ProjectId) -> Bulk:
        stage = self.stage
        return Bulk(SqlBulkStore(stage.engine), stage.jobs, stage.history, LocalSignals(Hub()), project_id)

    async def begin(
        self, action: BulkAction, chosen: JobFilter | None = None, per_second: int | None = None
    ) -> Operation:
        with acting(ANI, address="10.0.0.7", request_id="r1"):
            return await self.operations.begin(BulkOrder(action, chosen or JobFilter()), per_second)

    async def work(self) -> float | None:
        """Steps, until none is due at the moment; in how many seconds the next is."""
        while (due := await self.steps.take()) == 0.0:
            pass
        return due

    async def look(self, operation: Operation) -> Operation:
        found = await self.operations.find(operation.id)
        assert found is not None
        return found


@pytest.fixture
def desk(stage: Stage) -> Desk:
    return Desk(stage)


async def test_an_operation_is_counted_carried_out_and_told_as_its_initiators(desk: Desk) -> None:
    stage = desk.stage
    queue, other = await stage.queue(), await stage.queue("other")
    await stage.add(queue, 1200)
    await stage.add(other, 3)
    begun = await desk.begin(BulkAction.CANCEL, JobFilter(queue_ids=[queue.id]))
    assert (begun.status, begun.counted, begun.is_bounded) == (OperationStatus.RUNNING, 1200, False)
    [later] = await stage.add(queue, 1)
    assert await desk.work() is None
    ended = await desk.look(begun)
    assert (ended.status, ended.done, ended.skipped) == (OperationStatus.SUCCEEDED, 1200, 0)
    assert ended.completed_at is not None
    job = await stage.history.job(stage.project, later)
    assert job is not None
    assert job.status is JobStatus.PENDING, "made after the beginning"
    counts = await stage.history.counts(stage.project)
    assert (counts[JobStatus.CANCELLED], counts[JobStatus.PENDING]) == (1200, 4)
    entries = await stage.sql(
        "SELECT action, actor_label, address, request_id FROM audit_entries WHERE action IN ('operation.create', 'jobs.cancel')"
    )
    assert {tuple(entry) for entry in entries} == {
        ("operation.create", "ani", "10.0.0.7", "r1"),
        ("jobs.cancel", "ani", "10.0.0.7", "r1"),
    }


async def test_one_that_is_named_by_ids_meets_no_others(desk: Desk) -> None:
    stage = desk.stage
    queue = await stage.queue()
    ids = await stage.add(queue, 6)
    begun = await desk.begin(BulkAction.DELETE, JobFilter(ids=[ids[1], ids[4], UUID(int=3)]))
    assert begun.counted == 2
    await desk.work()
    left = await stage.history.job_ids(stage.project, JobFilter())
    assert sorted(left) == [ids[0], ids[2], ids[3], ids[5]]


async def test_a_rate_is_kept(desk: Desk) -> None:
    stage = desk.stage
    queue = await stage.queue()
    await stage.add(queue, 25)
    begun = await desk.begin(BulkAction.CANCEL, per_second=10)
    for expected in (10, 20, 25):
        due = await desk.work()
        assert (await desk.look(begun)).done == expected
        stage.clock.advance(due or 0.0)
        assert due is None or due == pytest.approx(1.0)
    assert (await desk.look(begun)).status is OperationStatus.SUCCEEDED


async def test_what_was_cancelled_goes_no_further_and_tells_its_last_step(desk: Desk) -> None:
    stage = desk.stage
    queue = await stage.queue()
    await stage.add(queue, 30)
    begun = await desk.begin(BulkAction.CANCEL, per_second=10)
    await desk.work()
    stage.clock.advance(1)
    step = await desk.store.take(1_000_000)
    assert step is not None
    with acting(ANI):
        await desk.operations.cancel(begun.id)
        assert (await desk.operations.cancel(begun.id)).status is OperationStatus.CANCELLED
    await desk.store.advance(step, Advance(10, 0, step.place))
    ended = await desk.look(begun)
    assert (ended.status, ended.done) == (OperationStatus.CANCELLED, 20)
    stage.clock.advance(STEP_SECONDS)
    assert await desk.work() is None


async def test_a_server_that_dies_leaves_its_step_to_another(desk: Desk) -> None:
    stage = desk.stage
    queue = await stage.queue()
    await stage.add(queue, 5)
    begun = await desk.begin(BulkAction.CANCEL)
    lost = await desk.store.take(round(STEP_SECONDS * 1e6))
    assert lost is not None
    assert await desk.work() == pytest.approx(STEP_SECONDS)
    stage.clock.advance(STEP_SECONDS)
    await desk.work()
    await desk.store.advance(lost, Advance(7, 7, lost.place))  # it was only slow: nobody asks for it any more
    ended = await desk.look(begun)
    assert (ended.status, ended.done, ended.skipped) == (OperationStatus.SUCCEEDED, 5, 0)


async def test_one_that_cannot_go_on_says_why(desk: Desk) -> None:
    stage = desk.stage
    queue, target = await stage.queue(), await stage.queue("target")
    await stage.add(queue, 2)
    with acting(ANI):
        chosen = JobFilter(queue_ids=[queue.id])
        begun = await desk.operations.begin(BulkOrder(BulkAction.MOVE, chosen, target))
    await stage.write(replace(target, state=QueueState.CLOSED))
    await desk.work()
    ended = await desk.look(begun)
    assert ended.status is OperationStatus.FAILED
    assert "closed" in (ended.failure or "")


async def test_a_database_that_is_away_fails_no_operation(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = await desk.stage.queue()
    await desk.stage.add(queue, 2)
    begun = await desk.begin(BulkAction.CANCEL)

    async def away(*_: object) -> None:
        raise Unavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(Bulk, "step", away)
        with pytest.raises(Unavailable):
            await desk.steps.take()
    desk.stage.clock.advance(STEP_SECONDS)
    await desk.work()
    assert (await desk.look(begun)).done == 2


async def test_a_project_has_so_many_at_once(desk: Desk) -> None:
    for _ in range(MOST_RUNNING):
        await desk.begin(BulkAction.CANCEL)
    with pytest.raises(Conflict, match="run already"):
        await desk.begin(BulkAction.CANCEL)
    await desk.work()
    await desk.begin(BulkAction.CANCEL)
    assert len(await desk.operations.list()) == MOST_RUNNING + 1


async def test_what_is_wrong_is_refused(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="per_second"):
        await desk.begin(BulkAction.CANCEL, per_second=0)
    with pytest.raises(NotFound), acting(ANI):
        await desk.operations.cancel(UUID(int=4))
    begun = await desk.begin(BulkAction.CANCEL)
    await desk.work()
    with pytest.raises(Conflict, match="succeeded"), acting(ANI):
        await desk.operations.cancel(begun.id)


async def test_ended_ones_are_forgotten_in_time(desk: Desk) -> None:
    retention = SqlRetentionStore(desk.stage.engine)
    ended, running = await desk.begin(BulkAction.CANCEL), None
    await desk.work()
    running = await desk.begin(BulkAction.CANCEL)
    desk.stage.clock.advance(10)
    for keep_us, left in ((11_000_000, {ended.id, running.id}), (10_000_000, {running.id})):
        await retention.forget_requests(keep_us)
        assert {operation.id for operation in await desk.operations.list()} == left


_ids = st.lists(st.uuids(), max_size=3)
_texts = st.text(min_size=1, max_size=9)


@settings(max_examples=50)
@given(
    st.builds(
        JobFilter,
        ids=st.none() | _ids,
        queue_ids=st.none() | _ids.map(lambda found: [QueueId(queue_id) for queue_id in found]),
        statuses=st.none() | st.lists(st.sampled_from(JobStatus)),
        job_type=st.none() | _texts,
        tag=st.none() | _texts,
        created_from=st.none() | st.just(NOON),
        scheduled_to=st.none() | st.just(NOON),
        dead_letter_queue_id=st.none() | st.uuids().map(QueueId),
        payload=st.none() | st.builds(PayloadCondition, st.lists(_texts).map(tuple), _texts),
        error_text=st.none() | _texts,
    )
)
def test_a_filter_is_kept_as_it_was_said(chosen: JobFilter) -> None:
    assert chosen_of(chosen_to_json(chosen)) == chosen
