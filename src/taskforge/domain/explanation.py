"""Why a job has not run: what stands in its way, told as codes and as sentences."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.domain.balancing import is_served_by
from taskforge.domain.breaker import BreakerState
from taskforge.domain.ids import short
from taskforge.domain.job import Hold, JobStatus
from taskforge.domain.pause import PauseKind
from taskforge.domain.queue import QueueSettings, QueueState
from taskforge.domain.requirements import lacking
from taskforge.domain.sentences import by_whom, counted, jobs_go, span_until, time_of, up_to
from taskforge.domain.sharing import misfits
from taskforge.domain.worker import WorkerStatus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.assignment import Rival
    from taskforge.domain.breaker import Breaker
    from taskforge.domain.job import Job
    from taskforge.domain.pause import Pause
    from taskforge.domain.queue import Queue
    from taskforge.domain.worker import Worker


class WhyCode(StrEnum):
    """Stable names of what can be said; the first that applies is the answer."""

    FINISHED = "finished"
    RUNNING = "running"
    SCHEDULED = "scheduled"
    QUEUE_DELETED = "queue_deleted"
    QUEUE_PAUSED = "queue_paused"
    NO_WORKER_FOR_TYPE = "no_worker_for_type"
    PAUSED = "paused"
    BREAKER_OPEN = "breaker_open"
    CONCURRENCY_KEY = "concurrency_key"
    NO_WORKER_FOR_QUEUE = "no_worker_for_queue"
    NO_ASSIGNED_WORKER = "no_assigned_worker"
    NO_CAPABLE_WORKER = "no_capable_worker"
    NO_WORKER_OF_QUEUE_KNOWS_TYPE = "no_worker_of_queue_knows_type"
    TOO_HEAVY = "too_heavy"
    LIMIT_REACHED = "limit_reached"
    RATE_REACHED = "rate_reached"
    SUSPECT = "suspect"
    WORKERS_BUSY = "workers_busy"
    BACKLOG = "backlog"
    EXPIRES = "expires"
    READY = "ready"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that keeps a job from running. ``details`` are plain values for programs."""

    code: WhyCode
    message: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer for one job: ``code`` and ``message`` are the first obstacle's, the others follow it."""

    job_id: UUID
    status: JobStatus
    obstacles: Sequence[Obstacle]

    @property
    def code(self) -> WhyCode:
        """What counts most."""
        return self.obstacles[0].code

    @property
    def message(self) -> str:
        """What counts most, as a sentence."""
        return self.obstacles[0].message

    def __str__(self) -> str:
        return self.message


class Ahead(NamedTuple):
    """Jobs that go first, counted up to ``bound``: of its own queue, and of queues of higher priority."""

    here: int
    elsewhere: int
    bound: int


class QueueUse(NamedTuple):
    """How far the limits of a queue are used: places that running jobs take, and tokens of starts that count.

    ``next_start_at`` is when the oldest of these starts counts no more.
    """

    running: int
    starts: int
    next_start_at: datetime | None


class Facts(NamedTuple):
    """What was looked up about a waiting job.

    ``workers`` are those of the project that have not left; ``places`` are jobs that hold the places of its
    concurrency key. ``breaker`` is that of its type, if it is not closed.
    """

    now: datetime
    queue: Queue | None
    use: QueueUse
    pauses: Sequence[Pause]
    workers: Sequence[tuple[Worker, WorkerStatus]]
    ahead: Ahead
    places: Sequence[UUID]
    breaker: Breaker | None = None


def explain(job: Job, facts: Facts) -> Explanation:
    """Why this job has not run, or that it does, or has."""
    return Explanation(job.id, job.status, tuple(_obstacles(job, facts)))


def _obstacles(job: Job, facts: Facts) -> Iterator[Obstacle]:
    if job.status.is_finished:
        why = f" ({job.failure})" if job.failure else ""
        yield Obstacle(
            WhyCode.FINISHED, f"It has ended: {job.status.value}{why}, at {time_of(job.completed_at)}."
        )
        return
    if job.status is JobStatus.PROCESSING:
        yield _running(job)
        return
    found = [
        *_schedule(job, facts.now),
        *_queue(job, facts.queue),
        *_holds(job, facts),
        *(() if job.hold is Hold.NO_WORKER else _workers(job, facts)),
        *_weight(job, facts),
        *_limits(job, facts.queue, facts.use),
    ]
    blocked = bool(found)
    found += _backlog(job, facts.ahead, facts.queue)
    if job.hold is None and not found:
        yield Obstacle(WhyCode.READY, "Nothing stands in its way: the next free worker takes it.")
    yield from found
    yield from _limit(job, blocked=blocked)


def _running(job: Job) -> Obstacle:
    asked = "; it has been asked to stop" if job.cancel_requested_at is not None else ""
    worker = "" if job.worker_id is None else f" on worker {short(job.worker_id)}"
    return Obstacle(
        WhyCode.RUNNING,
        f"It runs{worker} since {time_of(job.claimed_at)}{asked}.",
        {"worker_id": job.worker_id, "claimed_at": job.claimed_at, "attempt": job.attempt_count},
    )


def _schedule(job: Job, now: datetime) -> Iterator[Obstacle]:
    if job.status is JobStatus.SCHEDULED and job.scheduled_for is not None:
        again = f" for attempt {job.attempt_count + 1}" if job.attempt_count else ""
        text = (
            f"It is due{again} at {time_of(job.scheduled_for)}, in {span_until(job.scheduled_for, now)}."
            if job.scheduled_for > now
            else f"It was due{again} at {time_of(job.scheduled_for)}; the next worker that looks makes it pending."
        )
        yield Obstacle(WhyCode.SCHEDULED, text, {"scheduled_for": job.scheduled_for})


def _queue(job: Job, queue: Queue | None) -> Iterator[Obstacle]:
    if queue is None:
        yield Obstacle(WhyCode.QUEUE_DELETED, "Its queue was deleted: retry it in another one, or delete it.")
    elif queue.state is QueueState.PAUSED:
        yield Obstacle(
            WhyCode.QUEUE_PAUSED,
            f"Queue {queue.name!r} is paused{by_whom(queue.paused_by, queue.paused_at, queue.pause_reason)}.",
            {
                "queue": queue.name,
                "by": queue.paused_by,
                "since": queue.paused_at,
                "reason": queue.pause_reason,
            },
        )


def _weight(job: Job, facts: Facts) -> Iterator[Obstacle]:
    able = [
        worker.max_concurrent_jobs
        for worker, status in facts.workers
        if status is WorkerStatus.ONLINE
        and _serves(worker, job, facts.queue)
        and job.job_type in worker.job_types
    ]
    settings = QueueSettings() if facts.queue is None else facts.queue.settings
    for most, why in misfits(job.slots, job.rate_tokens, settings, able):
        details = {"slots": job.slots, "rate_tokens": job.rate_tokens, "most": most}
        yield Obstacle(WhyCode.TOO_HEAVY, f"It can never start: {why}.", details)


def _limits(job: Job, queue: Queue | None, use: QueueUse) -> Iterator[Obstacle]:
    if queue is None:
        return
    most, rate = queue.settings.max_concurrent_jobs, queue.settings.rate_limit
    if most is not None and use.running + job.slots > most >= job.slots:
        yield Obstacle(
            WhyCode.LIMIT_REACHED,
            f"{use.running:,} jobs of queue {queue.name!r} run, and its limit is {most:,} at once."
            if job.slots == 1
            else f"It takes {job.slots:,} places at once, and {most - use.running:,} of the {most:,} places of queue "
            f"{queue.name!r} are free.",
            {"running": use.running, "max_concurrent_jobs": most},
        )
    if rate is not None and use.starts + job.rate_tokens > rate >= job.rate_tokens:
        needs = f", of which this one takes {job.rate_tokens:,}" if job.rate_tokens > 1 else ""
        yield Obstacle(
            WhyCode.RATE_REACHED,
            f"{use.starts:,} jobs of queue {queue.name!r} have started within a minute, and its rate is {rate:,}{needs}; "
            f"the next may start at {time_of(use.next_start_at)}.",
            {"starts": use.starts, "rate_limit": rate, "next_start_at": use.next_start_at},
        )


def _holds(job: Job, facts: Facts) -> Iterator[Obstacle]:
    if job.hold is Hold.NO_WORKER:
        yield Obstacle(
            WhyCode.NO_WORKER_FOR_TYPE,
            f"No worker has ever registered the job type {job.job_type!r}; the job waits for one that does.",
            {"job_type": job.job_type},
        )
    for pause in facts.pauses:
        if pause.kind is PauseKind.BREAKER:
            waits = job.hold is not None or job.status is JobStatus.SCHEDULED  # else it is tried
            if waits and pause.concerns(job) and facts.breaker is not None:
                yield _breaker(facts.breaker)
        elif pause.concerns(job):
            yield Obstacle(
                WhyCode.PAUSED,
                f"Jobs of {pause.kind.value} {pause.value!r} are paused"
                f"{by_whom(pause.by, pause.created_at, pause.reason)}.",
                {
                    "kind": pause.kind.value,
                    "value": pause.value,
                    "by": pause.by,
                    "since": pause.created_at,
                    "reason": pause.reason,
                },
            )
    if job.hold is Hold.KEY:
        holders = ", ".join(short(place) for place in facts.places)
        yield Obstacle(
            WhyCode.CONCURRENCY_KEY,
            f"At most {job.concurrency_limit} of concurrency key {job.concurrency_key!r} may run at once"
            + (f"; the places are held by {holders}." if holders else "; it gets the next place."),
            {
                "concurrency_key": job.concurrency_key,
                "limit": job.concurrency_limit,
                "jobs": list(facts.places),
            },
        )


def _breaker(breaker: Breaker) -> Obstacle:
    why = by_whom(None, breaker.changed_at, breaker.reason)
    if breaker.state is BreakerState.HALF_OPEN:
        then = "; a few of its jobs are tried now, and the others wait for what comes of it"
    elif breaker.probe_at is None:
        then = "; it stays so until it is closed by hand"
    else:
        then = f"; the next jobs are tried at {time_of(breaker.probe_at)}"
    return Obstacle(
        WhyCode.BREAKER_OPEN,
        f"The circuit breaker of type {breaker.job_type!r} is {breaker.state.replace('_', ' ')}{why}{then}.",
        {
            "breaker_id": breaker.id,
            "job_type": breaker.job_type,
            "state": breaker.state.value,
            "since": breaker.changed_at,
            "probe_at": breaker.probe_at,
            "reason": breaker.reason,
        },
    )


def _workers(job: Job, facts: Facts) -> Iterator[Obstacle]:
    name = job.queue_name
    servants = [(w, status) for w, status in facts.workers if _serves(w, job, facts.queue)]
    serving = [worker for worker, status in servants if status is WorkerStatus.ONLINE]
    able = [worker for worker in serving if job.job_type in worker.job_types]
    if not serving:
        leaving = [w.name for w, status in servants if status.is_live]
        rest = f" ({', '.join(leaving)}: draining or silent)" if leaving else ""
        rivals = None if facts.queue is None or facts.queue.plan is None else facts.queue.plan.rivals
        if rivals is not None:
            yield _unassigned(name, rivals, rest, leaving)
            return
        yield Obstacle(
            WhyCode.NO_WORKER_FOR_QUEUE,
            f"No live worker serves queue {name!r}{rest}.",
            {"queue": name, "leaving": leaving},
        )
    elif not able:
        yield Obstacle(
            WhyCode.NO_WORKER_OF_QUEUE_KNOWS_TYPE,
            f"{counted(len(serving), 'live worker serves', 'live workers serve')} queue {name!r}, "
            f"and none knows the job type {job.job_type!r}.",
            {"queue": name, "job_type": job.job_type, "workers": [worker.name for worker in serving]},
        )
    elif not (able := [w for w in able if not lacking(job.requires, w)]):
        lacks = sorted({lack for worker in serving for lack in lacking(job.requires, worker)})
        yield Obstacle(
            WhyCode.NO_CAPABLE_WORKER,
            f"No live worker of queue {name!r} has all that it requires: {', '.join(lacks)}.",
            {"queue": name, "requires": lacks, "workers": [worker.name for worker in serving]},
        )
    else:
        if job.hold is Hold.SUSPECT:
            yield Obstacle(
                WhyCode.SUSPECT,
                f"{counted(job.losses, 'worker was', 'workers were')} lost under it, so it runs only on a worker "
                "that runs no other such job.",
                {"losses": job.losses},
            )
        if all(worker.active_jobs >= worker.max_concurrent_jobs for worker in able):
            yield Obstacle(
                WhyCode.WORKERS_BUSY,
                f"All {sum(w.max_concurrent_jobs for w in able)} slots of the workers that can run it are taken.",
                {"workers": [worker.name for worker in able], "running": sum(w.active_jobs for w in able)},
            )


def _serves(worker: Worker, job: Job, queue: Queue | None) -> bool:
    if queue is None:
        return job.queue_name in worker.queues
    return is_served_by(queue, worker.name, worker.queues)


def _unassigned(queue: str, rivals: Sequence[Rival], rest: str, leaving: Sequence[str]) -> Obstacle:
    """Only assigned workers serve this queue, and none of them can."""
    active = [rival.worker_name for rival in rivals if rival.is_active]
    what = (
        f"none of the workers that are assigned to it ({', '.join(active)}) is online{rest}"
        if active
        else "all of its assignments are inactive"
    )
    return Obstacle(
        WhyCode.NO_ASSIGNED_WORKER,
        f"Queue {queue!r} is served by assigned workers only, and {what}.",
        {"queue": queue, "assigned": active, "leaving": list(leaving)},
    )


def _backlog(job: Job, ahead: Ahead, queue: Queue | None) -> Iterator[Obstacle]:
    here = f"in queue {job.queue_name!r}"
    if queue is not None and queue.settings.is_fair:
        key = (
            "jobs without a fairness key"
            if job.fairness_key is None
            else f"fairness key {job.fairness_key!r}"
        )
        here = f"in the line of {key}, which takes turns with the other lines of queue {job.queue_name!r}"
    parts = [
        f"{up_to(count, ahead.bound)} {jobs_go(count)} before it {where}"
        for count, where in (
            (ahead.here, here),
            (ahead.elsewhere, "in queues of higher priority"),
        )
        if count
    ]
    if parts:
        yield Obstacle(
            WhyCode.BACKLOG,
            " and ".join(parts) + ".",
            {
                "ahead": ahead.here,
                "in_queues_of_higher_priority": ahead.elsewhere,
                "or_more": max(ahead.here, ahead.elsewhere) >= ahead.bound,
            },
        )


def _limit(job: Job, *, blocked: bool) -> Iterator[Obstacle]:
    limits = [limit for limit in (job.expires_at, job.timeout_at) if limit is not None]
    if limits:
        yield Obstacle(
            WhyCode.EXPIRES,
            f"It fails if it has not {'started' if min(limits) == job.expires_at else 'ended'} by "
            f"{time_of(min(limits))}{', as things stand' if blocked else ''}.",
            {"expires_at": job.expires_at, "timeout_at": job.timeout_at},
        )
