"""Arrivals replayed against a scaling policy: how many workers there would have been, how long jobs would have waited.

The decision is the one that is made of real queues. What is simple here is the rest: a worker comes a fixed time
after it was asked for, a job goes to the worker with the most free slots, first come, first served.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from taskforge.domain.errors import InvalidInput
from taskforge.domain.histogram import exact_percentile
from taskforge.domain.scaling import LastChange, Sight, recommend
from taskforge.domain.scaling_policy import ScalingAction

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from taskforge.domain.scaling import Recommendation
    from taskforge.domain.scaling_policy import ScalingPolicy

MOST_JOBS = 1_000_000
LONGEST_SECONDS = 30 * 86_400.0
MOST_POINTS = 2_000
MICROSECONDS = 1_000_000
_START = datetime(2000, 1, 1, tzinfo=UTC)


class Arrival(NamedTuple):
    """Jobs that arrive together, so many seconds after the beginning; each runs for ``work`` seconds."""

    at: float
    jobs: int
    work: float


@dataclass(frozen=True, slots=True)
class Fleet:
    """What workers are like: ``slots`` of each, seconds until one has come, how often the policy is evaluated, how
    long a job runs that says nothing else.
    """

    slots: int = 10
    startup: float = 5.0
    interval: float = 10.0
    work: float = 1.0

    def __post_init__(self) -> None:
        for name, least, most in (
            ("startup", 0.0, 86_400.0),
            ("interval", 0.1, 3_600.0),
            ("work", 0.0, 86_400.0),
        ):
            if not least <= getattr(self, name) <= most:
                raise InvalidInput(f"{name} must be from {least:g} to {most:g} seconds", field=name)


class Point(NamedTuple):
    """How it stood at one moment. ``wait`` is how long the oldest waiting job had waited."""

    at: float
    workers: int
    backlog: int
    running: int
    wait: float


class Change(NamedTuple):
    """A decision of the simulated autoscaler."""

    at: float
    action: ScalingAction
    workers: int
    desired: int
    message: str


@dataclass(frozen=True, slots=True)
class Simulation:
    """What a replay came to. Waits are seconds over all jobs; ``worker_seconds`` is what the workers would have cost."""

    points: Sequence[Point]
    changes: Sequence[Change]
    jobs: int
    most_workers: int
    most_backlog: int
    average_wait: float
    p95_wait: float
    longest_wait: float
    worker_seconds: float


def parse_trace(lines: Iterable[str], work: float) -> Sequence[Arrival]:
    """Lines of ``seconds,jobs[,seconds of work]``; empty ones, a heading and what follows # are passed over.

    Raises InvalidInput naming the line.
    """
    found: list[Arrival] = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text or (number == 1 and text[0].isalpha()):
            continue
        try:
            parts = [part.strip() for part in text.split(",")]
            arrival = Arrival(float(parts[0]), int(parts[1]), float(parts[2]) if len(parts) > 2 else work)
        except (ValueError, IndexError):
            arrival = Arrival(-1.0, 0, 0.0)
        if not (0 <= arrival.at <= LONGEST_SECONDS and arrival.jobs >= 1 and 0 <= arrival.work <= 86_400):
            raise InvalidInput(
                f"line {number} of the trace is not an arrival: {text!r:.100}",
                field="trace",
                hint="seconds,jobs[,seconds of work], such as 12.5,40,0.8",
            )
        found.append(arrival)
    if not found:
        raise InvalidInput("the trace has no arrivals", field="trace", hint="a line is such as 12.5,40,0.8")
    if sum(arrival.jobs for arrival in found) > MOST_JOBS:
        raise InvalidInput(f"a trace has at most {MOST_JOBS:,} jobs", field="trace")
    return sorted(found)


@dataclass(slots=True)
class _Worker:
    comes_at: float
    busy: int = 0
    is_leaving: bool = False


@dataclass(slots=True)
class _Stage:
    policy: ScalingPolicy
    fleet: Fleet
    workers: list[_Worker] = field(default_factory=list)
    waiting: deque[tuple[float, float]] = field(default_factory=deque)
    ends: list[tuple[float, int, _Worker]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    last: LastChange | None = None
    count: int = 0

    def present(self, now: float) -> list[_Worker]:
        return [worker for worker in self.workers if worker.comes_at <= now and not worker.is_leaving]

    @property
    def wanted(self) -> int:
        return sum(not worker.is_leaving for worker in self.workers)

    def settle(self, now: float) -> None:
        """Jobs that have ended give their slots back; those that wait take what is free.

        While jobs wait no slot is free but the one that was just given back.
        """
        while self.ends and self.ends[0][0] <= now:
            at, _, worker = heapq.heappop(self.ends)
            worker.busy -= 1
            if self.waiting and not worker.is_leaving:
                self._begin(worker, at)
        if self.waiting:
            self._hand_out(now)
        self.workers = [worker for worker in self.workers if worker.busy or not worker.is_leaving]

    def _hand_out(self, now: float) -> None:
        free = [(worker.busy, number, worker) for number, worker in enumerate(self.present(now))]
        free = [one for one in free if one[0] < self.fleet.slots]
        heapq.heapify(free)
        while self.waiting and free:
            _, number, worker = free[0]
            self._begin(worker, now)
            if worker.busy < self.fleet.slots:
                heapq.heapreplace(free, (worker.busy, number, worker))
            else:
                heapq.heappop(free)

    def _begin(self, worker: _Worker, now: float) -> None:
        came, work = self.waiting.popleft()
        self.waits.append(now - came)
        worker.busy += 1
        self.count += 1
        heapq.heappush(self.ends, (now + work, self.count, worker))

    def sight(self, now: float) -> Sight:
        present = self.present(now)
        running = len(self.ends)
        return Sight(
            ready=len(self.waiting),
            processing=running,
            oldest_seconds=now - self.waiting[0][0] if self.waiting else 0.0,
            workers=self.wanted,
            online=len(present),
            slots=len(present) * self.fleet.slots,
            active=sum(worker.busy for worker in present),
            removable=sum(not worker.busy for worker in present),
        )

    def carry_out(self, found: Recommendation, now: float) -> None:
        self.last = LastChange(_START + timedelta(seconds=now))
        if found.action is ScalingAction.SCALE_UP:
            self.workers += [_Worker(now + self.fleet.startup) for _ in range(found.count)]
            return
        idle = [worker for worker in self.present(now) if not worker.busy]
        for worker in idle[-found.count :]:
            worker.is_leaving = True


def simulate(policy: ScalingPolicy, arrivals: Sequence[Arrival], fleet: Fleet) -> Simulation:
    """Replay the arrivals until all jobs have ended and the workers are as few as they will be."""
    stage = _Stage(policy, fleet)
    stage.workers = [_Worker(0.0) for _ in range(policy.min_workers)]
    coming = deque(arrivals)
    points: list[Point] = []
    changes: list[Change] = []
    now, quiet_until = 0.0, 0.0
    longest = arrivals[-1].at + sum(arrival.jobs * max(arrival.work, 0.001) for arrival in arrivals)
    longest += 10 * (policy.scale_down_cooldown + policy.scale_up_cooldown + fleet.startup + fleet.interval)
    cost = 0.0
    while now <= longest:
        _advance(stage, coming, now - fleet.interval, now)
        found = recommend(policy, stage.sight(now), stage.last, _START + timedelta(seconds=now))
        points.append(_point(stage, now))
        if found.action is not None:
            stage.carry_out(found, now)
            changes.append(Change(now, found.action, found.workers, found.desired, found.message))
            points.append(_point(stage, now))
        if coming or stage.waiting or stage.ends or found.action is not None:
            quiet_until = now + policy.scale_down_cooldown + 2 * fleet.interval
        elif now >= quiet_until:
            break
        cost += stage.wanted * fleet.interval
        now += fleet.interval
    waits = sorted(round(wait * MICROSECONDS) for wait in stage.waits)
    return Simulation(
        points=_thinned(points),
        changes=changes,
        jobs=len(waits),
        most_workers=max(point.workers for point in points),
        most_backlog=max(point.backlog for point in points),
        average_wait=sum(waits) / len(waits) / MICROSECONDS if waits else 0.0,
        p95_wait=(exact_percentile(waits, 0.95) or 0.0) / MICROSECONDS,
        longest_wait=waits[-1] / MICROSECONDS if waits else 0.0,
        worker_seconds=cost,
    )


def _advance(stage: _Stage, coming: deque[Arrival], before: float, now: float) -> None:
    """What happens until this moment, in its order: arrivals, workers that come, jobs that end."""
    moments = {worker.comes_at for worker in stage.workers if before < worker.comes_at <= now}
    moments |= {arrival.at for arrival in takewhile(lambda arrival: arrival.at <= now, coming)}
    for at in sorted(moments):
        stage.settle(at)
        while coming and coming[0].at <= at:
            arrival = coming.popleft()
            stage.waiting.extend([(arrival.at, arrival.work)] * arrival.jobs)
        stage.settle(at)
    stage.settle(now)


def _point(stage: _Stage, now: float) -> Point:
    wait = now - stage.waiting[0][0] if stage.waiting else 0.0
    return Point(now, stage.wanted, len(stage.waiting), len(stage.ends), wait)


def _thinned(points: list[Point]) -> list[Point]:
    """Not more than a picture can show; the highest backlog of each stretch stays."""
    step = -(-len(points) // MOST_POINTS)
    return [max(points[i : i + step], key=lambda point: point.backlog) for i in range(0, len(points), step)]
