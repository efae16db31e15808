"""What goes, what stays, when; and that nothing of a job that stays is lost with a day that goes."""

from __future__ import annotations

import asyncio
import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from taskforge.domain.errors import ArchiveFailed, InvalidSetting
from taskforge.domain.ids import JobId, least_id
from taskforge.domain.job import JobStatus
from taskforge.domain.outcome import Cancelled, Failed, Released, Succeeded
from taskforge.domain.retention import Retention
from taskforge.services.partitions import Partitions
from taskforge.services.retention import Pruned, Pruning
from taskforge.storage.archives import open_archive
from taskforge.storage.engine import One
from taskforge.storage.partitions import SqlPartitionStore
from taskforge.storage.retention import SqlRetentionStore
from tests.conformance.stage import BOOM, line, plain_policy

if TYPE_CHECKING:
    from taskforge.domain.outcome import Outcome
    from taskforge.domain.queue import Queue
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio

DAY = 86_400.0
ENDS: dict[JobStatus, Outcome] = {
    JobStatus.SUCCEEDED: Succeeded('"done"'),
    JobStatus.CANCELLED: Cancelled("no"),
    JobStatus.FAILED: Failed(BOOM, final=True),
}


def pruning(stage: Stage, retention: Retention | None = None, **options: Any) -> Pruning:
    """Over the stage's stores; PostgreSQL with its partitions."""
    partitions = Partitions(SqlPartitionStore(stage.engine)) if stage.dialect == "postgres" else None
    return Pruning(
        SqlRetentionStore(stage.engine), retention or Retention(), partitions=partitions, **options
    )


@pytest.fixture
def now(stage: Stage) -> Stage:
    """The stage in the present: PostgreSQL mints executions' ids by its own clock, and days go by these."""
    stage.clock.time = datetime.now(UTC)
    return stage


async def ended(stage: Stage, queue: Queue, status: JobStatus, **values: Any) -> UUID:
    """A job that ended so, with a line in its log."""
    job = await stage.start(queue, **values)
    assert await stage.finish(job, ENDS[status], lines=[line(1, f"said by {status}")])
    assert await stage.status(job.id) is status
    return job.id


async def retried(stage: Stage, queue: Queue, status: JobStatus) -> UUID:
    """A job that failed once, was handed back once, and then ended so; each attempt has its line."""
    job = await stage.start(queue)
    assert await stage.finish(job, Failed(BOOM), policy=plain_policy(5, base=0.001), lines=[line(1, "first")])
    stage.clock.advance(1)
    await stage.jobs.promote(None, 10)
    again = await stage.claim_one(queue)
    assert await stage.finish(again, Released(), lines=[line(1, "second")])
    last = await stage.claim_one(queue)
    assert await stage.finish(last, ENDS[status], lines=[line(1, "third")])
    assert await stage.status(job.id) is status
    return job.id


async def rows(stage: Stage) -> tuple[int, int, int]:
    """Jobs, executions, lines."""
    found = [
        (await stage.sql(f"SELECT count(*) FROM {table}"))[0][0]
        for table in ("jobs", "executions", "log_lines")
    ]
    return found[0], found[1], found[2]


async def left(stage: Stage, *jobs: UUID) -> list[bool]:
    return [await stage.history.job(stage.project, JobId(job)) is not None for job in jobs]


def documents(path: str) -> list[dict[str, Any]]:
    """What an archived file holds."""
    if path.endswith(".ndjson.gz"):
        return [json.loads(text) for text in gzip.decompress(Path(path).read_bytes()).splitlines()]
    from pyarrow import parquet

    found: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return found


def drafts(folder: Path) -> list[Path]:
    """Files that are not yet what they shall be."""
    return list(folder.rglob(".*"))


async def test_each_status_has_its_age(stage: Stage) -> None:
    queue = await stage.queue()
    jobs = [await ended(stage, queue, status) for status in ENDS]
    for days, expected in ((6.9, [1, 1, 1]), (0.2, [0, 1, 1]), (23, [0, 0, 1]), (60, [0, 0, 0])):
        stage.clock.advance(days * DAY)
        await pruning(stage).prune()
        assert await left(stage, *jobs) == list(map(bool, expected))


async def test_what_waits_or_runs_is_never_pruned(stage: Stage) -> None:
    queue = await stage.queue()
    running = await stage.start(queue)
    [waiting] = await stage.add(queue)
    [later] = await stage.add(queue, delay_us=10**15)
    gone = await ended(stage, await stage.queue("other"), JobStatus.SUCCEEDED)
    stage.clock.advance(1000 * DAY)
    await pruning(stage).prune()
    assert await left(stage, running.id, waiting, later, gone) == [True, True, True, False]


async def test_a_queue_s_own_ages_go_before(stage: Stage) -> None:
    usual = await stage.queue()
    long = await stage.queue("long", keep_succeeded_days=365.0)
    short = await stage.queue("short", keep_failed_days=1.0, keep_cancelled_days=0.5)
    jobs = [
        await ended(stage, usual, JobStatus.SUCCEEDED),
        await ended(stage, long, JobStatus.SUCCEEDED),
        await ended(stage, usual, JobStatus.FAILED),
        await ended(stage, short, JobStatus.FAILED),
        await ended(stage, short, JobStatus.CANCELLED),
    ]
    stage.clock.advance(0.7 * DAY)
    await pruning(stage).prune()
    assert await left(stage, *jobs) == [True, True, True, True, False]
    stage.clock.advance(8 * DAY)
    await pruning(stage).prune()
    assert await left(stage, *jobs) == [False, True, True, False, False]
    stage.clock.advance(360 * DAY)
    await pruning(stage).prune()
    assert not any(await left(stage, *jobs))


async def test_a_dead_letter_counts_as_failed(stage: Stage) -> None:
    dead = await stage.queue("dead")
    job = await stage.bury(await stage.queue(), dead)
    stage.clock.advance(89 * DAY)
    await pruning(stage).prune()
    assert await left(stage, job) == [True]
    stage.clock.advance(2 * DAY)
    await pruning(stage).prune()
    assert await left(stage, job) == [False]
    assert await stage.history.dead_letter_count(stage.project, dead.id) == 0


async def test_the_jobs_of_a_queue_that_is_gone_go_too(stage: Stage) -> None:
    queue = await stage.queue("brief")
    job = await ended(stage, queue, JobStatus.SUCCEEDED)
    assert await stage.queues.delete(stage.project, queue.id) == {}
    stage.clock.advance(8 * DAY)
    pruned = await pruning(stage).prune()
    assert pruned.jobs == {(None, "succeeded"): 1}
    assert await left(stage, job) == [False]


async def test_of_every_project(stage: Stage) -> None:
    other = await stage.other_project()
    queue = await stage.queue("theirs", project=other)
    [job_id] = await stage.add(queue)
    assert await stage.jobs.cancel(other, JobId(job_id)) is JobStatus.PENDING
    stage.clock.advance(31 * DAY)
    assert (await pruning(stage).prune()).total == 1
    assert await stage.history.job(other, JobId(job_id)) is None


async def test_batches_go_on_where_the_last_ended(stage: Stage) -> None:
    queue = await stage.queue()
    young = await stage.start(queue)  # the oldest id, and not yet ended when the others are old
    await stage.know("t")
    for job_id in await stage.add(queue, 7):
        await stage.jobs.cancel(stage.project, JobId(job_id))
    stage.clock.advance(30.5 * DAY)
    assert await stage.finish(young, Cancelled("late"))
    preview = await pruning(stage, batch=2).preview()
    pruned = await pruning(stage, batch=2).prune()
    assert preview.jobs == pruned.jobs == {("default", "cancelled"): 7}
    assert await left(stage, young.id) == [True]


async def test_a_job_that_is_retried_meanwhile_stays(stage: Stage) -> None:
    queue = await stage.queue()
    job = await ended(stage, queue, JobStatus.FAILED)
    store = SqlRetentionStore(stage.engine)
    stage.clock.advance(91 * DAY)
    cutoff = stage.clock.now() - timedelta(days=90)
    assert await stage.jobs.retry(stage.project, JobId(job), None) is JobStatus.FAILED
    assert await store.prune(JobStatus.FAILED, cutoff, [job]) == 0
    assert await stage.status(job) is JobStatus.PENDING
    assert len(await stage.executions(job)) == 1


@pytest.mark.parametrize("status", ENDS)
async def test_executions_and_lines_go_with_their_job(now: Stage, status: JobStatus) -> None:
    queue = await now.queue()
    await ended(now, queue, status)
    await retried(now, queue, status)
    now.clock.advance(95 * DAY)
    await pruning(now).prune()
    assert await rows(now) == (0, 0, 0)


async def test_dropping_what_succeeded_never_drops_failures(now: Stage) -> None:
    queue = await now.queue()
    failed, cancelled = [await ended(now, queue, s) for s in (JobStatus.FAILED, JobStatus.CANCELLED)]
    often = await retried(now, queue, JobStatus.FAILED)
    for _ in range(3):
        await ended(now, queue, JobStatus.SUCCEEDED)
    flaky = await retried(now, queue, JobStatus.SUCCEEDED)
    now.clock.advance(9 * DAY)
    pruned = await pruning(now).prune()
    assert pruned.jobs == {("default", "succeeded"): 4}
    assert await left(now, flaky, failed, cancelled, often) == [False, True, True, True]
    assert [len(await now.executions(job)) for job in (failed, cancelled, often)] == [1, 1, 3]
    assert (await now.messages(often))[:1] == ["first"]
    assert {"second", "third"} < set(await now.messages(often))
    assert "said by failed" in await now.messages(failed)
    assert (await rows(now))[:2] == (3, 5)
    if now.dialect == "postgres":
        assert len(pruned.dropped) >= 2
    now.clock.advance(25 * DAY)  # the cancelled attempt's day goes, its job is still there
    await pruning(now).prune()
    assert await left(now, failed, cancelled, often) == [True, False, True]
    assert len(await now.executions(often)) == 3
    assert {"first", "second", "third"} < set(await now.messages(often))
    now.clock.advance(60 * DAY)
    await pruning(now).prune()
    assert await rows(now) == (0, 0, 0)


async def test_a_day_goes_while_a_queue_still_needs_some_of_it(now: Stage) -> None:
    usual = await now.queue()
    long = await now.queue("long", keep_succeeded_days=40.0)
    await ended(now, usual, JobStatus.SUCCEEDED)
    kept = await ended(now, long, JobStatus.SUCCEEDED)
    now.clock.advance(9 * DAY)
    await pruning(now).prune()
    [execution] = await now.executions(kept)
    assert execution.output == "done"
    assert await now.messages(kept) == ["said by succeeded"]
    [ending] = await now.history.endings(now.project, [kept])
    assert ending.output == '"done"'
    now.clock.advance(32 * DAY)
    await pruning(now).prune()
    assert await rows(now) == (0, 0, 0)


async def test_the_day_of_a_running_job_waits_for_it(now: Stage) -> None:
    if now.dialect != "postgres":
        pytest.skip("a file has no partitions")
    job = await now.start(await now.queue())
    now.clock.advance(20 * DAY)
    assert (await pruning(now).prune()).dropped == []
    assert await now.finish(job, Succeeded("1"), lines=[line(1, "at last")])
    assert (await pruning(now).prune()).dropped
    assert [execution.output for execution in await now.executions(job.id)] == [1]
    assert await now.messages(job.id) == ["at last"]


async def test_without_a_partition_rows_are_kept_and_pruned_all_the_same(now: Stage) -> None:
    if now.dialect != "postgres":
        pytest.skip("a file has no partitions")
    store = SqlPartitionStore(now.engine)
    for leaf in await store.all():
        if leaf.day is not None:
            assert await store.drop(leaf.name)
    queue = await now.queue()
    done, lost = [await ended(now, queue, s) for s in (JobStatus.SUCCEEDED, JobStatus.FAILED)]
    assert await store.strays(100) == {"executions": 2, "log_lines": 3}
    made = await store.make(4)
    leaves = await store.all()
    today = datetime.now(UTC).date()
    assert made == 4 * 6 - 3  # three hold today's rows in their default partition
    assert sum(leaf.day == today for leaf in leaves) == 3
    assert await left(now, done, lost) == [True, True]
    now.clock.advance(91 * DAY)
    await pruning(now).prune()
    assert await rows(now) == (0, 0, 0)
    assert await store.strays(100) == {"executions": 0, "log_lines": 0}


async def test_what_has_no_day_goes_alone(now: Stage) -> None:
    """Of two executions whose lines lie where no partition is for them, one is pruned."""
    if now.dialect != "postgres":
        pytest.skip("a file has no partitions")
    gone, stays = UUID(int=1), UUID(int=2)
    leaves = [
        f"log_lines_{name}" for name in ("kept", "succeeded_default", "cancelled_default", "failed_default")
    ]
    for leaf in leaves:
        for execution in (gone, stays):
            await now.sql(
                f"INSERT INTO {leaf} (execution_id, seq, level, message, logged_at, class)"
                f" VALUES ('{execution}', 1, 'info', 'said', now(), '{leaf.split('_')[2]}')"
            )
    await now.engine.call(One("prune_strays", {"execution_ids": [gone], "job_ids": []}))
    for leaf in leaves:
        assert [row[0] for row in await now.sql(f"SELECT execution_id FROM {leaf}")] == [stays], leaf


async def test_partitions_are_made_once_by_many(now: Stage) -> None:
    if now.dialect != "postgres":
        pytest.skip("a file has no partitions")
    store = SqlPartitionStore(now.engine)
    before = {leaf.name for leaf in await store.all()}
    made = await asyncio.gather(*(store.make(6) for _ in range(5)))
    after = {leaf.name for leaf in await store.all()}
    assert sum(made) in (12, 2 * 6)
    assert len(after - before) == 12


async def test_a_drop_gives_way_to_whoever_reads(now: Stage) -> None:
    if now.dialect != "postgres":
        pytest.skip("a file has no partitions")
    store = SqlPartitionStore(now.engine)
    [leaf, *_] = [leaf for leaf in await store.all() if leaf.day is not None]
    await now.sql("BEGIN")
    await now.sql(f"SELECT count(*) FROM {leaf.name}")
    began = asyncio.get_running_loop().time()
    assert await store.drop(leaf.name) is False
    assert asyncio.get_running_loop().time() - began < 20
    await now.sql("COMMIT")
    assert await store.drop(leaf.name) is True


async def test_one_of_all_processes_does_it(stage: Stage) -> None:
    rounds = [pruning(stage, interval=60).round() for _ in range(4)]
    done = [pruned for pruned in await asyncio.gather(*rounds) if pruned is not None]
    assert len(done) == 1
    stage.clock.advance(59)
    assert await pruning(stage, interval=60).round() is None
    stage.clock.advance(2)
    assert await pruning(stage, interval=60).round() == Pruned()


async def test_two_at_the_same_time_prune_each_job_once(stage: Stage) -> None:
    queue = await stage.queue()
    for job_id in await stage.add(queue, 60):
        await stage.jobs.cancel(stage.project, JobId(job_id))
    stage.clock.advance(31 * DAY)
    both = await asyncio.gather(*(pruning(stage, batch=7).prune() for _ in range(3)))
    assert sum(pruned.total for pruned in both) == 60
    assert (await rows(stage))[0] == 0


@pytest.mark.parametrize("form", ["ndjson", "parquet"])
async def test_records_are_archived_before_they_go(stage: Stage, tmp_path: Path, form: str) -> None:
    queue = await stage.queue()
    job = await retried(stage, queue, JobStatus.FAILED)
    await stage.sql(f"""UPDATE jobs SET needs = '{{"requires": {{"gpu": ">=1"}}}}' WHERE id = '{job}'""")
    await ended(stage, queue, JobStatus.SUCCEEDED)
    stage.clock.advance(91 * DAY)
    archive = open_archive(f"{form}:{tmp_path}")
    pruned = await pruning(stage, archive=archive).prune()
    assert (await rows(stage))[0] == 0
    assert len(pruned.archived) == 2
    [path] = [path for path in pruned.archived if "/failed-" in path]
    [document] = documents(path)
    assert document["id"] == str(job)
    assert document["status"] == "failed"
    wishes = (document["requires"], document["prefers"])
    assert wishes == (({"gpu": ">=1"}, {}) if form == "ndjson" else ('{"gpu":">=1"}', "{}"))
    assert [e["status"] for e in document["executions"]] == ["retry_scheduled", "cancelled", "failed"]
    assert [e["log"][0]["message"] for e in document["executions"]] == ["first", "second", "third"]
    assert not drafts(tmp_path)


async def test_an_archive_that_fails_keeps_the_jobs(stage: Stage, tmp_path: Path) -> None:
    job = await ended(stage, await stage.queue(), JobStatus.SUCCEEDED)
    stage.clock.advance(8 * DAY)
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    with pytest.raises(ArchiveFailed):
        await pruning(stage, archive=open_archive(str(blocked))).prune()
    assert await left(stage, job) == [True]


async def test_archiving_again_replaces_the_file(stage: Stage, tmp_path: Path) -> None:
    await ended(stage, await stage.queue(), JobStatus.SUCCEEDED)
    stage.clock.advance(8 * DAY)
    store = SqlRetentionStore(stage.engine)
    [line_of_jobs] = [found for found in await store.lines() if found.status is JobStatus.SUCCEEDED]
    page = await store.page(line_of_jobs, stage.clock.now() - timedelta(days=7), None, 10)
    archive = open_archive(f"ndjson:{tmp_path}")
    first = await archive.write(await store.records(stage.project, page.ids))
    assert await archive.write(await store.records(stage.project, page.ids)) == first
    pruned = await pruning(stage, archive=archive).prune()
    assert pruned.archived == [first]


@pytest.mark.parametrize("setting", ["csv:/tmp", "ndjson:", ":x"])
def test_an_archive_is_named_by_form_and_folder(setting: str) -> None:
    with pytest.raises(InvalidSetting):
        open_archive(setting)


def test_the_least_id_of_a_moment_is_not_greater_than_any_that_is_minted_then() -> None:
    from taskforge.wiring import mint

    before = datetime.now(UTC)
    identity = mint()
    assert least_id(before) <= identity < least_id(before + timedelta(seconds=1))


async def test_a_day_is_analyzed_and_not_vacuumed_while_it_fills(now: Stage) -> None:
    if now.dialect != "postgres":
        pytest.skip("a file has no partitions")
    await SqlPartitionStore(now.engine).make(1)
    rows = await now.sql(
        "SELECT reloptions FROM pg_class WHERE relname ~ '^(executions|log_lines)_.*_[0-9]{8}$'"
    )
    assert len(rows) >= 6
    for [options] in rows:
        assert {"autovacuum_vacuum_insert_threshold=-1", "fillfactor=100"} <= set(options)


async def test_while_nothing_can_be_old_enough_nothing_is_asked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = 1000.0
    monkeypatch.setattr("taskforge.services.retention.time", SimpleNamespace(monotonic=lambda: moment))
    await ended(stage, await stage.queue(), JobStatus.SUCCEEDED)
    pruned = Pruning(SqlRetentionStore(stage.engine), Retention(0.01, 1, 1), interval=60)  # 864 s
    assert await pruned.round() == Pruned()

    async def pass_by(seconds: float) -> Pruned | None:
        nonlocal moment
        moment += seconds
        stage.clock.advance(seconds)
        return await pruned.round()

    assert await pass_by(800) is None
    assert (await pass_by(100) or Pruned()).total == 1
    assert await pass_by(61) == Pruned()
    assert await pass_by(61) is None, "what ends now is old enough in 864 s"
    outlook = await stage.jobs.outlook("none", 10**15)
    pruned.hear(outlook)
    assert await pass_by(1) == Pruned(), "the configuration may be another one"
    pruned.hear(outlook)
    assert await pass_by(61) is None
    assert await pass_by(803) == Pruned()
