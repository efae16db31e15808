"""What the plan rests on: measured figures, and those that nobody has measured, each with where it comes from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any

DAY = 86_400
GIB = 1024**3


def stated(value: float, unit: str, why: str) -> Any:
    """A figure with its unit and its origin."""
    return field(default=value, metadata={"unit": unit, "why": why})


@dataclass(frozen=True)
class Assumptions:
    """All of them; times are seconds."""

    jobs_a_day: float = stated(1e9, "jobs", "the question")
    machines: int = stated(100, "machines with workers", "the question")
    shards: int = stated(3, "databases", "the least that the table below allows")
    peak: float = stated(2.0, "times the mean", "assumed: a day's curve, highest at 14:00, lowest at 2:00")
    at_the_hour: float = stated(
        0.05, "of all jobs", "assumed: schedules, within the first minute of each hour"
    )

    handler: float = stated(0.25, "s, mean", "assumed: a few calls over a network; log-normal")
    handler_spread: float = stated(
        1.0, "sigma of its logarithm", "assumed: one in a hundred takes 1.6 s or more"
    )
    processor: float = stated(
        0.008, "s of processor a job", "assumed: the handler's own Python, and ours (62 µs measured)"
    )
    slots: int = stated(50, "jobs at a time in a process", "assumed: `async`, `--concurrency 50`")
    busiest: float = stated(0.9, "of a process's core", "assumed: more makes event loops late")

    accept: float = stated(
        50e-6, "s of the database a job", "measured: 12 to 20 µs in bulk, some 90 µs alone; a mixture"
    )
    claim: float = stated(46e-6, "s of the database a job", "measured: 78 µs for claim and settle together")
    settle: float = stated(32e-6, "s of the database a job", "measured")
    upkeep: float = stated(0.4, "of these on top", "assumed: vacuum, pruning, replicas, statistics")
    cores: int = stated(16, "cores of a database machine", "assumed")
    scaling: float = stated(0.6, "of them put to use", "assumed: measured on two cores only")
    hint: float = stated(0.00327, "s, median", "measured: latency of an idle worker, p50")
    hint_p99: float = stated(0.00542, "s", "measured: the same, p99")
    lease: float = stated(30.0, "s", "the default of `lease_seconds`")

    pruned: float = stated(4_800.0, "jobs/s a database", "measured beside a drain, on two busy cores")
    row: float = stated(1024.0, "bytes a job and its execution", "measured, with indexes and small payloads")
    wal: float = stated(3072.0, "bytes of WAL a job", "assumed: accept, claim and settle")
    wal_most: float = stated(
        60e6, "bytes/s a database", "assumed: what a replica and an archive follow easily"
    )
    kept: float = stated(1.0, "days", "`keep_succeeded_days = 1`")
    largest: float = stated(500 * GIB, "bytes a database", "assumed: restored within an hour at 150 MB/s")
    calm: float = stated(
        0.5, "of a database's processor at the peak", "assumed: the rest is for bursts and for catching up"
    )

    @property
    def mean_rate(self) -> float:
        """Jobs a second over the day."""
        return self.jobs_a_day / DAY

    @property
    def peak_rate(self) -> float:
        """Jobs a second of the day's curve at its highest, bursts aside."""
        return self.mean_rate * (1 - self.at_the_hour) * self.peak

    @property
    def database_capacity(self) -> float:
        """Seconds of processor that a database has in each second."""
        return self.cores * self.scaling

    def database_time(self, jobs: float = 1.0) -> float:
        """Seconds of a database's processor from accepting to settling."""
        return jobs * (self.accept + self.claim + self.settle) * (1 + self.upkeep)

    @property
    def process_rate(self) -> float:
        """Jobs a second that a worker process carries: by its core, or by its slots."""
        return min(self.busiest / self.processor, self.slots / (self.handler + self.processor))

    @property
    def hint_spread(self) -> float:
        """Sigma of the logarithm of the latency, from its median and its 99th percentile."""
        return math.log(self.hint_p99 / self.hint) / 2.3263


def shards_needed(given: Assumptions) -> dict[str, float]:
    """How many databases each limit asks for."""
    return {
        "processor at the peak": given.database_time(given.peak_rate)
        / (given.database_capacity * given.calm),
        "pruning what has been kept": given.mean_rate / given.pruned,
        "size of one database": given.jobs_a_day * given.kept * given.row / given.largest,
        "WAL at the peak": given.peak_rate * given.wal / given.wal_most,
    }


def rows(given: Assumptions) -> list[tuple[str, str, str]]:
    """Each assumption with its value and where it comes from."""
    return [
        (one.name, f"{_shown(getattr(given, one.name))} {one.metadata['unit']}", one.metadata["why"])
        for one in fields(given)
    ]


def _shown(value: float) -> str:
    if 0 < value < 1e-3:
        return f"{value * 1e6:g}e-6"
    return f"{value:,.0f}" if value >= 1000 else f"{value:g}"
