"""What the store should do, in plain Python: a dict of jobs and a clock that counts whole seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from taskforge.domain.job import MAX_LOSSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

SECOND = 1_000_000
DELAY_AFTER_FAILURE = 4
FINISHED = {"succeeded", "failed", "cancelled"}
WAITING = {"pending", "scheduled"}


@dataclass
class ModelQueue:
    """A queue; ``aging`` is seconds, ``letters`` its dead-letter queue."""

    id: UUID
    priority: int
    aging: int
    letters: UUID | None
    state: str = "active"
    limit: int | None = None
    rate: int | None = None

    @property
    def is_ruled(self) -> bool:
        return self.limit is not None or self.rate is not None


@dataclass
class ModelJob:
    """A job. Times are seconds, ``ended`` are its stored executions: (claim_seq, status, reason, attempt).

    ``line`` is its concurrency key, ``places`` how many of that may run, ``key`` its unique key.
    """

    id: UUID
    queue: UUID
    type: str
    priority: int
    max_attempts: int
    status: str
    hold: str | None
    rank: int
    due: int | None
    expires: int | None
    deadline: int | None
    waits_until: int | None = None
    attempts: int = 0
    losses: int = 0
    manual_retries: int = 0
    seq: int = 0
    execution: UUID | None = None
    worker: UUID | None = None
    lease_until: int | None = None
    cancel_requested: bool = False
    failure: str | None = None
    letters: UUID | None = None
    completed: int | None = None
    line: str | None = None
    places: int = 1
    key: str | None = None
    created: int = 0
    ended: list[tuple[int, str, str | None, int]] = field(default_factory=list)

    @property
    def budget(self) -> int:
        return self.max_attempts * (1 + self.manual_retries)

    @property
    def order(self) -> tuple[int, UUID]:
        return self.rank, self.id

    def finish(self, status: str, now: int) -> None:
        self.status, self.completed, self.hold = status, now, None


class Model:
    """All of one project."""

    def __init__(self) -> None:
        self.now = 0
        self.jobs: dict[UUID, ModelJob] = {}
        self.queues: dict[UUID, ModelQueue] = {}
        self.known_types: set[str] = set()
        self.paused_types: set[str] = set()
        self.places: dict[str, int] = {}
        self.starts: list[tuple[UUID, int]] = []

    def rank(self, queue: UUID, due: int, priority: int, origin: int) -> int:
        return origin + due * SECOND - priority * self.queues[queue].aging * SECOND

    def accept(
        self,
        job_id: UUID,
        queue: UUID,
        job_type: str,
        *,
        priority: int,
        max_attempts: int,
        delay: int | None,
        expires: int | None,
        deadline: int | None,
        origin: int,
        line: str | None = None,
        places: int = 1,
        key: str | None = None,
    ) -> bool:
        if self.queues[queue].state == "closed":
            return False
        due = None if delay is None else self.now + delay
        limits = [limit for limit in (expires, deadline) if limit is not None]
        job = self.jobs[job_id] = ModelJob(
            id=job_id,
            queue=queue,
            type=job_type,
            priority=priority,
            max_attempts=max_attempts,
            status="scheduled" if due is not None and due > self.now else "pending",
            hold=None,
            rank=self.rank(queue, self.now if due is None else due, priority, origin),
            due=due,
            expires=expires,
            deadline=deadline,
            waits_until=min(limits, default=None),
            line=line,
            places=places,
            key=key,
            created=self.now,
        )
        job.hold = self._hold(job)
        self._open(job)
        return True

    def claim(self, queues: Iterable[UUID], types: Sequence[str], free: int, suspects: int) -> list[ModelJob]:
        """What a claim takes; ``take`` then says by whom."""
        lanes = sorted(
            (self.queues[queue] for queue in queues), key=lambda queue: (-queue.priority, queue.id)
        )
        chosen: list[ModelJob] = []
        for _, group in groupby(lanes, lambda lane: lane.id if lane.is_ruled else None):
            able, room = [], free - len(chosen)
            for lane in group:
                room = min(room, self.room(lane))
                able += self._lane(lane.id, types) if lane.state != "paused" else []
            left = suspects - sum(1 for job in chosen if job.losses)
            suspected = [job for job in able if job.hold == "suspect"][: max(0, min(room, left))]
            chosen += suspected
            chosen += [job for job in able if job.hold is None][: max(0, room - len(suspected))]
        return chosen

    def room(self, queue: ModelQueue) -> int:
        """How many jobs of a queue may start now."""
        running = sum(1 for job in self.jobs.values() if job.queue == queue.id and job.status == "processing")
        started = sum(1 for where, when in self.starts if where == queue.id and when >= self.now - 60)
        rooms = [
            bound - used
            for bound, used in ((queue.limit, running), (queue.rate, started))
            if bound is not None
        ]
        return min(rooms, default=1_000_000)

    def take(self, job: ModelJob, worker: UUID, execution: UUID, lease: int) -> None:
        if self.queues[job.queue].rate is not None:
            self.starts.append((job.queue, self.now))
        job.status, job.hold = "processing", None
        job.seq += 1
        job.attempts += 1
        job.execution, job.worker, job.lease_until = execution, worker, self.now + lease

    def holds(self, job_id: UUID, seq: int, execution: UUID) -> bool:
        """Whether a fence is the current one."""
        job = self.jobs.get(job_id)
        return job is not None and job.status == "processing" and (job.seq, job.execution) == (seq, execution)

    def settle(self, job_id: UUID, outcome: str, origin: int, *, blamed: bool = True) -> None:
        """The end of the current attempt."""
        job = self.jobs[job_id]
        letters = self.queues[job.queue].letters
        attempt = job.attempts
        job.lease_until = None
        cancelled, job.cancel_requested = job.cancel_requested, False
        suspicion = self._hold(job)
        job.waits_until = job.deadline
        match outcome:
            case "succeed":
                job.finish("succeeded", self.now)
                execution: tuple[str, str | None] = ("succeeded", None)
            case "cancel":
                job.finish("cancelled", self.now)
                execution = ("cancelled", "cancelled")
            case "fail" if attempt < job.budget:
                execution = ("failed" if cancelled else "retry_scheduled", "error")
                self._again(job, "scheduled", cancelled, suspicion, DELAY_AFTER_FAILURE, origin)
            case "fail" | "dead":
                job.finish("failed", self.now)
                job.letters = letters
                execution = ("failed" if letters is None else "dead_letter", "error")
            case "snooze":
                job.attempts -= 1
                execution = ("cancelled", "snoozed")
                self._again(job, "scheduled", cancelled, suspicion, 7, origin)
            case "release":
                job.attempts -= 1
                execution = ("cancelled", "released")
                self._again(job, "pending", cancelled, suspicion, None, origin)
            case "lose" if cancelled:
                job.attempts -= 1
                job.finish("cancelled", self.now)
                execution = ("cancelled", "worker_lost")
            case "lose":
                job.attempts -= 1
                job.losses += blamed
                if job.losses >= MAX_LOSSES:
                    job.finish("failed", self.now)
                    job.letters = letters
                    execution = ("failed" if letters is None else "dead_letter", "worker_lost")
                else:
                    execution = ("failed", "worker_lost")
                    self._again(job, "pending", False, self._hold(job), None, origin)
            case _:
                raise AssertionError(outcome)
        job.ended.append((job.seq, *execution, attempt))

    def beat(self, job_id: UUID, lease: int) -> bool:
        """Renew a lease that is held; whether a cancel is waiting."""
        job = self.jobs[job_id]
        job.lease_until = self.now + lease
        return job.cancel_requested

    def cancel(self, job_id: UUID) -> str | None:
        job = self.jobs.get(job_id)
        if job is None:
            return None
        before = job.status
        if before in WAITING:
            job.finish("cancelled", self.now)
            self.give([job.line])
        elif before == "processing":
            job.cancel_requested = True
        return before

    def retry(self, job_id: UUID, queue: UUID | None, origin: int) -> str | None:
        job = self.jobs.get(job_id)
        if job is None:
            return None
        before = job.status
        if before in ("failed", "cancelled"):
            job.queue = queue or job.queue
            job.status, job.completed, job.failure, job.letters = "pending", None, None, None
            job.due = job.expires = job.deadline = job.waits_until = None
            job.manual_retries += 1
            job.losses = 0
            job.rank = self.rank(job.queue, self.now, job.priority, origin)
            job.hold = self._hold(job)
            self._open(job)
        return before

    def holder(self, job_type: str, key: str | None) -> ModelJob | None:
        """Who has a unique key."""
        same = [
            job for job in self.jobs.values() if key is not None and (job.type, job.key) == (job_type, key)
        ]
        return next((job for job in same if job.status not in FINISHED), None)

    def is_taken(self, job_id: UUID) -> bool:
        """Whether another has meanwhile the key of a job that has ended."""
        job = self.jobs.get(job_id)
        return job is not None and job.status in FINISHED and self.holder(job.type, job.key) is not None

    def delete(self, job_id: UUID) -> str | None:
        job = self.jobs.get(job_id)
        if job is None:
            return None
        if job.status != "processing":
            del self.jobs[job_id]
            self.give([job.line])
        return job.status

    def promote(self) -> int:
        due = [
            job
            for job in self.jobs.values()
            if job.status == "scheduled" and job.due is not None and job.due <= self.now
        ]
        for job in due:
            job.status = "pending"
            if self.paused_types:
                job.hold = self._hold(job)
        self.give(job.line for job in due)
        return len(due)

    def late(self) -> list[ModelJob]:
        """Jobs that have waited past their limit."""
        return [
            job
            for job in self.jobs.values()
            if job.status in WAITING and job.waits_until is not None and job.waits_until <= self.now
        ]

    def expire(self) -> int:
        late = self.late()
        for job in late:
            passed = job.deadline is not None and job.deadline <= self.now
            job.finish("failed", self.now)
            job.failure = "deadline" if passed else "queue_timeout"
        self.give(job.line for job in late)
        return len(late)

    def held(self) -> list[ModelJob]:
        """Jobs that are held though their type has become known."""
        return [job for job in self.jobs.values() if job.hold == "no_worker" and job.type in self.known_types]

    def release(self) -> int:
        held = self.held()
        for job in held:
            job.hold = self._hold(job)
        self.give(job.line for job in held)
        return len(held)

    def rescue(self, dead: set[UUID], origin: int) -> int:
        """Take jobs away from workers that are dead or silent."""
        running = [job for job in self.jobs.values() if job.status == "processing"]
        suspects = [(job.worker, job.id) for job in running if job.losses]
        lost = []
        for job in running:
            assert job.lease_until is not None
            if job.lease_until < self.now or job.worker in dead:
                near = any(worker == job.worker and other != job.id for worker, other in suspects)
                lost.append((job, job.losses > 0 or not near))
        for job, blamed in lost:
            self.settle(job.id, "lose", origin, blamed=blamed)
        self.give(job.line for job, _ in lost)
        return len(lost)

    def pause(self, job_type: str) -> int:
        """Hold what is pending, and suspects; what else is scheduled is held when it is promoted."""
        self.paused_types.add(job_type)
        able = [
            j
            for j in self.jobs.values()
            if j.hold in ("suspect", "key") or (j.status == "pending" and j.hold is None)
        ]
        return self._decide(able)

    def resume(self, job_type: str) -> int:
        self.paused_types.discard(job_type)
        return self._decide([job for job in self.jobs.values() if job.hold == "paused"])

    def _decide(self, jobs: Sequence[ModelJob]) -> int:
        before = [job.hold for job in jobs]
        for job in jobs:
            if job.hold == "paused" or self._hold(job) != "key":  # who has a place keeps it
                job.hold = self._hold(job)
        changed = sum(job.hold != hold for job, hold in zip(jobs, before, strict=True))
        self.give(job.line for job in jobs)
        return changed

    def reschedule(self, job_id: UUID, due: int, origin: int) -> str | None:
        job = self.jobs.get(job_id)
        if job is None:
            return None
        before = job.status
        if before in WAITING:
            job.status, job.due = "scheduled", due
            job.rank = self.rank(job.queue, due, job.priority, origin)
            job.hold = self._hold(job)
            self.give([job.line])
        return before

    def move(self, ids: Iterable[UUID], queue: UUID) -> set[UUID]:
        """Those that wait go into another queue, with the time that they have waited."""
        if self.queues[queue].state == "closed":
            return set()
        moved = [job for job in self._known(ids) if job.status in WAITING]
        for job in moved:
            job.rank += job.priority * (self.queues[job.queue].aging - self.queues[queue].aging) * SECOND
            job.queue = queue
        return {job.id for job in moved}

    def bulk(self, act: str, ids: Iterable[UUID], origin: int) -> set[UUID]:
        """Cancel, retry or delete many: those that may be. What has a key is left to be done by itself."""
        changed = set()
        for job in self._known(ids):
            is_free = job.line is None and job.key is None
            if act == "cancel" and (
                (job.status in WAITING and is_free)
                or (job.status == "processing" and not job.cancel_requested)
            ):
                self.cancel(job.id)
            elif act == "retry" and job.status in ("failed", "cancelled") and is_free:
                self.retry(job.id, None, origin)
            elif act == "delete" and job.status != "processing" and is_free:
                self.delete(job.id)
            else:
                continue
            changed.add(job.id)
        return changed

    def _known(self, ids: Iterable[UUID]) -> list[ModelJob]:
        return [self.jobs[job_id] for job_id in ids if job_id in self.jobs]

    def give(self, lines: Iterable[str | None]) -> None:
        """The free places of these lines go to those who wait longest; a line that nobody stands in is forgotten."""
        for line in set(lines) - {None}:
            standing = [job for job in self.jobs.values() if job.line == line and job.status not in FINISHED]
            if not standing:
                self.places.pop(line or "", None)
                continue
            holders = [job for job in standing if job.status != "scheduled" and job.hold in (None, "suspect")]
            waiting = [job for job in standing if job.status == "pending" and job.hold == "key"]
            room = max(0, self.places[line or ""] - len(holders))
            for job in sorted(waiting, key=lambda job: job.order)[:room]:
                job.hold = "suspect" if job.losses else None

    def _open(self, job: ModelJob) -> None:
        """The last one who says how many places a line has is right."""
        if job.line is not None:
            self.places[job.line] = job.places
            self.give([job.line])

    def _hold(self, job: ModelJob) -> str | None:
        if job.type not in self.known_types:
            return "no_worker"
        if job.type in self.paused_types:
            return "paused"
        if job.line is not None:
            return "key"
        return "suspect" if job.losses else None

    def _lane(self, queue: UUID, types: Sequence[str]) -> list[ModelJob]:
        able = [
            job
            for job in self.jobs.values()
            if job.queue == queue
            and job.status == "pending"
            and job.type in types
            and (job.waits_until is None or job.waits_until > self.now)
        ]
        return sorted(able, key=lambda job: job.order)

    def _again(
        self, job: ModelJob, status: str, cancelled: bool, hold: str | None, delay: int | None, origin: int
    ) -> None:
        """Run it again, unless someone asked for its end."""
        if delay is not None:
            job.due = self.now + delay
            job.rank = self.rank(job.queue, job.due, job.priority, origin)
        if cancelled:
            job.finish("cancelled", self.now)
        else:
            job.status, job.hold = status, hold
