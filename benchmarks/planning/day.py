"""A day of one database and its workers as a fluid, second by second: what waits, and for how long.

All databases get the same share, so one stands for all that are well. What arrives while a database is down is kept by
those who enqueue, who try again; what ran on machines that are lost comes back when its lease has run out.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.planning.assumptions import DAY, Assumptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HOUR, BURST = 3600, 60
NOTHING = 1e-6
PEAK_AT = 14 * HOUR


@dataclass(frozen=True)
class Trouble:
    """Between two seconds of the day: so many machines are lost, or the database is away."""

    begin: int
    end: int
    machines: int = 0
    database: bool = False


@dataclass
class Course:
    """What came of a day. ``waits``: seconds a job waited, and how many waited so long; the rest is by second."""

    arrived: float = 0.0
    started: float = 0.0
    left: float = 0.0
    again: float = 0.0
    waits: dict[int, float] = field(default_factory=dict)
    backlog: list[float] = field(default_factory=list)
    workers: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> int:
        """Whole seconds within which this share of the jobs began."""
        enough = share * sum(self.waits.values())
        for wait in sorted(self.waits):
            enough -= self.waits[wait]
            if enough <= 0:
                return wait
        return max(self.waits, default=0)


def arrivals(given: Assumptions, second: int) -> float:
    """Jobs of all databases in this second of the day."""
    curve = 1 + (given.peak - 1) * math.cos(2 * math.pi * (second - PEAK_AT) / DAY)
    steady = given.mean_rate * (1 - given.at_the_hour) * curve
    burst = given.jobs_a_day * given.at_the_hour / 24 / BURST if second % HOUR < BURST else 0.0
    return steady + burst


def play(
    given: Assumptions, processes: int, troubles: Sequence[Trouble] = (), *, seconds: int = DAY
) -> Course:
    """A day of one of the databases, which has its share of so many processes, spread over all machines."""
    course = Course()
    accept, serve = (cost * (1 + given.upkeep) for cost in (given.accept, given.claim + given.settle))
    whole = processes / given.shards * given.process_rate
    held: deque[list[float]] = deque()  # [second of arrival, jobs]: not accepted yet
    waiting: deque[list[float]] = deque()  # the same: accepted
    returning: deque[tuple[int, float]] = deque()
    outside = backlog = running = 0.0
    for second in range(seconds):
        here = [trouble for trouble in troubles if trouble.begin <= second < trouble.end]
        new = arrivals(given, second) / given.shards
        course.arrived += new
        outside += new
        held.append([second, new])
        for trouble in here:
            if trouble.begin == second and trouble.machines:
                lost = running * trouble.machines / given.machines
                returning.append((second + int(given.lease), lost))
                course.again += lost
        while returning and returning[0][0] <= second:
            _, lost = returning.popleft()
            waiting.appendleft([second - given.lease, lost])
            backlog += lost
        room = 0.0 if any(trouble.database for trouble in here) else given.database_capacity
        accepted = min(outside, room / accept)
        for since, jobs in _taken(held, accepted):
            waiting.append([since, jobs])
        outside -= accepted
        backlog += accepted
        left = room - accepted * accept
        most = whole * (1 - sum(trouble.machines for trouble in here) / given.machines)
        started = min(backlog, most, left / serve)
        for since, jobs in _taken(waiting, started):
            wait = int(second - since)
            course.waits[wait] = course.waits.get(wait, 0.0) + jobs
        backlog -= started
        running = started * given.handler
        course.started += started
        course.backlog.append(backlog + outside)
        course.workers.append(started / most)
        course.database.append((accepted * accept + started * serve) / given.database_capacity)
    course.left = backlog + outside + sum(lost for _, lost in returning)
    return course


def _taken(line: deque[list[float]], jobs: float) -> Iterator[tuple[float, float]]:
    """The first so many of those who wait, with the second since which they do."""
    while jobs > NOTHING and line:
        first = line[0]
        taken = min(first[1], jobs)
        yield first[0], taken
        first[1] -= taken
        jobs -= taken
        if first[1] <= NOTHING:
            line.popleft()
