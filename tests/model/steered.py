"""The machine with what people do to jobs that wait: other times, other queues, many at once; and with lines of
concurrency keys. After each step recovery's one question is answered as the model says, and nobody waits beside a free
place."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from taskforge.domain.errors import QueueClosed
from taskforge.domain.ids import JobId
from taskforge.domain.keys import JobKeys
from taskforge.ports.jobs import Chore, Outlook
from taskforge.storage.bulk import SqlBulkStore
from tests.conformance.stage import NOON
from tests.model.machine import ORIGIN, QUEUES, SECONDS, TYPES, StoreMachine
from tests.model.model import FINISHED, SECOND

if TYPE_CHECKING:
    from uuid import UUID

SOON = 5
SOME = st.sets(st.integers(0, 30), min_size=1, max_size=5)


class SteeredMachine(StoreMachine):
    """Rules of control and of lines, beside those of work and recovery."""

    @rule(
        queue=st.integers(0, QUEUES - 1),
        kind=st.sampled_from(TYPES),
        priority=st.sampled_from([0, 0, 9]),
        line=st.sampled_from("ab"),
        places=st.sampled_from([1, 1, 2]),
        count=st.integers(1, 3),
        delay=st.none() | SECONDS,
        expires=st.none() | SECONDS,
    )
    def enqueue_into_a_line(
        self,
        queue: int,
        kind: str,
        priority: int,
        line: str,
        places: int,
        count: int,
        delay: int | None,
        expires: int | None,
    ) -> None:
        jobs = [
            self.stage.new(
                self.queues[queue],
                kind,
                priority=priority,
                max_attempts=2,
                delay_us=None if delay is None else delay * SECOND,
                expires_at=self._time(None if expires is None else self.model.now + expires),
            )
            for _ in range(count)
        ]
        keys = {job.id: JobKeys(concurrency_key=line, concurrency_limit=places) for job in jobs}
        try:
            self.do(self.stage.accept(*jobs, keys=keys))
        except QueueClosed:
            assert self.model.queues[self.queues[queue].id].state == "closed"
            return
        for job in jobs:
            assert self.model.accept(
                job.id,
                job.queue_id,
                kind,
                priority=priority,
                max_attempts=2,
                delay=delay,
                expires=None if expires is None else self.model.now + expires,
                deadline=None,
                origin=ORIGIN,
                line=line,
                places=places,
            )
            self.ids.append(job.id)

    def _some(self, numbers: set[int]) -> list[UUID]:
        return [*{self.ids[-1 - number % len(self.ids)] for number in numbers}]

    @precondition(lambda self: self.ids)
    @rule(number=st.integers(0, 30), seconds=SECONDS)
    def reschedule(self, number: int, seconds: int) -> None:
        [job_id] = self._some({number})
        due = self.model.now + seconds
        answer = self.do(
            self.stage.jobs.reschedule(self.stage.project, JobId(job_id), NOON + timedelta(seconds=due))
        )
        assert answer == self.model.reschedule(job_id, due, ORIGIN)

    @precondition(lambda self: self.ids)
    @rule(numbers=SOME, queue=st.integers(0, QUEUES - 1))
    def move(self, numbers: set[int], queue: int) -> None:
        ids, target = self._some(numbers), self.queues[queue].id
        moved = self.do(SqlBulkStore(self.stage.engine).move(self.stage.project, ids, target))
        assert moved == self.model.move(ids, target)

    @precondition(lambda self: self.ids)
    @rule(numbers=SOME, act=st.sampled_from(["cancel", "retry", "delete"]))
    def many_at_once(self, numbers: set[int], act: str) -> None:
        ids, bulk, project = self._some(numbers), SqlBulkStore(self.stage.engine), self.stage.project
        if act == "cancel":
            changed = self.do(bulk.cancel(project, ids))
        elif act == "retry":
            changed = self.do(bulk.retry(project, ids, None))
        else:
            changed = self.do(bulk.delete(project, ids))
        assert changed == self.model.bulk(act, ids, ORIGIN)

    @invariant()
    def nobody_waits_beside_a_free_place(self) -> None:
        if self.queues:
            assert self.do(self.stage.jobs.keys_out_of_step(None, 100)) == ([], None)
            kept = self.do(self.stage.sql("SELECT key, places FROM concurrency_keys"))
            assert {row[0]: row[1] for row in kept} == self.model.places

    @invariant()
    def what_there_is_to_do_is_told(self) -> None:
        """What the look does not tell, no sweep does."""
        if self.queues:
            found = self.do(self.stage.jobs.outlook("", 10**12, SOON * SECOND))
            self._check_recovery(found)
            self._check_chores(found)

    def _check_recovery(self, found: Outlook) -> None:
        model, now = self.model, self.model.now
        jobs = list(model.jobs.values())
        assert found.expired_leases == any(
            job.lease_until is not None and job.lease_until < now for job in jobs
        )
        assert found.due == any(_is_due(job.status, job.due, now) for job in jobs)
        assert found.late == bool(model.late())
        assert found.held == bool(model.held())
        assert found.keyed == bool(model.places)
        assert not found.unfinished_pauses

    def _check_chores(self, found: Outlook) -> None:
        model, soon = self.model, self.model.now + SOON
        lanes = [(job, model.queues[job.queue]) for job in model.jobs.values()]
        able = [
            lane
            for job, lane in lanes
            if job.status == "pending" and job.hold in (None, "suspect") and lane.state != "paused"
        ]
        comes = any(lane.state != "paused" and _is_due(job.status, job.due, soon) for job, lane in lanes)
        assert found.ready == (bool(able) or comes)
        assert (Chore.COMPARE in found.chores) == any(not lane.is_ruled for lane in able)
        assert (Chore.SAMPLE in found.chores) == any(job.status not in FINISHED for job, _ in lanes)


def _is_due(status: str, due: int | None, moment: int) -> bool:
    return status == "scheduled" and due is not None and due <= moment
