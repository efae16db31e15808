"""Some seconds of one database and its workers, job by job: what a job waits for when nothing piles up.

A job is accepted by the database, is heard of, claimed by the database, runs in a process (its core first, one job at a time;
then it waits for others), and is settled by the database, whose cores all these share.
"""

from __future__ import annotations

import heapq
import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from benchmarks.planning.assumptions import Assumptions


Draw: TypeAlias = Callable[[random.Random], float]


@dataclass(frozen=True)
class Stage:
    """Who serves, and how long each step of a job takes."""

    rate: float
    processes: int
    slots: int
    database_cores: int
    accept: Draw
    hint: Draw
    claim: Draw
    processor: Draw
    calls: Draw
    settle: Draw


@dataclass
class Told:
    """What came of it. Waits are seconds from being enqueued until the handler begins, times until it is settled.

    ``arriving`` is how long jobs came, ``seconds`` until the last one was settled, ``area`` the jobs inside, integrated over that
    time; ``processor`` and ``database`` are the shares in which processes and database were busy.
    """

    arrived: int = 0
    inside: int = 0
    arriving: float = 0.0
    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    area: float = 0.0
    processor: float = 0.0
    database: float = 0.0

    def wait(self, share: float) -> float:
        """Within which this share of the jobs began."""
        found = sorted(self.waits)
        return found[min(len(found) - 1, int(share * len(found)))]


def stage_of(given: Assumptions, rate: float, processes: int) -> Stage:
    """One database at this many jobs a second, with so many processes in all."""

    def around(mean: float) -> Draw:
        return lambda chance: chance.expovariate(1 / (mean * (1 + given.upkeep)))

    middle = math.log(given.handler) - given.handler_spread**2 / 2
    return Stage(
        rate=rate,
        processes=processes,
        slots=given.slots,
        database_cores=int(given.database_capacity),
        accept=around(given.accept),
        hint=lambda chance: chance.lognormvariate(math.log(given.hint), given.hint_spread),
        claim=around(given.claim),
        processor=lambda chance: chance.expovariate(1 / given.processor),
        calls=lambda chance: chance.lognormvariate(middle, given.handler_spread),
        settle=around(given.settle),
    )


def play(stage: Stage, jobs: int, *, seed: int = 1) -> Told:
    """So many jobs, one by one; those of the first tenth are not counted in waits."""
    return _Play(stage, jobs, random.Random(seed)).to_the_end()


class _Step(IntEnum):
    """What has ended for a job."""

    ACCEPT = 0
    HINT = 1
    CLAIM = 2
    PROCESSOR = 3
    CALLS = 4
    SETTLE = 5


class _Line:
    """Servers, and who stands before them."""

    def __init__(self, servers: int) -> None:
        self.free = servers
        self.waiting: deque[tuple[int, _Step, float]] = deque()
        self.busy = 0.0


class _Play:
    def __init__(self, stage: Stage, jobs: int, chance: random.Random) -> None:
        self.stage = stage
        self.jobs = jobs
        self.chance = chance
        self.told = Told()
        self.database = _Line(stage.database_cores)
        self.cores = [_Line(1) for _ in range(stage.processes)]
        self.free = [stage.slots] * stage.processes
        self.with_room = list(range(stage.processes))
        self.ready: deque[int] = deque()
        self.began: dict[int, float] = {}
        self.home: dict[int, int] = {}
        self.events: list[tuple[float, int, _Step]] = []

    def to_the_end(self) -> Told:
        told, events, last = self.told, self.events, 0.0
        arrival = self.chance.expovariate(self.stage.rate)
        while events or told.arrived < self.jobs:
            arrives = told.arrived < self.jobs and (not events or arrival <= events[0][0])
            now = arrival if arrives else events[0][0]
            told.area += told.inside * (now - last)
            last = now
            if arrives:
                self.arrive(now)
                arrival = now + self.chance.expovariate(self.stage.rate)
            else:
                _, job, step = heapq.heappop(events)
                self.go_on(now, job, step)
        told.seconds = last
        told.processor = sum(core.busy for core in self.cores) / (self.stage.processes * told.arriving)
        told.database = self.database.busy / (self.stage.database_cores * told.arriving)
        return told

    def arrive(self, now: float) -> None:
        job = self.told.arrived
        self.told.arrived += 1
        self.told.inside += 1
        self.told.arriving = now
        self.began[job] = now
        self.ask(self.database, now, job, _Step.ACCEPT, self.stage.accept)

    def go_on(self, now: float, job: int, step: _Step) -> None:
        if step in (_Step.ACCEPT, _Step.CLAIM, _Step.SETTLE):
            self.leave(self.database, now)
        match step:
            case _Step.ACCEPT:
                heapq.heappush(self.events, (now + self.stage.hint(self.chance), job, _Step.HINT))
            case _Step.HINT:
                self.ask(self.database, now, job, _Step.CLAIM, self.stage.claim)
            case _Step.CLAIM:
                self.ready.append(job)
                self.hand_out(now)
            case _Step.PROCESSOR:
                self.leave(self.cores[self.home[job]], now)
                heapq.heappush(self.events, (now + self.stage.calls(self.chance), job, _Step.CALLS))
            case _Step.CALLS:
                process = self.home.pop(job)
                self.free[process] += 1
                if self.free[process] == 1:
                    self.with_room.append(process)
                self.hand_out(now)
                self.ask(self.database, now, job, _Step.SETTLE, self.stage.settle)
            case _Step.SETTLE:
                self.told.inside -= 1
                self.told.times.append(now - self.began.pop(job))

    def hand_out(self, now: float) -> None:
        """Whoever has been claimed goes to any process with a free slot."""
        while self.ready and self.with_room:
            job = self.ready.popleft()
            at = self.chance.randrange(len(self.with_room))
            process = self.with_room[at]
            self.free[process] -= 1
            if not self.free[process]:
                self.with_room[at] = self.with_room[-1]
                self.with_room.pop()
            self.home[job] = process
            if job >= self.jobs // 10:
                self.told.waits.append(now - self.began[job])
            self.ask(self.cores[process], now, job, _Step.PROCESSOR, self.stage.processor)

    def ask(self, line: _Line, now: float, job: int, step: _Step, draw: Draw) -> None:
        cost = draw(self.chance)
        line.busy += cost
        if line.free:
            line.free -= 1
            heapq.heappush(self.events, (now + cost, job, step))
        else:
            line.waiting.append((job, step, cost))

    def leave(self, line: _Line, now: float) -> None:
        if line.waiting:
            job, step, cost = line.waiting.popleft()
            heapq.heappush(self.events, (now + cost, job, step))
        else:
            line.free += 1


def erlang_c(rate: float, service: float, servers: int) -> float:
    """The mean wait before so many servers with exponential arrivals and services (M/M/c), in seconds."""
    load = rate * service
    term = total = 1.0
    for number in range(1, servers):
        term *= load / number
        total += term
    term *= load / servers
    waiting = term * servers / (servers - load)
    return waiting / (total + waiting) * service / (servers - load)
