"""Hypothesis drives the stores and the model side by side and compares all that can be seen after each step."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from taskforge.coordination.local import Hub, LocalSignals
from taskforge.domain.errors import Conflict, QueueClosed
from taskforge.domain.ids import JobId, WorkerId
from taskforge.domain.job import MAX_LOSSES, ClaimedJob, JobStatus
from taskforge.domain.outcome import Cancelled, Failed, Lost, Outcome, Released, Snoozed, Succeeded
from taskforge.domain.pause import PauseKind
from taskforge.domain.queue import QueueState
from taskforge.ports.history import JobFilter
from taskforge.services.pauses import PauseWork
from taskforge.services.processes import this_machine
from tests.conformance.stage import (
    BOOM,
    LEASE,
    NOON,
    PROCESS,
    Stage,
    beat_of,
    plain_policy,
    registration,
    settlement,
)
from tests.model.model import DELAY_AFTER_FAILURE, Model, ModelJob, ModelQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from uuid import UUID

    from taskforge.domain.job import Job
    from taskforge.domain.queue import Queue

T = TypeVar("T")

TYPES = ("t", "u")
QUEUES = 3
WORKERS = 3
ORIGIN = round(NOON.timestamp() * 1_000_000)
TABLES = (
    "concurrency_keys",
    "log_lines",
    "executions",
    "jobs",
    "workers",
    "tasks",
    "pauses",
    "queue_starts",
    "queue_gates",
    "queues",
)
OUTCOMES: dict[str, Outcome] = {
    "succeed": Succeeded("1"),
    "fail": Failed(BOOM, retry_after=DELAY_AFTER_FAILURE),
    "dead": Failed(BOOM, final=True),
    "snooze": Snoozed(7),
    "release": Released(),
    "cancel": Cancelled("asked"),
}
SECONDS = st.integers(0, 40)


def pid_of(worker: UUID) -> int:
    """A process id that tells the workers apart."""
    return worker.int & 0x7FFFFFFF


class StoreMachine(RuleBasedStateMachine):
    """One database, emptied for each example. Numbers choose among what there is, so that examples shrink."""

    def __init__(self, url: str, make_stage: Callable[[str], Stage] = Stage) -> None:
        super().__init__()
        logging.getLogger("taskforge.recovery").setLevel(logging.ERROR)
        self.runner = asyncio.Runner()
        self.url = url
        self.stage = make_stage(url)
        self.model = Model()
        self.claims: list[ClaimedJob] = []
        self.owners: dict[UUID, UUID] = {}
        self.seqs: dict[UUID, int] = {}
        self.workers: list[WorkerId] = []
        self.queues: list[Queue] = []
        self.ids: list[UUID] = []
        self.dead_pids: set[int] = set()
        self.unswept: set[UUID] = set()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.do(self.stage.close())
        self.runner.close()

    @initialize()
    def set_up(self) -> None:
        self.do(self._set_up())

    async def _set_up(self) -> None:
        stage = self.stage
        for table in TABLES:
            if table == "queues":
                await stage.sql("UPDATE queues SET dead_letter_queue_id = NULL")
            await stage.sql(f"DELETE FROM {table}")
        first = await stage.queue("first", priority=0)
        second = await stage.queue("second", priority=5, aging_seconds=10)
        third = await stage.queue("third", priority=5, dead_letter_queue_id=first.id)
        self.queues = [first, second, third]
        for queue in self.queues:
            self.model.queues[queue.id] = ModelQueue(
                queue.id,
                queue.priority,
                queue.settings.aging_microseconds // 1_000_000,
                queue.settings.dead_letter_queue_id,
            )
        for number in range(WORKERS):
            await self._register(number)
        await stage.know("t")
        self.model.known_types.add("t")

    async def _register(self, number: int) -> None:
        worker = WorkerId(self.stage.mint())
        process = replace(PROCESS, machine=this_machine() or "unknown", pid=pid_of(worker))
        await self.stage.workers.register(
            self.stage.project, worker, registration(f"w{worker}", process=process), round(LEASE * 1e6)
        )
        self.workers[number : number + 1] = [worker]

    # Rules

    @rule(
        queue=st.integers(0, QUEUES - 1),
        kind=st.sampled_from(TYPES),
        priority=st.sampled_from([0, 0, 1, 9]),
        max_attempts=st.integers(1, 3),
        delay=st.none() | SECONDS,
        expires=st.none() | SECONDS,
        deadline=st.none() | SECONDS,
    )
    def enqueue(self, queue: int, kind: str, priority: int, max_attempts: int, **times: int | None) -> None:
        self._accept([(queue, kind, priority, max_attempts, times)])

    @rule(
        jobs=st.lists(
            st.tuples(st.integers(0, QUEUES - 1), st.sampled_from(TYPES), st.integers(0, 9)),
            min_size=2,
            max_size=6,
        )
    )
    def bulk(self, jobs: list[tuple[int, str, int]]) -> None:
        self._accept([(queue, kind, priority, 2, {}) for queue, kind, priority in jobs])

    def _accept(self, jobs: Sequence[tuple[int, str, int, int, dict[str, int | None]]]) -> None:
        """All or nothing, as the model says."""
        new = []
        for queue, kind, priority, max_attempts, times in jobs:
            delay, expires, deadline = (times.get(name) for name in ("delay", "expires", "deadline"))
            new.append(
                self.stage.new(
                    self.queues[queue],
                    kind,
                    priority=priority,
                    max_attempts=max_attempts,
                    delay_us=None if delay is None else delay * 1_000_000,
                    expires_at=self._time(None if expires is None else self.model.now + expires),
                    deadline=self._time(None if deadline is None else self.model.now + deadline),
                )
            )
        try:
            self.do(self.stage.jobs.accept_all(self.stage.project, new))
        except QueueClosed:
            assert any(self.model.queues[job.queue_id].state == "closed" for job in new)
            return
        for job, (_, kind, priority, max_attempts, times) in zip(new, jobs, strict=True):
            now = self.model.now
            assert self.model.accept(
                job.id,
                job.queue_id,
                kind,
                priority=priority,
                max_attempts=max_attempts,
                delay=times.get("delay"),
                expires=None if times.get("expires") is None else now + (times["expires"] or 0),
                deadline=None if times.get("deadline") is None else now + (times["deadline"] or 0),
                origin=ORIGIN,
            )
            self.ids.append(job.id)

    @precondition(lambda self: "u" not in self.model.known_types)
    @rule()
    def learn(self) -> None:
        self.do(self.stage.know("u"))
        self.model.known_types.add("u")

    @rule(
        worker=st.integers(0, WORKERS - 1),
        queues=st.sets(st.integers(0, QUEUES - 1), min_size=1),
        types=st.sampled_from([TYPES, TYPES, ("t",), ("u",), ()]),
        free=st.sampled_from([5, 3, 2, 1, 0]),
        suspects=st.integers(0, 1),
    )
    def claim(self, worker: int, queues: set[int], types: tuple[str, ...], free: int, suspects: int) -> None:
        chosen = [self.queues[number] for number in queues]
        claimed = self.do(
            self.stage.claim(*chosen, free=free, suspects=suspects, types=types, worker=self.workers[worker])
        )
        expected = self.model.claim([queue.id for queue in chosen], types, free, suspects)
        assert {job.id for job in claimed} == {job.id for job in expected}
        for job in sorted(claimed, key=lambda job: job.id):  # PostgreSQL answers in any order
            known = self.model.jobs[job.id]
            self.model.take(known, self.workers[worker], job.execution_id, round(LEASE))
            assert (job.claim_seq, job.attempt, job.losses) == (known.seq, known.attempts, known.losses)
            assert job.execution_id not in self.owners
            self.owners[job.execution_id] = self.workers[worker]
            self.claims.append(job)

    @precondition(lambda self: self.ids)
    @rule(worker=st.integers(0, WORKERS - 1), free=st.sampled_from([5, 2, 0]))
    def claim_anything(self, worker: int, free: int) -> None:
        self.claim(worker, set(range(QUEUES)), TYPES, free, 1)

    @precondition(lambda self: self.ids)
    @rule(worker=st.integers(0, WORKERS - 1), end=st.sampled_from(sorted(OUTCOMES)))
    def work_through(self, worker: int, end: str) -> None:
        self.claim(worker, set(range(QUEUES)), TYPES, 5, 1)
        held = {
            number: end
            for number, job in enumerate(reversed(self.claims))
            if self.model.holds(job.id, job.claim_seq, job.execution_id)
        }
        if held:
            self.settle(held)

    def _claim(self, number: int) -> ClaimedJob:
        """Any claim there ever was, rather one of the last."""
        return self.claims[-1 - number % len(self.claims)]

    @precondition(lambda self: self.claims)
    @rule(numbers=st.sets(st.integers(0, 30), min_size=1, max_size=4))
    def beat(self, numbers: set[int]) -> None:
        jobs = {job.execution_id: job for job in map(self._claim, numbers)}
        worker = WorkerId(self.owners[next(iter(jobs))])
        answer = self.do(self.stage.beat(*(beat_of(job) for job in jobs.values()), worker=worker))
        alive = {
            job.execution_id
            for job in jobs.values()
            if self.model.holds(job.id, job.claim_seq, job.execution_id)
        }
        assert answer.alive == alive
        asked = {found for found in alive if self.model.beat(jobs[found].id, round(LEASE))}
        assert answer.cancel == asked

    @precondition(lambda self: self.claims)
    @rule(ends=st.dictionaries(st.integers(0, 30), st.sampled_from(sorted(OUTCOMES)), min_size=1, max_size=4))
    def settle(self, ends: dict[int, str]) -> None:
        batch = {self._claim(number).execution_id: (self._claim(number), end) for number, end in ends.items()}
        settlements = [
            settlement(job, OUTCOMES[end], policy=self._policy(job)) for job, end in batch.values()
        ]
        settled = self.do(self.stage.settle(*settlements))
        expected = {
            execution
            for execution, (job, _) in batch.items()
            if self.model.holds(job.id, job.claim_seq, execution)
        }
        assert settled == expected
        for execution, (job, end) in batch.items():
            if execution in expected:
                self.model.settle(job.id, end, ORIGIN)
        self.model.give(job.concurrency_key for execution, (job, _) in batch.items() if execution in expected)

    @precondition(lambda self: self.claims)
    @rule(number=st.integers(0, 30))
    def lose_too_early(self, number: int) -> None:
        """What recovery decided from an old look does nothing to a lease that still runs."""
        job = self._claim(number)
        known = self.model.jobs.get(job.id)
        lapsed = (
            known is not None
            and self.model.holds(job.id, job.claim_seq, job.execution_id)
            and known.lease_until is not None
            and known.lease_until < self.model.now
        )
        if not lapsed:
            lost = settlement(job, Lost(blamed=True), policy=self._policy(job), lost_only=True)
            assert self.do(self.stage.settle(lost)) == frozenset()

    @precondition(lambda self: self.ids)
    @rule(number=st.integers(0, 30))
    def cancel(self, number: int) -> None:
        job_id = JobId(self.ids[-1 - number % len(self.ids)])
        assert self.do(self.stage.jobs.cancel(self.stage.project, job_id)) == self.model.cancel(job_id)

    @precondition(lambda self: any(job.status == "processing" for job in self.model.jobs.values()))
    @rule()
    def cancel_all_that_run(self) -> None:
        for number, job_id in enumerate(reversed(self.ids)):
            if job_id in self.model.jobs and self.model.jobs[job_id].status == "processing":
                self.cancel(number)

    @precondition(lambda self: self.ids)
    @rule(number=st.integers(0, 30), queue=st.none() | st.integers(0, QUEUES - 1))
    def retry(self, number: int, queue: int | None) -> None:
        job_id = JobId(self.ids[-1 - number % len(self.ids)])
        target = None if queue is None else self.queues[queue].id
        try:
            answer = self.do(self.stage.jobs.retry(self.stage.project, job_id, target))
        except Conflict:
            assert self.model.is_taken(job_id)
            return
        assert answer == self.model.retry(job_id, target, ORIGIN)

    @precondition(lambda self: self.ids)
    @rule(number=st.integers(0, 30))
    def delete(self, number: int) -> None:
        job_id = JobId(self.ids[-1 - number % len(self.ids)])
        assert self.do(self.stage.jobs.delete(self.stage.project, job_id)) == self.model.delete(job_id)

    @precondition(lambda self: self.ids)
    @rule(
        queue=st.integers(0, QUEUES - 1),
        state=st.sampled_from([QueueState.ACTIVE, QueueState.ACTIVE, QueueState.PAUSED, QueueState.CLOSED]),
    )
    def set_state(self, queue: int, state: QueueState) -> None:
        self.queues[queue] = replace(self.queues[queue], state=state)
        assert self.do(self.stage.write(self.queues[queue])) is not None
        self.model.queues[self.queues[queue].id].state = state.value

    @precondition(lambda self: self.ids)
    @rule(kind=st.sampled_from(TYPES))
    def pause_or_resume(self, kind: str) -> None:
        resumed = kind in self.model.paused_types
        project = self.stage.project
        if resumed:
            pause = self.do(self.stage.pauses.remove(project, PauseKind.TYPE, kind))
            assert pause is not None
        else:
            pause, is_new = self.do(self.stage.pauses.create(project, PauseKind.TYPE, kind, "why", "who"))
            assert is_new
        in_line = sum(job.type == kind and job.hold == "key" for job in self.model.jobs.values())
        changed = self.do(self._pause_work().carry_out(pause))
        if resumed:
            assert changed == self.model.resume(kind)
        else:  # who is offered a place meanwhile is held at that, and not counted
            assert 0 <= self.model.pause(kind) - changed <= in_line

    def _pause_work(self) -> PauseWork:
        return PauseWork(self.stage.pauses, self.stage.queues, LocalSignals(Hub()))

    @rule(
        queue=st.integers(0, QUEUES - 1),
        limit=st.none() | st.integers(1, 4),
        rate=st.none() | st.integers(1, 6),
    )
    def set_rule(self, queue: int, limit: int | None, rate: int | None) -> None:
        known = self.queues[queue]
        settings = replace(known.settings, max_concurrent_jobs=limit, rate_limit=rate)
        written = self.do(self.stage.write(replace(known, settings=settings)))
        assert written is not None
        self.queues[queue] = written
        self.model.queues[known.id].limit = limit
        self.model.queues[known.id].rate = rate

    @precondition(lambda self: self.ids)
    @rule(seconds=st.sampled_from([1, 4, 7, 10, 29, 31, 100]))
    def wait(self, seconds: int) -> None:
        self.stage.clock.advance(seconds)
        self.model.now += seconds

    @precondition(lambda self: any(job.status == "scheduled" for job in self.model.jobs.values()))
    @rule()
    def promote(self) -> None:
        assert self.do(self.stage.jobs.promote(None, 1000)) == self.model.promote()

    @precondition(lambda self: any(job.status == "processing" for job in self.model.jobs.values()))
    @rule(number=st.integers(0, WORKERS - 1))
    def crash(self, number: int) -> None:
        worker = self.workers[number]
        self.dead_pids.add(pid_of(worker))
        self.unswept.add(worker)
        self.do(self._register(number))

    @precondition(lambda self: self.ids)
    @rule()
    def crash_all_and_sweep(self) -> None:
        for number in range(WORKERS):
            self.crash(number)
        self.sweep()

    @precondition(lambda self: self.ids)
    @rule()
    def sweep(self) -> None:
        stage, model = self.stage, self.model
        recovery = stage.recovery()
        late, held = bool(model.late()), bool(model.held())
        with patch("taskforge.services.recovery.is_alive", lambda process: process.pid not in self.dead_pids):
            swept = self.do(recovery.sweep())
        assert swept.rescued == model.rescue(self.unswept, ORIGIN)
        assert swept.promoted == model.promote()
        assert swept.expired == (model.expire() if late else 0)
        assert swept.released == (model.release() if held else 0)
        self.unswept.clear()

    # What always holds

    @invariant()
    def all_that_is_seen_is_as_the_model_says(self) -> None:
        if self.queues:
            seen = self.do(self.stage.history.jobs(self.stage.project, JobFilter(limit=100_000)))
            self._check_jobs(seen)
            self._check_rows(seen)
            self._check_executions(seen)
            self._check_counts()

    def _check_jobs(self, seen: Sequence[Job]) -> None:
        assert {job.id: self._shown(job) for job in seen} == {
            job.id: self._expected(job) for job in self.model.jobs.values()
        }

    def _check_rows(self, seen: Sequence[Job]) -> None:
        for job in seen:
            assert job.status.is_finished == (job.completed_at is not None), "I1"
            assert (job.status is JobStatus.PROCESSING) == (job.lease_until is not None), "I2, I3, I6"
            if job.status is JobStatus.PROCESSING:
                assert job.execution_id in self.owners
                assert job.worker_id == self.owners[job.execution_id]
            assert job.claim_seq >= self.seqs.get(job.id, 0), "I4"
            self.seqs[job.id] = job.claim_seq
            assert 0 <= job.attempt_count <= job.max_attempts, "I5"
            assert 0 <= job.losses <= MAX_LOSSES, "I5"
        fences = {(job.id, job.claim_seq) for job in self.claims}
        assert len(fences) == len(self.claims), "I2, I4: no claim_seq is given out twice"

    def _check_executions(self, seen: Sequence[Job]) -> None:
        rows = self.do(
            self.stage.sql("SELECT job_id, claim_seq, status, reason, attempt_number, id FROM executions")
        )
        stored: dict[str, list[tuple[Any, ...]]] = {}
        for row in rows:
            stored.setdefault(str(row[0]), []).append(tuple(row)[1:5])
        assert {job_id: sorted(found) for job_id, found in stored.items()} == {
            str(job.id): sorted(job.ended) for job in self.model.jobs.values() if job.ended
        }
        ended = {str(row[5]) for row in rows}
        live = {str(job.execution_id) for job in seen if job.status is JobStatus.PROCESSING}
        assert not live & ended, "I3: what is processing has not ended"

    def _check_counts(self) -> None:
        counts = self.do(self.stage.history.counts(self.stage.project))
        assert sum(counts.values()) == len(self.model.jobs), "I8"
        for status, count in counts.items():
            assert count == len([job for job in self.model.jobs.values() if job.status == status])

    def _policy(self, job: ClaimedJob) -> Any:
        assert job.max_attempts is not None
        letters = self.model.queues[job.queue_id].letters
        policy = plain_policy(job.max_attempts * (1 + job.manual_retries))
        return replace(policy, dead_letter_queue_id=letters)

    def _time(self, seconds: int | None) -> Any:
        return None if seconds is None else NOON + timedelta(seconds=seconds)

    def _shown(self, job: Job) -> tuple[Any, ...]:
        processing = job.status is JobStatus.PROCESSING
        return (
            job.status.value,
            job.hold,
            job.queue_id,
            job.attempt_count,
            job.max_attempts,
            job.losses,
            job.claim_seq,
            job.scheduled_for,
            job.expires_at,
            job.timeout_at,
            job.worker_id if processing else None,
            job.lease_until,
            job.cancel_requested_at is not None,
            job.failure,
            job.dead_letter_queue_id,
            job.completed_at,
        )

    def _expected(self, job: ModelJob) -> tuple[Any, ...]:
        return (
            job.status,
            job.hold,
            job.queue,
            job.attempts,
            job.budget,
            job.losses,
            job.seq,
            self._time(job.due),
            self._time(job.expires),
            self._time(job.deadline),
            job.worker if job.status == "processing" else None,
            self._time(job.lease_until),
            job.cancel_requested,
            job.failure,
            job.letters,
            self._time(job.completed),
        )
