"""A database with millions of finished and waiting jobs, what it costs beside an empty one, and how fast it is read.

    python -m benchmarks.large --finished 10000000 --waiting 1000000

The rows are made by the server itself, always the same but for the random half of their ids: eight days of jobs of
ten queues and twenty types, 90 % succeeded, 6 % failed, 4 % cancelled, an execution each, a log line for each hundredth.
What settling would have noted of them is folded into the record: hours of the past, minutes of the last day.
Figures of the two databases are taken in turn, in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import asyncpg
import uvloop

from benchmarks.server import postgres_server, settings
from benchmarks.workspace import PostgresWorkspace
from taskforge.domain.attempt_policy import AttemptPolicy
from taskforge.domain.ids import DEFAULT_PROJECT, QueueId, WorkerId
from taskforge.domain.job import JobStatus, NewJob
from taskforge.domain.lifecycle import decide
from taskforge.domain.outcome import Succeeded
from taskforge.domain.queue import QueueSettings, QueueState
from taskforge.domain.retention import Retention
from taskforge.domain.retry import RetryPolicy
from taskforge.domain.worker import ProcessIdentity, Registration, TaskDescription, WorkerType
from taskforge.ports.history import JobFilter
from taskforge.ports.jobs import ClaimRequest, Settlement
from taskforge.services.browsing import Browsing
from taskforge.services.metrics import Metrics
from taskforge.services.partitions import Partitions
from taskforge.services.recording import Recording
from taskforge.services.retention import Pruning
from taskforge.storage.errors import SqlErrorKeeper
from taskforge.storage.history import SqlHistoryStore
from taskforge.storage.jobs import SqlJobStore
from taskforge.storage.metrics import SqlMetricsStore
from taskforge.storage.migrate import migrate
from taskforge.storage.partitions import SqlPartitionStore
from taskforge.storage.postgres import PostgresEngine
from taskforge.storage.queues import SqlQueueStore
from taskforge.storage.recording import SqlRecordKeeper
from taskforge.storage.retention import SqlRetentionStore
from taskforge.storage.workers import SqlWorkerStore
from taskforge.wiring import mint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from taskforge.domain.job import Job

DAYS = 8
CHUNK = 250_000
BATCH = 500
FEW = 10
QUEUES = 10
WORKER = WorkerId(UUID(int=0xBE))
POLICY = AttemptPolicy(3, 600.0, RetryPolicy(), None)

FINISHED = """
WITH rows AS MATERIALIZED (
  SELECT i, (substr(taskforge_least_id(at)::text, 1, 14) || '7' || substr(gen_random_uuid()::text, 16))::uuid AS id,
    (substr(taskforge_least_id(at + interval '1 second')::text, 1, 14) || '7' || substr(gen_random_uuid()::text, 16))::uuid
      AS execution_id, at, q.id AS queue_id, 'type-' || (i % 20) AS job_type,
    CASE WHEN i % 50 < 45 THEN 'succeeded' WHEN i % 50 < 48 THEN 'failed' ELSE 'cancelled' END AS status
  FROM (SELECT i, now() - $4::interval + $4::interval * (i::float8 / $3) AS at
    FROM generate_series($1::bigint, $2::bigint) AS g (i)) g
  JOIN LATERAL (SELECT ($5::uuid[])[1 + g.i % array_length($5::uuid[], 1)] AS id) q ON true
),
made AS (
  INSERT INTO jobs (id, project_id, queue_id, job_type, payload, status, rank, priority, attempt_count, claim_seq,
    execution_id, worker_id, claimed_at, started_at, tags, created_at, updated_at, completed_at)
  SELECT id, $6, queue_id, job_type, json_build_object('number', i), status,
    (extract(epoch FROM at) * 1000000)::bigint, 0, 1, 1, execution_id, $7, at + interval '1 second',
    at + interval '1 second', CASE WHEN i % 100 = 0 THEN jsonb_build_array('tag-' || (i / 100 % 100)) END,
    at, at + interval '3 seconds', at + interval '3 seconds'
  FROM rows
),
ended AS (
  INSERT INTO executions (id, job_id, project_id, queue_id, job_type, worker_id, status, reason, attempt_number,
    claim_seq, output, error_type, error_message, claimed_at, started_at, finished_at, duration_us, class)
  SELECT execution_id, id, $6, queue_id, job_type, $7, status,
    CASE status WHEN 'failed' THEN 'error' WHEN 'cancelled' THEN 'cancelled' END, 1, 1,
    CASE status WHEN 'succeeded' THEN i::text END, CASE status WHEN 'failed' THEN 'ValueError' END,
    CASE status WHEN 'failed' THEN 'no' END, at + interval '1 second', at + interval '1 second',
    at + interval '3 seconds', 1000 + i % 1999000, status
  FROM rows
)
INSERT INTO log_lines (execution_id, seq, level, message, logged_at, class)
SELECT execution_id, 1, 'info', 'line of ' || i, at + interval '2 seconds', 'succeeded' FROM rows WHERE i % 100 = 1
"""
WAITING = """
INSERT INTO jobs (id, project_id, queue_id, job_type, payload, status, rank, priority, created_at, updated_at)
SELECT (substr(taskforge_least_id(now())::text, 1, 14) || '7' || substr(gen_random_uuid()::text, 16))::uuid, $3,
  ($4::uuid[])[1 + i % array_length($4::uuid[], 1)], 'type-' || (i % 20), json_build_object('number', i), 'pending',
  (extract(epoch FROM now()) * 1000000)::bigint, 0, now(), now()
FROM generate_series($1::bigint, $2::bigint) AS g (i)
"""

DELTAS = """
INSERT INTO attempt_deltas (project_id, queue_id, job_type, worker_id, settled_at, succeeded, failed, cancelled,
  durations, waits)
SELECT e.project_id, e.queue_id, e.job_type, e.worker_id, g.minute, count(*) FILTER (WHERE e.status = 'succeeded'),
  count(*) FILTER (WHERE e.status = 'failed'), count(*) FILTER (WHERE e.status = 'cancelled'),
  array_agg(e.duration_us) FILTER (WHERE e.status <> 'cancelled'),
  array_agg(e.duration_us * 7) FILTER (WHERE e.status <> 'cancelled')
FROM executions e, LATERAL (SELECT date_trunc(
  CASE WHEN e.finished_at < now() - interval '1 day' THEN 'hour' ELSE 'minute' END, e.finished_at) AS minute) g
GROUP BY e.project_id, e.queue_id, e.job_type, e.worker_id, g.minute
"""


@dataclass
class Site:
    """One database with its stores."""

    url: str
    engine: PostgresEngine
    queues: dict[str, QueueId] = field(default_factory=dict)
    claims: list[float] = field(default_factory=list)
    settles: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    @property
    def jobs(self) -> SqlJobStore:
        return SqlJobStore(self.engine)

    @property
    def history(self) -> SqlHistoryStore:
        return SqlHistoryStore(self.engine)

    def forget_figures(self) -> None:
        """Begin anew."""
        for figures in (self.claims, self.settles, self.rates):
            figures.clear()

    @property
    def pruning(self) -> Pruning:
        partitions = Partitions(SqlPartitionStore(self.engine))
        return Pruning(SqlRetentionStore(self.engine), Retention(), partitions=partitions)


def say(text: str) -> None:
    print(text, flush=True)


async def open_site(url: str) -> Site:
    """A database with the tables, ten queues, one to drain and one that is rare, and a worker that knows the types."""
    await migrate(url)
    site = Site(url, PostgresEngine(url, statement_timeout=900))
    store = SqlQueueStore(site.engine, mint)
    for name in [*(f"queue-{number}" for number in range(QUEUES)), "drain", "rare"]:
        queue = await store.create(DEFAULT_PROJECT, name, None, 0, QueueState.ACTIVE, QueueSettings())
        queue = queue or await store.find(DEFAULT_PROJECT, name)
        assert queue is not None
        site.queues[name] = queue.id
    types = [TaskDescription(name, "drain", {}, None) for name in (*(f"type-{n}" for n in range(20)), "t")]
    process = ProcessIdentity("bench", "bench", 1, "1")
    about = Registration("bench", WorkerType.GENERAL, {}, 1000, ["drain"], types, process, "0")
    await SqlWorkerStore(site.engine).register(DEFAULT_PROJECT, WORKER, about, 3_600_000_000)
    return site


async def run(url: str, statement: str) -> None:
    """One statement over a connection of its own."""
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


async def fill(site: Site, finished: int, waiting: int) -> None:
    """The finished jobs by two connections, then the waiting ones."""
    queues = [site.queues[f"queue-{number}"] for number in range(QUEUES)]
    began = time.monotonic()
    chunks = iter(range(0, finished, CHUNK))

    async def load() -> None:
        connection = await asyncpg.connect(site.url)
        for first in chunks:
            last = min(first + CHUNK, finished) - 1
            span = timedelta(days=DAYS, hours=6)
            await connection.execute(FINISHED, first, last, finished, span, queues, DEFAULT_PROJECT, WORKER)
            say(f"  {last + 1:,} of {finished:,} finished jobs after {time.monotonic() - began:.0f} s")
        await connection.close()

    connection = await asyncpg.connect(site.url)
    await connection.execute(
        "SELECT taskforge_make_partitions((now() AT TIME ZONE 'UTC')::date - $1::integer, $1::integer)",
        DAYS + 1,
    )
    # indexes are made when the rows are there, which is several times as fast
    indexes = await connection.fetch(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'jobs' AND indexname NOT IN ('jobs_pkey')"
    )
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['indexname']}")
    await asyncio.gather(load(), load())
    await asyncio.gather(*(run(site.url, index["indexdef"]) for index in indexes))
    for first in range(0, waiting, CHUNK):
        last = min(first + CHUNK, waiting) - 1
        await connection.execute(WAITING, first, last, DEFAULT_PROJECT, queues)
    await connection.execute(
        "UPDATE jobs SET queue_id = $1 WHERE id IN (SELECT id FROM jobs ORDER BY id LIMIT 1000)",
        site.queues["rare"],
    )
    for statement in ("VACUUM ANALYZE jobs", "ANALYZE executions", "ANALYZE log_lines", "CHECKPOINT"):
        await connection.execute(statement)
    size = await connection.fetchval("SELECT pg_size_pretty(pg_database_size(current_database()))")
    await connection.close()
    say(f"filled in {time.monotonic() - began:.0f} s: {size}")


async def fold(site: Site) -> None:
    """Into the record what settling would have noted, without the times themselves, which are long forgotten."""
    began = time.monotonic()
    await run(site.url, DELTAS)
    folded = await Recording(SqlRecordKeeper(site.engine), SqlErrorKeeper(site.engine, uuid4)).fold()
    await run(site.url, "DELETE FROM attempt_samples WHERE last_at < now() - interval '3 hours'")
    for table in ("attempt_deltas", "attempt_samples", "attempt_metrics"):
        await run(site.url, f"VACUUM ANALYZE {table}")
    say(f"folded {folded:,} deltas in {time.monotonic() - began:.0f} s")


async def drain(site: Site, jobs: int) -> None:
    """Accept, claim and settle, one batch after the other, as one worker would."""
    queue = site.queues["drain"]
    new = [NewJob(mint(), queue, "t", "{}") for _ in range(jobs)]
    await site.jobs.accept_all(DEFAULT_PROJECT, new)
    began = time.perf_counter()
    for _ in range(jobs // BATCH):
        await one_batch(site)
    site.rates.append(jobs / (time.perf_counter() - began))


async def one_batch(site: Site, free: int = BATCH) -> int:
    """Claim and settle a batch; both are timed."""
    request = ClaimRequest(
        DEFAULT_PROJECT,
        WORKER,
        [site.queues["drain"]],
        ["t"],
        free,
        1,
        60_000_000,
        [],
    )
    began = time.perf_counter()
    claimed = (await site.jobs.claim(request)).jobs
    claim = time.perf_counter()
    ends = [
        Settlement(
            job.id,
            job.claim_seq,
            job.execution_id,
            decide(Succeeded("1"), POLICY, attempt=1, losses=0, random=lambda: 0.0),
            1000,
            2000,
        )
        for job in claimed
    ]
    settle = time.perf_counter()
    await site.jobs.settle(ends)
    site.claims.append(claim - began)
    site.settles.append(time.perf_counter() - settle)
    return len(claimed)


def lists(site: Site, now: Any) -> Iterator[tuple[str, JobFilter]]:
    """Every way of choosing jobs."""
    one = [site.queues["queue-3"]]
    yield "all jobs", JobFilter()
    yield "a queue", JobFilter(queue_ids=one)
    yield "a rare queue", JobFilter(queue_ids=[site.queues["rare"]])
    for status in JobStatus:
        yield f"status {status}", JobFilter(statuses=[status])
        yield f"a queue, status {status}", JobFilter(queue_ids=one, statuses=[status])
    yield "a type", JobFilter(job_type="type-7")
    yield "a type that nobody has", JobFilter(job_type="nobody")
    yield "a tag (one job of 10,000)", JobFilter(tag="tag-7")
    yield "a tag that nobody has", JobFilter(tag="nobody")
    yield (
        "an hour, five days ago",
        JobFilter(created_from=now - timedelta(days=5, hours=1), created_to=now - timedelta(days=5)),
    )


async def measured(work: Callable[[], Awaitable[Any]], times: int = 5) -> tuple[float, float, Any]:
    """Median and maximum in milliseconds, after one try for the cache, and the last answer."""
    answer = await work()
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        answer = await work()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken), max(taken), answer


async def read(site: Site, figures: dict[str, Any]) -> None:
    """Every listing, its second page, and what belongs to one job."""
    now = await SqlRetentionStore(site.engine).now()
    for name, chosen in lists(site, now):
        median, most, page = await measured(partial(page_of, site, chosen), 3)
        figures[f"list: {name}"] = {"ms": round(median, 1), "most_ms": round(most, 1), "rows": len(page)}
        say(f"  list: {name}: {median:.1f} ms, at most {most:.1f}, {len(page)} rows")
    [job] = await site.history.jobs(DEFAULT_PROJECT, JobFilter(statuses=[JobStatus.FAILED], limit=1))
    reads: dict[str, Callable[[], Awaitable[Any]]] = {
        "executions of a job": lambda: site.history.executions(DEFAULT_PROJECT, job.id),
        "logs of a job": lambda: site.history.logs(DEFAULT_PROJECT, job_id=job.id),
        "statistics of a job": lambda: site.history.execution_stats(DEFAULT_PROJECT, job.id),
        "results of 100 jobs": lambda: site.history.endings(DEFAULT_PROJECT, [job.id] * 100),
    }
    reads |= {
        f"counts by tag {tag}": partial(site.history.counts, DEFAULT_PROJECT, tag=tag)
        for tag in ("tag-7", "nobody")
    }
    reads["counts by status"] = lambda: site.history.counts(DEFAULT_PROJECT)
    for name, work in reads.items():
        median, most, _ = await measured(work)
        figures[name] = {"ms": round(median, 1), "most_ms": round(most, 1)}
        say(f"  {name}: {median:.1f} ms, at most {most:.1f}")


async def page_of(site: Site, chosen: JobFilter) -> Sequence[Job]:
    """A page as the API gives it, which ends a walk after so many jobs."""
    return (await Browsing(site.history).page([DEFAULT_PROJECT], chosen, counted=False)).jobs


async def read_metrics(site: Site, figures: dict[str, Any]) -> None:
    """Every question about attempts, for short and long periods."""
    metrics = Metrics(SqlMetricsStore(site.engine), SqlQueueStore(site.engine, mint), DEFAULT_PROJECT)
    queue = site.queues["queue-3"]
    for hours in (1, 24, 24 * 30):
        period = await metrics.last(hours)
        reads: dict[str, Callable[[], Awaitable[Any]]] = {
            "a queue": partial(metrics.queue, queue, period),
            "all queues": partial(metrics.queues, period),
            "the types of a queue": partial(metrics.job_types, period, queue_id=queue),
            "all types": partial(metrics.job_types, period),
            "the project": partial(metrics.project, period),
            "all workers": partial(metrics.workers, period),
            "throughput of a queue": partial(metrics.throughput, period, queue_id=queue),
            "throughput": partial(metrics.throughput, period),
            "depths of a queue": partial(metrics.depths, queue, period),
        }
        for name, work in reads.items():
            median, most, _ = await measured(work)
            figures[f"metrics of {hours} h: {name}"] = {"ms": round(median, 1), "most_ms": round(most, 1)}
            say(f"  metrics of {hours} h: {name}: {median:.1f} ms, at most {most:.1f}")


async def forget(site: Site, figures: dict[str, Any]) -> None:
    """Prune what is old and drop its days while a worker drains."""
    new = [NewJob(mint(), site.queues["drain"], "t", "{}") for _ in range(40_000)]
    await site.jobs.accept_all(DEFAULT_PROJECT, new)
    site.forget_figures()
    pruning = site.pruning
    preview = await pruning.preview(10**9)
    began = time.perf_counter()
    done = asyncio.create_task(pruning.prune())
    while not done.done():
        if not await one_batch(site, FEW):
            await site.jobs.accept_all(
                DEFAULT_PROJECT,
                [NewJob(mint(), site.queues["drain"], "t", "{}") for _ in range(20_000)],
            )
        await asyncio.sleep(0)
    pruned = await done
    took = time.perf_counter() - began
    assert pruned.total >= preview.total  # time goes on
    figures["pruned jobs"] = pruned.total
    figures["pruned jobs/s, with the moving and dropping, beside a drain"] = round(pruned.total / took)
    figures["partitions dropped"] = len(pruned.dropped)
    figures["slowest claim of 10 meanwhile, ms"] = round(max(site.claims) * 1000, 1)
    figures["median claim of 10 meanwhile, ms"] = round(statistics.median(site.claims) * 1000, 1)
    figures["slowest settle of 10 meanwhile, ms"] = round(max(site.settles) * 1000, 1)
    say(f"  pruned {pruned.total:,} jobs in {took:.1f} s, dropped {pruned.dropped}")
    site.forget_figures()
    await make_and_drop(site, figures)


async def make_and_drop(site: Site, figures: dict[str, Any]) -> None:
    """Drop a full day by itself, while a worker drains: nothing but the drop is beside the claims."""
    store = SqlPartitionStore(site.engine)
    days = [leaf for leaf in await store.all() if leaf.day is not None and leaf.table == "executions"]
    victim = max((leaf for leaf in days if leaf.outcome is JobStatus.SUCCEEDED), key=lambda leaf: leaf.bytes)
    await site.jobs.accept_all(
        DEFAULT_PROJECT,
        [NewJob(mint(), site.queues["drain"], "t", "{}") for _ in range(30_000)],
    )
    for _ in range(300):
        await one_batch(site, FEW)
    done = asyncio.create_task(store.drop(victim.name))
    before = len(site.claims)
    for _ in range(300):
        await one_batch(site, FEW)
    figures[f"a day of {victim.bytes / 2**20:,.0f} MiB dropped"] = await done
    during = site.claims[before:]
    figures["slowest claim of 10 around that drop, ms"] = round(max(during) * 1000, 1)
    figures["slowest claim of 10 before it, ms"] = round(max(site.claims[:before]) * 1000, 1)


async def measure(address: str, chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    workspace = PostgresWorkspace(address, folder)
    figures: dict[str, Any] = await settings(address)
    kept = workspace.named(chosen.keep) if chosen.keep else workspace.fresh()
    async with workspace.fresh() as empty_url, kept as large_url:
        empty, large = await open_site(empty_url), await open_site(large_url)
        if not await large.history.jobs(DEFAULT_PROJECT, JobFilter(limit=1)):
            say(f"filling {chosen.finished:,} finished and {chosen.waiting:,} waiting jobs")
            await fill(large, chosen.finished, chosen.waiting)
            await fold(large)
        for round_ in range(chosen.repetitions + 1):
            for site in (empty, large) if round_ % 2 else (large, empty):
                await workspace.settle()
                await drain(site, chosen.jobs)
                if round_ == 0:  # the first fills the caches
                    site.forget_figures()
        compare(empty, large, figures)
        await read(large, figures)
        await read_metrics(large, figures)
        if not chosen.read_only:
            await forget(large, figures)
        for site in (empty, large):
            await site.engine.close()
    return figures


def compare(empty: Site, large: Site, figures: dict[str, Any]) -> None:
    """The drains of both, and their ratio."""
    for name, one, other, unit in (
        ("drain, jobs/s", empty.rates, large.rates, 1),
        ("claim of 500, s", empty.claims, large.claims, 100_000),
        ("settle of 500, s", empty.settles, large.settles, 100_000),
    ):
        small, big = statistics.median(one), statistics.median(other)
        figures[name] = {
            "empty": round(small * unit) / unit,
            "large": round(big * unit) / unit,
            "ratio": round(big / small, 3),
        }
        say(f"  {name}: empty {small:,.5g}, large {big:,.5g}, ratio {big / small:.3f}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large", description=__doc__)
    parser.add_argument("--finished", type=int, default=1_000_000)
    parser.add_argument("--waiting", type=int, default=100_000)
    parser.add_argument("--jobs", type=int, default=10_000, help="jobs of each drain")
    parser.add_argument("--repetitions", type=int, default=4)
    parser.add_argument(
        "--keep", metavar="NAME", help="fill the database NAME, where it is empty, and leave it there"
    )
    parser.add_argument("--read-only", action="store_true", help="prune nothing, for another run with --keep")
    chosen = parser.parse_args()
    with (
        postgres_server() as address,
        tempfile.TemporaryDirectory(prefix="taskforge-benchmarks-") as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        print(json.dumps(runner.run(measure(address, chosen, Path(folder))), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
