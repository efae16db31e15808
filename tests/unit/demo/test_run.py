"""The demo from end to end, on a small library that holds a file that does not parse."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from taskforge import TaskForge
from taskforge.demo import command, run
from taskforge.demo.tasks import DEAD_LETTER_QUEUE
from taskforge.domain.errors import InvalidInput
from taskforge.domain.queue import QueueState
from taskforge.ports.history import JobFilter

if TYPE_CHECKING:
    from taskforge.demo.progress import DemoProgress


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "library"
    folder.mkdir()
    for number in range(6):
        (folder / f"good{number}.py").write_text(f"import os\n\ndef f{number}():\n    return {number}\n")
    (folder / "bad.py").write_text("print 'x'\n")
    monkeypatch.setattr("taskforge.demo.sources.library_root", lambda: folder)
    monkeypatch.setattr("taskforge.demo.tasks.library_root", lambda: folder)
    return folder


@pytest.mark.anyio
@pytest.mark.usefixtures("library")
async def test_reads_every_file_and_reports(database_url: str, tmp_path: Path) -> None:
    looks: list[DemoProgress] = []
    async with TaskForge(database_url) as app:
        summary = await run.run_demo(app, report_folder=tmp_path / "out", progress=looks.append)
        platform = await app.platform()
        dead = await platform.queues.get(DEAD_LETTER_QUEUE)
        listed = await platform.insights.jobs(JobFilter(dead_letter_queue_id=dead.id))
    assert {status: count for status, count in summary.counts.items() if count} == {
        "succeeded": 7,
        "failed": 1,
    }
    assert [(letter.path, letter.attempts) for letter in summary.dead_letters] == [("bad.py", 3)]
    assert summary.dead_letters[0].error.startswith("SyntaxError: Missing parentheses")
    assert [job.payload["path"] for job in listed] == [str(tmp_path / "library" / "bad.py")]
    assert summary.retries == 2
    assert (summary.files, summary.lines) == (7, 24)
    assert 0 < summary.p50_milliseconds <= summary.p95_milliseconds
    assert summary.jobs_per_second == pytest.approx(7 / summary.seconds)
    assert (looks[-1].done, looks[-1].failed, looks[-1].total) == (7, 1, 7)
    out = tmp_path / "out"
    assert (summary.report, summary.csv) == (str(out / "report.html"), str(out / "files.csv"))
    assert "bad.py" in (out / "report.html").read_text(encoding="utf-8")
    assert len((out / "files.csv").read_text(encoding="utf-8").splitlines()) == 8


@pytest.mark.anyio
@pytest.mark.usefixtures("library")
async def test_runs_again_on_the_same_database_and_counts_only_its_own_jobs(
    sqlite_url: str, tmp_path: Path
) -> None:
    for _ in range(2):
        async with TaskForge(sqlite_url) as app:
            summary = await run.run_demo(app, report_folder=tmp_path / "out")
            await (await app.platform()).queues.update("demo", state=QueueState.PAUSED)
    assert sum(summary.counts.values()) == 8


@pytest.mark.usefixtures("library")
def test_brings_its_tables_to_an_empty_database(
    empty_database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = command.run(database_url=empty_database_url, report_folder=tmp_path / "out", as_json=True)
    captured = capsys.readouterr()
    values = json.loads(captured.out)
    assert code == 0
    assert values["dead_letter"] == 1
    assert Path(values["report"]).is_file()
    assert "7/7 done" in captured.err


@pytest.mark.usefixtures("library")
def test_without_a_database_url_it_makes_a_file_in_the_report_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "50% of it"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert command.run(limit=2) == 0
    names = {path.suffix for path in (folder / "taskforge-demo").iterdir()}
    assert {".db", ".html", ".csv"} <= names
    assert "2 of 7" in capsys.readouterr().out


@pytest.mark.usefixtures("library")
def test_a_folder_that_cannot_be_made_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInput, match="cannot be made"):
        command.run(report_folder=tmp_path / "file" / "out")


@pytest.mark.usefixtures("library")
def test_a_limit_below_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="at least 1"):
        command.run(report_folder=tmp_path / "out", limit=0)
