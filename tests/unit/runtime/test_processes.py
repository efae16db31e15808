"""Handlers in child processes, with real ones: what works there, and that nothing they do harms the worker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.outcome import Cancelled, Failed, Released, Snoozed, Succeeded
from taskforge.domain.worker import ProcessIdentity
from taskforge.runtime.worker.options import WorkerOptions
from taskforge.runtime.worker.processes.options import ProcessOptions
from taskforge.runtime.worker.worker import Worker
from tests.support.eventually import eventually
from tests.support.process_app import CANARY, app
from tests.support.processes import is_running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from uuid import UUID

    from taskforge.domain.outcome import Outcome, Report
    from tests.unit.runtime.fake_link import FakeLink

pytestmark = pytest.mark.anyio


@contextlib.asynccontextmanager
async def worker_of(link: FakeLink, **options: Any) -> AsyncIterator[Worker]:
    defaults: dict[str, Any] = {"concurrency": 4, "grace": 5.0, "stop_grace": 2.0}
    worker = Worker(
        link,
        link.connect,
        app.registry,
        WorkerOptions("w", ["default"], ProcessIdentity("host", "machine", 1, "now"), **(defaults | options)),
    )
    async with worker:
        yield worker


async def run(link: FakeLink, *jobs: tuple[str, dict[str, Any]], **options: Any) -> list[Report]:
    """What became of these jobs, in their order."""
    executions = [link.add(task, json.dumps(arguments)) for task, arguments in jobs]
    async with worker_of(link, **options):
        async with asyncio.timeout(60):
            await link.until(lambda: len(link.reports) >= len(jobs), 60)
    by_id = {report.execution_id: report for report in link.reports}
    assert len(link.reports) == len(by_id) == len(jobs)
    return [by_id[execution] for execution in executions]


async def outcome_of(link: FakeLink, task: str, **arguments: Any) -> Outcome:
    [report] = await run(link, (task, arguments))
    return report.outcome


def lines_of(link: FakeLink, report: Report) -> list[tuple[str, str]]:
    """Level and text of all lines, those that were sent early included."""
    early = [line for execution, line in link.lines if execution == report.execution_id]
    return [(str(line.level), line.message) for line in (*early, *report.lines)]


def texts(folder: Path, pattern: str) -> list[str]:
    """What stands in the files."""
    return [file.read_text() for file in folder.glob(pattern)]


async def gone(*pids: int) -> None:
    """Wait until these processes are no more."""

    def check() -> None:
        assert not [pid for pid in pids if is_running(pid)]

    await eventually(check)


async def begun(file: Path) -> list[int]:
    """Wait until a task has written its process id, and the ids of others, into a file."""

    def check() -> list[int]:
        assert file.exists()
        text = file.read_text()
        assert text
        return [int(word) for word in text.split()]

    return await eventually(check, timeout=20)


async def test_children_are_reused_and_lead_a_group_of_their_own(link: FakeLink) -> None:
    reports = await run(link, *[("pid", {})] * 6, concurrency=1)
    children = [json.loads(report.outcome.output or "") for report in reports]  # type: ignore[union-attr]
    assert len({child[0] for child in children}) == 1
    assert all(child == [child[0], os.getpid(), child[0]] for child in children)
    await gone(children[0][0])


async def test_several_run_at_a_time(link: FakeLink, tmp_path: Path) -> None:
    jobs = [("sleep", {"seconds": 0.3, "begun": str(tmp_path / str(number))}) for number in range(3)]
    reports = await run(link, *jobs)
    assert [report.outcome for report in reports] == [Succeeded('"slept"')] * 3
    assert len(set(texts(tmp_path, "?"))) == 3


async def test_a_child_is_replaced_after_so_many_jobs_or_when_it_is_large(link: FakeLink) -> None:
    reports = await run(link, *[("pid", {})] * 4, concurrency=1, processes=ProcessOptions(max_jobs=2))
    pids = [json.loads(report.outcome.output or "")[0] for report in reports]  # type: ignore[union-attr]
    assert pids[0] == pids[1] != pids[2] == pids[3]


async def test_a_large_child_is_replaced(link: FakeLink) -> None:
    reports = await run(link, *[("pid", {})] * 2, concurrency=1, processes=ProcessOptions(max_rss=1))
    pids = {json.loads(report.outcome.output or "")[0] for report in reports}  # type: ignore[union-attr]
    assert len(pids) == 2


async def test_all_that_a_context_can_do(link: FakeLink) -> None:
    [report] = await run(link, ("speak", {}))
    assert isinstance(report.outcome, Succeeded)
    assert json.loads(report.outcome.output or "")["of"] == 3
    assert report.state == '{"page":1}'
    lines = [*[line for _, line in link.lines], *report.lines]
    assert [(str(line.level), line.message, line.metadata) for line in lines] == [
        ("info", "from the context", '{"page":3}'),
        ("warn", "from logging", '{"logger":"shop"}'),
    ]


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ("snooze", Snoozed(9.0)),
        ("cancel", Cancelled("enough")),
        ("nothing", Succeeded(None)),
        ("text", Succeeded('"text"')),
    ],
)
async def test_ends_that_a_handler_chooses(link: FakeLink, how: str, outcome: Outcome) -> None:
    assert await outcome_of(link, "end_as", how=how) == outcome


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        ("retry", "Retry"),
        ("dead", "Dead"),
        ("value", "ValueError"),
        ("not json", "InvalidResult"),
        ("sys.exit", "SystemExit"),
        ("keyboard", "KeyboardInterrupt"),
        ("generator", "GeneratorExit"),
    ],
)
async def test_ends_that_are_failed_attempts(link: FakeLink, how: str, kind: str) -> None:
    outcome = await outcome_of(link, "end_as", how=how)
    assert isinstance(outcome, Failed)
    assert outcome.error.type == kind
    assert (outcome.retry_after, outcome.final) == (7.0 if how == "retry" else None, how == "dead")
    if how == "value":
        assert 'raise ValueError("wrong")' in (outcome.error.traceback or "")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("_exit 0", "ended with exit code 0 before the task returned"),
        ("_exit 3", "ended with exit code 3 before the task returned"),
        ("segfault", "killed by SIGSEGV"),
        ("abort", "killed by SIGABRT"),
        ("sigkill", "killed by SIGKILL"),
        ("close all", "closed its process's connection"),
        ("replace all", "closed its process's connection"),
        ("garbage", "wrote into its process's connection"),
    ],
)
async def test_a_child_that_dies_is_a_failed_attempt_and_harms_nobody(
    link: FakeLink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    dead, sibling, after = await run(
        link, ("die_by", {"how": how}), ("sleep", {"seconds": 0.5}), ("add", {"a": 1, "b": 2}), concurrency=2
    )
    assert isinstance(dead.outcome, Failed)
    assert dead.outcome.error.type == "ProcessDied"
    assert said in dead.outcome.error.message
    assert (sibling.outcome, after.outcome) == (Succeeded('"slept"'), Succeeded("3"))
    assert not any(texts(tmp_path, "replaced-*"))
    if how == "segfault":
        assert any("Fatal Python error" in text for _, text in lines_of(link, dead))


@pytest.mark.parametrize("how", ["return", "raise", "exit", "daemon"])
async def test_copies_of_a_child_report_nothing(link: FakeLink, how: str) -> None:
    forked, after = await run(link, ("fork", {"how": how}), ("pid", {}), concurrency=1)
    assert isinstance(forked.outcome, Succeeded)
    assert isinstance(after.outcome, Succeeded)
    child = json.loads(after.outcome.output or "")[0]
    assert forked.outcome.output == (f'"{child}"' if how == "return" else '"parent"')


async def test_what_a_child_left_running_ends_with_it(link: FakeLink) -> None:
    outcome = await outcome_of(link, "fork", how="background")
    assert isinstance(outcome, Succeeded)
    await gone(int(json.loads(outcome.output or "")))


async def test_memory_is_limited_for_the_task_alone(link: FakeLink) -> None:
    too_much, fits = await run(link, ("hog", {"mebibytes": 2000}), ("hog", {"mebibytes": 50}), concurrency=1)
    assert isinstance(too_much.outcome, Failed)
    assert too_much.outcome.error.type == "MemoryError"
    assert isinstance(fits.outcome, Succeeded)


async def test_a_timeout_ends_the_handler_with_all_that_it_started_and_no_sibling(
    link: FakeLink, tmp_path: Path
) -> None:
    slow = link.add("sleep", json.dumps({"seconds": 60, "begun": str(tmp_path / "slow"), "with_child": True}),
                    timeout=1.0)  # fmt: skip
    sibling = link.add("sleep", json.dumps({"seconds": 2.5, "begun": str(tmp_path / "sibling")}))
    async with worker_of(link) as worker:
        await link.settled(2)
        pids = await begun(tmp_path / "slow")
        await gone(*pids)
        assert not worker.is_spent
    slow_outcome = link.outcomes()[slow]
    assert isinstance(slow_outcome, Failed)
    assert slow_outcome.timed_out
    assert "time.sleep" in (slow_outcome.error.traceback or "")
    assert link.outcomes()[sibling] == Succeeded('"slept"')
    assert [report.execution_id for report in link.reports] == [slow, sibling]


async def test_a_stubborn_handler_is_killed_within_the_grace(link: FakeLink, tmp_path: Path) -> None:
    file = tmp_path / "begun"
    execution = link.add("stubborn", json.dumps({"begun": str(file)}), timeout=0.3)
    async with worker_of(link, stop_grace=1.0) as worker:
        await link.settled(1)
        await gone(*await begun(file))
        assert not worker.is_spent
        assert worker.running == 0
    outcome = link.outcomes()[execution]
    assert isinstance(outcome, Failed)
    assert outcome.timed_out


async def cancel(link: FakeLink, execution: UUID) -> None:
    link.cancel.add(execution)
    link.hint_cancel()
    await link.settled(1)


async def test_a_cancel_is_seen_by_the_handler(link: FakeLink, tmp_path: Path) -> None:
    file = tmp_path / "begun"
    execution = link.add("polite", json.dumps({"begun": str(file)}))
    async with worker_of(link):
        await begun(file)
        await cancel(link, execution)
    assert link.outcomes() == {execution: Succeeded('"stopped"')}


async def test_a_cancelled_handler_that_does_not_look_is_interrupted(
    link: FakeLink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("taskforge.runtime.worker.executor.CANCEL_GRACE", 0.1)
    file, cleaned = tmp_path / "begun", tmp_path / "cleaned"
    execution = link.add("cleans_up", json.dumps({"begun": str(file), "cleaned": str(cleaned)}))
    async with worker_of(link):
        await begun(file)
        await cancel(link, execution)
    assert link.outcomes() == {execution: Cancelled("requested")}
    assert cleaned.read_text() == "tidy"


async def test_a_lost_lease_kills_at_once(link: FakeLink, tmp_path: Path) -> None:
    file = tmp_path / "begun"
    execution = link.add("stubborn", json.dumps({"begun": str(file)}))
    async with worker_of(link) as worker:
        pids = await begun(file)
        link.lost.add(execution)
        link.hint_cancel()
        await gone(*pids)
        await eventually(lambda: assert_equal(worker.in_hand, 0))
    assert link.reports == []


async def test_a_drain_hands_back(link: FakeLink, tmp_path: Path) -> None:
    file = tmp_path / "begun"
    execution = link.add("sleep", json.dumps({"seconds": 60, "begun": str(file)}))
    async with worker_of(link, grace=0.1):
        pids = await begun(file)
    assert link.outcomes() == {execution: Released()}
    await gone(*pids)


async def test_a_sigterm_from_elsewhere_does_not_break_a_handler_off(link: FakeLink, tmp_path: Path) -> None:
    """systemd sends it to every process of a unit."""
    file = tmp_path / "begun"
    link.add("sleep", json.dumps({"seconds": 1, "begun": str(file)}))
    async with worker_of(link):
        for pid in await begun(file):
            os.kill(pid, signal.SIGTERM)
        await link.settled(1)
    assert [report.outcome for report in link.reports] == [Succeeded('"slept"')]


async def test_what_is_printed_goes_to_the_log(link: FakeLink) -> None:
    expected = {
        "print": {("info", "from print"), ("info", "to stderr"), ("info", "without an end")},
        "c code": {("info", "from C")},
        "program": {("info", "from a program"), ("info", "its error")},
        "binary": {("info", "\ufffd\ufffd\N{SYMBOL FOR NULL}")},
    }
    reports = await run(link, *[("say", {"how": how}) for how in expected], concurrency=1)
    for report, lines in zip(reports, expected.values(), strict=True):
        assert set(lines_of(link, report)) == lines
    [line] = [line for report in reports for line in report.lines if line.message == "to stderr"]
    assert line.metadata == '{"stream":"stderr"}'


@pytest.mark.parametrize("how", ["much", "many lines"])
async def test_the_output_is_always_read_and_kept_within_bounds(link: FakeLink, how: str) -> None:
    [report] = await run(link, ("say", {"how": how}))
    assert report.outcome == Succeeded(None)
    said = [text for _, text in lines_of(link, report)]
    assert len(said) < 2500
    assert sum(map(len, said)) < 300_000
    assert sum("characters are left out here" in text for text in said) == 1
    assert said[-1] == ("the very end" if how == "much" else "line 19999")


def assert_equal(left: object, right: object) -> None:
    assert left == right


async def test_a_result_has_a_limit(link: FakeLink) -> None:
    [report] = await run(link, ("end_as", {"how": "text"}), result_bytes=5)
    assert isinstance(report.outcome, Failed)
    assert report.outcome.error.message == "result is 6 bytes of JSON, the limit is 5"


async def test_dependencies_are_made_in_the_child(link: FakeLink) -> None:
    plain, awaited = await run(link, ("plain_dependency", {}), ("awaited_dependency", {}), concurrency=1)
    assert [plain.outcome, awaited.outcome] == [
        Succeeded('"opened"'),
        Succeeded('"awaited_dependency: opened"'),
    ]
    assert ("info", "closed") in lines_of(link, plain)
    assert ("info", "closed") in lines_of(link, awaited)


async def test_what_an_attempt_used_is_told(link: FakeLink) -> None:
    await outcome_of(link, "pid")
    [task] = link.usages[-1].tasks
    assert (task.executions, task.job_type) == (1, "pid")
    assert task.cpu_us > 0
    assert task.peak_memory_bytes is not None
    assert task.peak_memory_bytes > 5_000_000


async def test_records_of_a_child_say_whose_they_are_and_keep_secrets(link: FakeLink) -> None:
    app.redact(CANARY)  # as its module does, but other tests forget
    named, betrayed = await run(link, ("identify", {}), ("betray", {}))
    assert isinstance(named.outcome, Succeeded)
    found = json.loads(named.outcome.output or "null")
    assert found["execution_id"] == str(named.execution_id)
    assert (found["task"], found["worker"], found["attempt"]) == ("identify", "w", 1)
    assert isinstance(betrayed.outcome, Failed)
    assert betrayed.outcome.error.message == "[redacted]"
    said = [*(text for _, text in lines_of(link, betrayed)), str(betrayed), str(link.lines)]
    assert sum("[redacted]" in text for text in said) >= 4
    assert not any(CANARY in text for text in said)
