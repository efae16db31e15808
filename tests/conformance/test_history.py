"""What people and programs ask about jobs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from taskforge.domain.execution import ExecutionStatus
from taskforge.domain.job import JobStatus
from taskforge.domain.outcome import Failed, Released, Succeeded
from taskforge.ports.history import JobFilter, PayloadCondition
from tests.conformance.stage import BOOM, NOON, line, plain_policy

if TYPE_CHECKING:
    from typing import Any

    from taskforge.domain.ids import JobId
    from tests.conformance.stage import Stage

pytestmark = pytest.mark.anyio


async def _ids(stage: Stage, **chosen: Any) -> list[JobId]:
    return [job.id for job in await stage.history.jobs(stage.project, JobFilter(**chosen))]


async def test_a_list_is_newest_first(stage: Stage) -> None:
    queue = await stage.queue()
    ids = await stage.add(queue, 5)
    assert await _ids(stage) == ids[::-1]
    assert await _ids(stage, limit=2) == ids[:-3:-1]
    assert await _ids(stage, limit=0) == []


async def test_jobs_are_found_by_their_payload(stage: Stage) -> None:
    queue = await stage.queue()
    payload = '{"customer": {"id": 7, "name": "Ani"}, "lines": [{"n": 1}], "gift": null, "paid": true}'
    [job] = await stage.add(queue, 1, payload=payload)
    await stage.add(queue, 1, payload='{"customer": {"id": "7"}}')
    await stage.add(queue, 1, payload="[7]")

    async def found(value: str, *path: str) -> list[JobId]:
        return await _ids(stage, payload=PayloadCondition(path, value))

    assert await found("7", "customer", "id") == [job]
    assert await found('"Ani"', "customer", "name") == [job]
    assert await found("1", "lines", "0", "n") == [job]
    assert await found("true", "paid") == [job]
    assert await found("null", "gift") == [job]
    assert await found("1", "paid") == []
    assert await found("8", "customer", "id") == []
    assert await found("7", "nothing", "here") == []


async def test_jobs_are_found_by_their_error(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.bury(queue)
    await stage.add(queue)
    assert await _ids(stage, error_text="valueerror: BOO") == [job]
    assert await _ids(stage, error_text="%") == []


async def test_a_walk_over_many_jobs_that_do_not_fit_is_given_up_and_goes_on(stage: Stage) -> None:
    queue = await stage.queue()
    [oldest] = await stage.add(queue, 1, "rare")
    await stage.add(queue, 1500)
    chosen = JobFilter(job_type="rare", limit=1)
    first = await stage.history.walk(stage.project, chosen, 1)
    assert first.ids == []
    assert first.place is not None
    second = await stage.history.walk(stage.project, replace(chosen, before=first.place), 100_000)
    assert second.ids == [oldest]


async def test_filters(stage: Stage) -> None:
    one, two, letters = await stage.queue("one"), await stage.queue("two"), await stage.queue("letters")
    await stage.know("t", "u")
    [a] = await stage.add(one, 1, "t", tags='["x","y z"]')
    stage.clock.advance(10)
    [b] = await stage.add(two, 1, "u", tags='["x"]', delay_us=60_000_000)
    stage.clock.advance(10)
    dead = await stage.bury(one, letters, priority=1)
    assert await _ids(stage, queue_ids=[one.id]) == [dead, a]
    assert await _ids(stage, queue_ids=[one.id, two.id]) == [dead, b, a]
    assert await _ids(stage, queue_ids=[]) == []
    assert await _ids(stage, statuses=[JobStatus.PENDING, JobStatus.FAILED]) == [dead, a]
    assert await _ids(stage, statuses=[JobStatus.SCHEDULED]) == [b]
    assert await _ids(stage, statuses=[]) == []
    assert await _ids(stage, job_type="u") == [b]
    assert await _ids(stage, tag="x") == [b, a]
    assert await _ids(stage, tag="y z") == [a]
    assert await _ids(stage, tag="y") == []
    assert await _ids(stage, created_from=NOON + timedelta(seconds=10)) == [dead, b]
    assert await _ids(stage, created_to=NOON + timedelta(seconds=10)) == [a]
    for year, found in ((1, []), (1969, []), (9999, [dead, b, a])):
        at_its_end = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
        assert await _ids(stage, created_to=at_its_end) == found
    due = NOON + timedelta(seconds=70)
    assert await _ids(stage, scheduled_from=due) == [b]
    assert await _ids(stage, scheduled_to=due) == []
    assert await _ids(stage, scheduled_to=due + timedelta(seconds=1)) == [b]
    assert await _ids(stage, dead_letter_queue_id=letters.id) == [dead]
    assert await _ids(stage, queue_ids=[one.id], job_type="t", tag="x", before=dead) == [a]


async def test_pages_stay_put_while_jobs_come_in(stage: Stage) -> None:
    queue = await stage.queue()
    ids = await stage.add(queue, 25)
    seen: list[JobId] = []
    before: UUID | None = None
    while page := await _ids(stage, before=before, limit=7):
        seen += page
        before = page[-1]
        await stage.add(queue, 3)
    assert seen == ids[::-1]


async def test_counts_name_every_status(stage: Stage) -> None:
    one, two = await stage.queue("one"), await stage.queue("two")
    assert await stage.history.counts(stage.project) == dict.fromkeys(JobStatus, 0)
    await stage.add(one, 3, tags='["x"]')
    await stage.add(two, 2, delay_us=10)
    assert (await stage.history.counts(stage.project))[JobStatus.PENDING] == 3
    assert (await stage.history.counts(stage.project, queue_id=two.id))[JobStatus.SCHEDULED] == 2
    assert (await stage.history.counts(stage.project, queue_id=two.id))[JobStatus.PENDING] == 0
    assert (await stage.history.counts(stage.project, tag="x"))[JobStatus.PENDING] == 3
    assert (await stage.history.counts(stage.project, queue_id=two.id, tag="x"))[JobStatus.PENDING] == 0


async def test_executions_come_newest_first(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    for _ in range(4):
        assert await stage.finish(job, Failed(BOOM, retry_after=0), policy=plain_policy(9))
        await stage.jobs.promote(None, 1)
        job = await stage.claim_one(queue)
    assert await stage.finish(job, Succeeded())
    found = await stage.executions(job.id)
    assert [execution.attempt_number for execution in found] == [5, 4, 3, 2, 1]
    assert found[0].status is ExecutionStatus.SUCCEEDED


async def test_the_log_spans_all_attempts_in_pages(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    first = job.execution_id
    levels = ["trace", "debug", "info", "warn", "error"]
    lines = [line(n, f"1.{n}", level) for n, level in enumerate(levels, 1)]
    assert await stage.finish(job, Released(), lines=lines)
    stage.clock.advance(1)
    await stage.sql("SELECT pg_sleep(0.005)" if stage.dialect == "postgres" else "SELECT 1")
    job = await stage.claim_one(queue)
    live = [(job.id, job.claim_seq, job.execution_id, line(n, f"2.{n}")) for n in (1, 2)]
    await stage.jobs.append_lines(live)
    expected = ["1.1", "1.2", "1.3", "1.4", "1.5", "2.1", "2.2"]
    assert await stage.messages(job.id) == expected
    seen: list[str] = []
    after: tuple[UUID, int] | None = None
    while page := await stage.history.logs(stage.project, job_id=job.id, after=after, limit=2):
        seen += [found.message for found in page]
        after = (page[-1].execution_id, page[-1].seq)
    assert seen == expected
    only = await stage.history.logs(
        stage.project, job_id=job.id, execution_id=first, levels=["warn", "error"]
    )
    assert [found.message for found in only] == ["1.4", "1.5"]
    assert await stage.history.logs(stage.project, job_id=job.id, levels=[]) == []
    rest = await stage.history.logs(stage.project, job_id=job.id, after=(first, 3), levels=["info", "error"])
    assert [found.message for found in rest] == ["1.5", "2.1", "2.2"]
    of_first = await stage.history.logs(stage.project, job_id=job.id, execution_id=first, after=(first, 4))
    assert [found.message for found in of_first] == ["1.5"]
    assert await stage.history.logs(stage.project, job_id=job.id, execution_id=first, after=(first, 5)) == []


async def test_another_job_s_execution_is_not_in_this_job_s_log(stage: Stage) -> None:
    queue = await stage.queue()
    one, two = await stage.start(queue), await stage.start(queue)
    assert await stage.finish(two, Succeeded(), lines=[line(1, "two's")])
    assert await stage.history.logs(stage.project, job_id=one.id, execution_id=two.execution_id) == []


async def test_stats_of_a_job(stage: Stage) -> None:
    queue = await stage.queue()
    job = await stage.start(queue)
    stats = await stage.history.execution_stats(stage.project, job.id)
    assert (stats.total_executions, stats.succeeded_count, stats.failed_count) == (0, 0, 0)
    assert (stats.avg_duration_ms, stats.min_duration_ms, stats.max_duration_ms) == (None, None, None)
    assert await stage.finish(job, Failed(BOOM, retry_after=0))
    await stage.jobs.promote(None, 1)
    job = await stage.claim_one(queue)
    assert await stage.finish(job, Released())
    job = await stage.claim_one(queue)
    assert await stage.finish(job, Succeeded())
    stats = await stage.history.execution_stats(stage.project, job.id)
    assert (stats.job_id, stats.total_executions) == (job.id, 3)
    assert (stats.succeeded_count, stats.failed_count) == (1, 1)
    assert (stats.avg_duration_ms, stats.min_duration_ms, stats.max_duration_ms) == (2.0, 2.0, 2.0)


async def test_the_end_of_an_id_finds_it_among_the_recent(stage: Stage) -> None:
    queue = await stage.queue()
    ids = await stage.add(queue, 30)
    for job_id in (ids[0], ids[-1]):
        assert await stage.history.job_ids_by_suffix(stage.project, job_id.hex[-8:], 1000) == [job_id]
        assert await stage.history.job_ids_by_suffix(stage.project, str(job_id)[-20:], 1000) == [job_id]
        assert await stage.history.job_ids_by_suffix(stage.project, str(job_id), 1000) == [job_id]
    assert await stage.history.job_ids_by_suffix(stage.project, ids[0].hex[-8:], 29) == []
    assert await stage.history.job_ids_by_suffix(stage.project, "f" * 12, 1000) == []
    several = await stage.history.job_ids_by_suffix(stage.project, "", 1000)
    assert 1 < len(several) <= 30


async def test_endings_of_all_kinds_at_once(stage: Stage) -> None:
    queue = await stage.queue()
    good = await stage.start(queue)
    assert await stage.finish(good, Succeeded('{"a":1}'))
    running = await stage.start(queue)
    bad = await stage.bury(queue)
    asked = [good.id, running.id, bad, UUID(int=404)]
    endings = {ending.job_id: ending for ending in await stage.history.endings(stage.project, asked)}
    assert set(endings) == {good.id, running.id, bad}
    assert (endings[good.id].status, endings[good.id].output) == (JobStatus.SUCCEEDED, '{"a":1}')
    assert (endings[running.id].status, endings[running.id].output) == (JobStatus.PROCESSING, None)
    assert (endings[bad].status, endings[bad].error_type) == (JobStatus.FAILED, "ValueError")
    assert await stage.history.endings(stage.project, []) == []


async def test_a_retried_job_is_not_told_with_its_old_error(stage: Stage) -> None:
    queue = await stage.queue()
    job_id = await stage.bury(queue)
    await stage.jobs.retry(stage.project, (await stage.job(job_id)).id, None)
    [ending] = await stage.history.endings(stage.project, [job_id])
    assert (ending.status, ending.error_type, ending.traceback) == (JobStatus.PENDING, None, None)


async def test_one_row_that_somebody_broke_does_not_break_the_list(stage: Stage) -> None:
    queue = await stage.queue()
    ids = await stage.add(queue, 2)
    await stage.sql(f"UPDATE jobs SET state = 'no json', progress = '{{' WHERE id = '{ids[0]}'")
    await stage.sql("UPDATE queues SET settings = 'no json'")
    newest, broken = await stage.history.jobs(stage.project, JobFilter())
    assert (newest.id, broken.id) == (ids[1], ids[0])
    assert (broken.state, broken.progress) == ("no json", "{")


@pytest.mark.parametrize("few", [1, 3, 1000])
async def test_a_page_is_the_same_whichever_way_it_is_found(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Over the partial indexes or by walking back; in one window or in many."""
    queue, letters = await stage.queue(), await stage.queue("letters")
    dead = [await stage.bury(queue, letters) for _ in range(3)]
    running = await stage.start(queue)
    held = await stage.add(queue, 2, "unknown")
    ready = [*await stage.add(queue, 1, tags='["a", "b"]'), *await stage.add(queue, 3)]
    ready += await stage.add(queue, 2, tags='["a"]')
    later = await stage.add(queue, 2, delay_us=10**9)
    for bound in ("FEW", "FEW_WAITING", "FEW_TAGGED"):
        monkeypatch.setattr(f"taskforge.storage.walks.{bound}", few)
    monkeypatch.setattr("taskforge.storage.walks.LEAST_GATHERED", 2)
    monkeypatch.setattr("taskforge.storage.walks.LEAST_SCAN", 2)
    pending = sorted([*held, *ready], reverse=True)
    for statuses, expected in (
        ([JobStatus.PENDING], pending),
        ([JobStatus.SCHEDULED], later[::-1]),
        ([JobStatus.PROCESSING], [running.id]),
        ([JobStatus.FAILED], dead[::-1]),
        ([JobStatus.CANCELLED], []),
        ([JobStatus.PENDING, JobStatus.SUCCEEDED], pending),
        (None, sorted([*dead, running.id, *pending, *later], reverse=True)),
    ):
        assert await _ids(stage, statuses=statuses) == expected
        assert await _ids(stage, statuses=statuses, limit=1) == expected[:1]
        found: list[JobId] = []
        while page := await _ids(stage, statuses=statuses, limit=2, before=found[-1] if found else None):
            found += page
        assert found == expected
    assert await _ids(stage, dead_letter_queue_id=letters.id) == dead[::-1]
    assert await _ids(stage, statuses=[JobStatus.PENDING], job_type="unknown") == held[::-1]
    for probed in (1, 1000):  # whether the tag counts as common
        monkeypatch.setattr("taskforge.storage.walks.PROBED", probed)
        assert await _ids(stage, tag="a") == [*ready[:3:-1], ready[0]]
        assert await _ids(stage, tag="a", limit=1, before=ready[-1]) == [ready[-2]]
        assert await _ids(stage, tag="a", statuses=[JobStatus.FAILED]) == []
        assert await _ids(stage, tag="b", queue_ids=[queue.id]) == [ready[0]]
        assert await _ids(stage, tag="nobody") == []
