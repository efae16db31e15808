"""Who is told when a job ends: whatever ends it, once for each end, and whatever dies meanwhile."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from taskforge.domain.access import system
from taskforge.domain.delivery import DELIVER, QUEUE
from taskforge.domain.errors import InvalidInput
from taskforge.domain.ids import JobId
from taskforge.domain.keys import JobKeys
from taskforge.domain.outcome import Failed, Lost, Snoozed, Succeeded
from taskforge.domain.queue import QueueState
from taskforge.domain.receiver import ReceiverKind, Secrets
from taskforge.domain.worker import TaskDescription
from taskforge.ports.acting import acting
from taskforge.storage.bulk import SqlBulkStore
from taskforge.storage.engine import One
from taskforge.storage.notices import SqlNoticeStore
from taskforge.storage.receivers import SqlReceiverStore
from taskforge.storage.telling import Telling
from tests.conformance.stage import BOOM, LEASE, plain_policy, settlement
from tests.conformance.test_alerts import Killed, broken_off

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.outcome import Outcome
    from taskforge.domain.queue import Queue
    from taskforge.domain.receiver import Receiver
    from taskforge.storage.engine import Script
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio
URL = "https://a.example/"


class Desk:
    """The stores of receivers and notices on a stage."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        telling = Telling(stage.jobs, stage.queues, stage.mint)
        self.receivers = SqlReceiverStore(stage.engine, telling, stage.mint)
        self.notices = SqlNoticeStore(stage.engine, telling)

    async def receiver(self, name: str) -> Receiver:
        await self.stage.workers.declare(self.stage.project, [TaskDescription(DELIVER, QUEUE)])
        made = await self.receivers.create(
            self.stage.project, name, ReceiverKind.WEBHOOK, URL, Secrets(URL), 9
        )
        assert made is not None
        return made

    async def told(self) -> list[tuple[str, str, UUID]]:
        """What has been told since the last look, of which job, to whom."""
        before = {one.id for one in await self._deliveries()}
        await self.notices.tell_ended(100)
        return [
            (one.message.type, one.receiver_name, UUID(one.message.data["job_id"]))
            for one in reversed(await self._deliveries())
            if one.id not in before
        ]

    async def _deliveries(self) -> list[Any]:
        return list(await self.receivers.deliveries(self.stage.project, None, 200))


@pytest.fixture
async def desk(stage: Stage) -> AsyncIterator[Desk]:
    with acting(system("test")):
        yield Desk(stage)


async def end(stage: Stage, job: ClaimedJob, outcome: Outcome, attempts: int = 1) -> None:
    """As the link of a worker does that knows the queue."""
    decided = settlement(job, outcome, policy=plain_policy(attempts))
    assert await stage.settle(decided._replace(is_watched=True))


async def test_whatever_ends_a_job_of_a_queue_is_told_once(stage: Stage, desk: Desk) -> None:
    ops = await desk.receiver("ops")
    queue = await stage.queue("exports", notify=(str(ops.id),), max_length=6, on_full="drop_oldest")
    await stage.know("t")
    expected = []
    for outcome, status in ((Succeeded("1"), "succeeded"), (Failed(BOOM), "failed")):
        [job_id] = await stage.add(queue)
        await end(stage, await stage.claim_one(queue), outcome)
        expected.append((f"job.{status}", "ops", job_id))

    [lost] = await stage.add(queue)
    job = await stage.claim_one(queue)
    await stage.jobs.cancel(stage.project, JobId(lost))
    expected.append(("job.cancelled", "ops", lost))
    stage.clock.advance(LEASE + 1)
    decided = settlement(job, Lost(blamed=True, cancel_requested=True), lost_only=True)
    assert await stage.settle(decided._replace(is_watched=True))

    [cancelled] = await stage.add(queue)
    await stage.jobs.cancel(stage.project, JobId(cancelled))
    expected.append(("job.cancelled", "ops", cancelled))
    many = await stage.add(queue, 2)
    await SqlBulkStore(stage.engine).cancel(stage.project, many)
    expected += [("job.cancelled", "ops", job_id) for job_id in many]

    [late] = await stage.add(queue, expires_at=stage.clock.now().replace(minute=5))
    stage.clock.advance(600)
    assert await stage.jobs.expire_waiting(10) == 1
    expected.append(("job.failed", "ops", late))

    oldest, *_ = await stage.add(queue, 6)
    newest = stage.new(queue)
    assert (await stage.accept(newest, queues=[queue])).dropped == 1
    expected.append(("job.failed", "ops", oldest))

    assert sorted(await desk.told()) == sorted(expected)
    reasons = {one.message.data["job_id"]: one.message.data["error_type"] for one in await desk._deliveries()}
    assert (reasons[str(late)], reasons[str(oldest)]) == ("queue_timeout", "queue_full")
    assert reasons[str(expected[1][2])] == BOOM.type
    assert await desk.told() == []


async def test_only_ends_that_are_asked_for_and_each_end_of_a_job(stage: Stage, desk: Desk) -> None:
    ops, desk_, off = [await desk.receiver(name) for name in ("ops", "desk", "off")]
    await desk.receivers.change(replace(off, enabled=False), None)
    named = tuple(str(receiver.id) for receiver in (ops, desk_, off))
    queue = await stage.queue("exports", notify=named, notify_on=("failed",))
    quiet = await stage.queue("quiet")
    await stage.know("t")
    await stage.add(quiet)
    await end(stage, await stage.claim_one(quiet), Failed(BOOM))
    await stage.add(queue)
    await end(stage, await stage.claim_one(queue), Succeeded("1"))
    [job_id] = await stage.add(queue)
    await end(stage, await stage.claim_one(queue), Snoozed(0.0), 2)
    stage.clock.advance(1)
    await stage.jobs.promote(stage.project, 10)
    await end(stage, await stage.claim_one(queue), Failed(BOOM), 2)
    stage.clock.advance(3)
    await stage.jobs.promote(stage.project, 10)
    assert await desk.told() == []
    await end(stage, await stage.claim_one(queue), Failed(BOOM))
    await stage.jobs.retry(stage.project, JobId(job_id), None)  # before anybody was told
    both = [("job.failed", "desk", job_id), ("job.failed", "ops", job_id)]
    assert sorted(await desk.told()) == both
    await end(stage, await stage.claim_one(queue), Failed(BOOM))
    assert sorted(await desk.told()) == both


async def test_who_enqueues_says_who_is_told(stage: Stage, desk: Desk) -> None:
    ops, pager = await desk.receiver("ops"), await desk.receiver("pager")
    queue = await stage.queue("exports", notify=(str(ops.id),))
    await stage.know("t")
    with pytest.raises(InvalidInput, match="no receiver is named 'opps'") as refused:
        await stage.add_keyed(queue, JobKeys(notify=("opps",)))
    assert (refused.value.field, refused.value.hint) == ("notify", "did you mean ops?")
    assert await stage.claim(queue) == []
    job_id = await stage.add_keyed(queue, JobKeys("k", 60_000_000, notify=(str(ops.id),)))
    assert await stage.add_keyed(queue, JobKeys("k", 60_000_000, notify=("pager", "ops"))) == job_id
    assert await desk.told() == []
    await end(stage, await stage.claim_one(queue), Succeeded("1"))
    everybody = [("job.succeeded", "ops", job_id), ("job.succeeded", "pager", job_id)]
    assert sorted(await desk.told()) == everybody  # the queue's own receiver is told once
    assert await stage.add_keyed(queue, JobKeys("k", 60_000_000, notify=("pager",))) == job_id
    assert await desk.told() == everybody[1:]  # it has ended by then
    await desk.receivers.delete(stage.project, pager.id)
    await stage.add_keyed(queue, JobKeys(notify=("ops",)))
    await desk.receivers.delete(stage.project, ops.id)
    await end(stage, await stage.claim_one(queue), Succeeded("1"))
    assert await desk.told() == []


async def test_one_project_that_takes_no_deliveries_keeps_no_other_waiting(stage: Stage, desk: Desk) -> None:
    other = await stage.other_project()
    await stage.queue(QUEUE, state=QueueState.CLOSED, project=other)
    made = await desk.receivers.create(other, "theirs", ReceiverKind.WEBHOOK, URL, Secrets(URL), 9)
    assert made is not None
    theirs = await stage.queue("theirs", project=other, notify=(str(made.id),))
    own = await desk.receiver("ops")
    queue = await stage.queue("exports", notify=(str(own.id),))
    for line in (theirs, queue):
        [job_id] = await stage.add(line)
        await stage.jobs.cancel(line.project_id, JobId(job_id))
        await desk.notices.put(line.project_id, JobId(job_id), [made.id if line is theirs else own.id])
    assert await desk.told() == [("job.cancelled", "ops", job_id)]
    assert len(await stage.sql("SELECT * FROM job_endings")) == 1


async def test_broken_off_behind_any_statement_an_end_is_told_once(
    stage: Stage, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What dies between two lines leaves the job running, or its end to be told: never neither."""
    queue = await stage.queue("exports", notify=(str((await desk.receiver("ops")).id),))
    job = await stage.start(queue)
    run = stage.engine.run

    async def killed_behind(behind: int, step: Callable[[], Awaitable[object]]) -> None:
        def breaking(script: Callable[[], Script[Any]]) -> Awaitable[Any]:
            return run(partial(broken_off, script, behind))

        monkeypatch.setattr(stage.engine, "run", breaking)
        with suppress(Killed):
            await step()
        monkeypatch.setattr(stage.engine, "run", run)

    async def noted() -> int:
        return len(await stage.sql("SELECT * FROM job_endings"))

    played = 0
    while (await stage.job(job.id)).completed_at is None:
        assert await noted() == 0
        played += 1
        await killed_behind(played, partial(end, stage, job, Succeeded("1")))
    assert (played, await noted()) == (3, 1)
    while await noted():
        assert await desk._deliveries() == []
        played += 1
        await killed_behind(played - 3, partial(desk.notices.tell_ended, 100))
    assert played > 8
    assert [one.message.type for one in await desk._deliveries()] == ["job.succeeded"]
    assert await desk.told() == []


async def test_a_queue_keeps_whom_it_tells(stage: Stage, desk: Desk) -> None:
    ops = await desk.receiver("ops")
    queue = await stage.queue("exports")
    [job_id] = await stage.add(queue)
    settings = queue.settings.changed({"notify": [str(ops.id)], "notify_on": ["cancelled"]})
    changed = await stage.write(replace(queue, settings=settings))
    assert changed is not None
    assert changed.settings == settings
    await stage.jobs.cancel(stage.project, JobId(job_id))  # one that waited before the setting
    assert await desk.told() == [("job.cancelled", "ops", job_id)]
    cleared: Queue | None = await stage.write(
        replace(changed, settings=changed.settings.changed({"notify": None}))
    )
    assert cleared is not None
    [job_id] = await stage.add(queue)
    await stage.jobs.cancel(stage.project, JobId(job_id))
    assert await desk.told() == []


async def test_ends_are_taken_a_page_at_a_time(stage: Stage, desk: Desk) -> None:
    queue = await stage.queue("exports", notify=(str((await desk.receiver("ops")).id),))
    await stage.know("t")
    await stage.add(queue, 3)
    for job in await stage.claim(queue):
        await end(stage, job, Succeeded("1"))
    page = One("take_endings", {"project_id": stage.project, "limit": 1})
    assert [len(await stage.engine.call(page)) for _ in range(4)] == [1, 1, 1, 0]
