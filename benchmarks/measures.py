"""The things that are measured, by the names that `--only` takes; each gives named figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.contender import Contender
    from taskforge.bench.figures import Drain, Latency, Rate

    Figures = dict[str, float] | None

RATE = "jobs/s"
RUN_RATE = "first to last run, jobs/s"
PEAK_MEMORY = "worker peak MiB"
IDLE_MEMORY = "worker idle MiB"
P50, P95, P99 = "p50 ms", "p95 ms", "p99 ms"
PER_MINUTE = "statements/minute"
MILLISECONDS = "ms"
GROWTH = "large / small"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much work a run does."""

    jobs: int = 20_000
    enqueued: int = 5_000
    latency_jobs: int = 300
    idle_seconds: float = 60.0
    backlog: int = 1_000_000


@dataclass(frozen=True, slots=True)
class Measure:
    """`repeated` is off for what takes minutes or repeats itself."""

    name: str
    take: Callable[[Contender, Sizes], Awaitable[Figures]]
    repeated: bool = True


def _rate(rate: Rate | None) -> Figures:
    return None if rate is None else {RATE: rate.per_second}


def _drain(drain: Drain | None) -> Figures:
    if drain is None:
        return None
    figures = {RATE: drain.per_second, RUN_RATE: drain.run_per_second, "start s": drain.start_seconds}
    return figures | ({} if drain.peak_memory_mib is None else {PEAK_MEMORY: drain.peak_memory_mib})


def _latency(latency: Latency | None) -> Figures:
    if latency is None:
        return None
    figures = {P50: latency.p50, P95: latency.p95, P99: latency.p99, "max ms": latency.maximum}
    return figures | ({} if latency.idle_memory_mib is None else {IDLE_MEMORY: latency.idle_memory_mib})


async def _sequential(contender: Contender, sizes: Sizes) -> Figures:
    return _rate(await contender.sequential(sizes.enqueued))


async def _sequential_blocking(contender: Contender, sizes: Sizes) -> Figures:
    return _rate(await contender.sequential_blocking(sizes.enqueued))


async def _concurrent(contender: Contender, sizes: Sizes) -> Figures:
    return _rate(await contender.concurrent(sizes.enqueued))


async def _bulk(contender: Contender, sizes: Sizes) -> Figures:
    return _rate(await contender.bulk(sizes.jobs))


async def _bulk_concurrent(contender: Contender, sizes: Sizes) -> Figures:
    return _rate(await contender.bulk_concurrent(sizes.jobs))


async def _drain_one(contender: Contender, sizes: Sizes) -> Figures:
    return _drain(await contender.drain(sizes.jobs, 1))


async def _drain_two(contender: Contender, sizes: Sizes) -> Figures:
    return _drain(await contender.drain(sizes.jobs, 2))


async def _drain_remote(contender: Contender, sizes: Sizes) -> Figures:
    return _drain(await contender.drain_remote(sizes.jobs))


async def _drain_by_rules(contender: Contender, sizes: Sizes) -> Figures:
    return _drain(await contender.drain_by_rules(sizes.jobs))


async def _drain_by_all_rules(contender: Contender, sizes: Sizes) -> Figures:
    return _drain(await contender.drain_by_all_rules(sizes.jobs))


async def _drain_among_unknown(contender: Contender, sizes: Sizes) -> Figures:
    return _drain(await contender.drain_among_unknown(sizes.jobs, sizes.backlog))


async def _between_processes(contender: Contender, sizes: Sizes) -> Figures:
    return _latency(await contender.latency(sizes.latency_jobs))


async def _in_process(contender: Contender, sizes: Sizes) -> Figures:
    return _latency(await contender.latency_in_process(sizes.latency_jobs))


async def _import(contender: Contender, _sizes: Sizes) -> Figures:
    imported = await contender.import_time()
    return None if imported is None else {MILLISECONDS: imported.milliseconds}


async def _idle(contender: Contender, sizes: Sizes) -> Figures:
    idle = await contender.idle(sizes.idle_seconds)
    return None if idle is None else {PER_MINUTE: idle.per_minute}


async def _claim(contender: Contender, sizes: Sizes) -> Figures:
    claims = await contender.claim_backlog(sizes.backlog)
    if claims is None:
        return None
    return {
        f"ms at {claims.small.backlog:,}": claims.small.milliseconds,
        f"ms at {claims.large.backlog:,}": claims.large.milliseconds,
        GROWTH: claims.ratio,
    }


MEASURES = (
    Measure("sequential", _sequential),
    Measure("sequential-blocking", _sequential_blocking),
    Measure("concurrent", _concurrent),
    Measure("bulk", _bulk),
    Measure("bulk-concurrent", _bulk_concurrent),
    Measure("drain-one", _drain_one),
    Measure("drain-two", _drain_two),
    Measure("drain-remote", _drain_remote),
    Measure("drain-ruled", _drain_by_rules),
    Measure("drain-all-rules", _drain_by_all_rules),
    Measure("drain-unknown", _drain_among_unknown, repeated=False),
    Measure("latency", _between_processes),
    Measure("latency-in-process", _in_process),
    Measure("import", _import, repeated=False),
    Measure("idle", _idle, repeated=False),
    Measure("claim", _claim, repeated=False),
)
