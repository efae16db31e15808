"""The small example applications: a report by schedule, an export from a page, Flask, a script."""

from __future__ import annotations

import asyncio
import signal
import socket
import sqlite3
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from taskforge.testing import Harness
from tests.acceptance.fleet import ROOT
from tests.support.eventually import eventually
from tests.support.examples import example, visited

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import Processes


def test_a_report_is_made_on_the_first_of_each_month(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = tmp_path / "sales.db"
    report = example("monthly_report", "sqlite://:memory:", monkeypatch, SALES_DB=str(database))
    assert report.last_month(datetime(2026, 1, 31, tzinfo=UTC)) == "2025-12"
    monkeypatch.setattr(report, "last_month", lambda today: "2026-10")
    with sqlite3.connect(database) as sales:
        sales.executescript(report.TABLES)
        sales.executemany(
            "INSERT INTO sales VALUES (?, ?, ?)",
            [
                ("2026-10-01", "tea", 5),
                ("2026-10-31", "tea", 7),
                ("2026-10-02", "cake", 9),
                ("2026-11-01", "tea", 1),
            ],
        )
    sales.close()
    with Harness(report.app) as taskforge:
        assert taskforge.drain() == 0
        taskforge.advance("32d")
        assert taskforge.drain() in (1, 2)
        assert taskforge.jobs()[0].result == {"products": 2, "amount": 21}
        report.monthly_report.enqueue(month="2026-10")
        report.monthly_report.enqueue(month="October")
        taskforge.drain()
        again, wrong = taskforge.jobs()[-2:]
        assert (again.status, wrong.status, wrong.attempts) == ("succeeded", "failed", 1)
    with sqlite3.connect(database) as sales:
        rows = sales.execute("SELECT * FROM reports ORDER BY product").fetchall()
    sales.close()
    assert rows == [("2026-10", "cake", 1, 9), ("2026-10", "tea", 2, 12)]


@pytest.mark.anyio
async def test_an_export_shows_how_far_it_is_and_tells_when_it_is_ready(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = example("export", sqlite_url, monkeypatch, EXPORTS=str(tmp_path / "files"))
    async with visited(main.web) as visitor:
        assert "Export" in (await visitor.get("/")).text
        begun = await visitor.post("/exports?user=ani&rows=2500")
        assert begun.status_code == 202

        async def ready() -> dict[str, Any]:
            shown: dict[str, Any] = (await visitor.get(begun.json()["status_url"])).json()
            assert shown["status"] == "succeeded"
            return shown

        async def noticed() -> None:
            assert (await visitor.get("/notices/ani")).json()

        shown = await eventually(ready, 60)
        await eventually(noticed, 60)
        assert shown["progress"] is None or shown["progress"]["total"] == 2500
        file = (await visitor.get(shown["link"])).text.splitlines()
        assert (len(file), file[-1]) == (2500, "2499,row 2499 of ani")
        assert (await visitor.get("/notices/ani")).json() == [f"your export is ready: {shown['link']}"]
        assert (await visitor.get("/files/nothing.csv")).status_code == 404
        unknown = "/exports/00000000-0000-7000-8000-00000000dead"
        assert (await visitor.get(unknown)).status_code == 404


def test_an_export_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main = example("export", "sqlite://:memory:", monkeypatch, EXPORTS=str(tmp_path))
    real, calls = main.Context.progress, []

    def failing(self: object, done: float, total: float | None = None, message: str = "") -> None:
        calls.append(done)
        if len(calls) == 2:
            raise OSError("the disk was full")
        real(self, done, total, message)

    monkeypatch.setattr(main.Context, "progress", failing)
    with Harness(main.tasks, mode="inline") as taskforge:
        main.export.enqueue("budi", 3500)
        [job] = taskforge.jobs(main.export)
    assert (job.status, job.attempts, calls) == ("succeeded", 2, [1000, 2000, 3000, 3500])
    assert len((tmp_path / job.result).read_text().splitlines()) == 3500


def test_flask(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("flask", reason="Flask is not installed")
    main = example("flask_app", "sqlite://:memory:", monkeypatch)
    with Harness(main.tasks) as taskforge:
        visitor = main.web.test_client()
        begun = visitor.post("/images/cat.png/thumbnail?width=50")
        job = f"/jobs/{begun.get_json()['id']}"
        assert (begun.status_code, visitor.get(job).get_json()["status"]) == (202, "pending")
        taskforge.drain()
        assert visitor.get(job).get_json() == {"status": "succeeded", "result": "cat-50.jpg"}
        assert visitor.get("/jobs/00000000-0000-7000-8000-00000000dead").status_code == 404


@pytest.mark.anyio
async def test_a_django_site(tmp_path: Path, processes: Processes) -> None:
    pytest.importorskip("django", reason="Django is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {"PORT": str(port), "SITE_DB": str(tmp_path / "site.db"), "PYTHONUNBUFFERED": "1"}
    site = processes.start(
        sys.executable,
        ROOT / "examples/django_site/main.py",
        environment={"PYTHONPATH": str(ROOT / "src"), **settings},
        folder=tmp_path,
    )
    await site.printed(rf"http://127.0.0.1:{port}/")
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", follow_redirects=True) as visitor:
        bought = await visitor.post("/", data={"item": "cake"})
        assert bought.json()["item"] == "cake", site.output

        async def shipped() -> None:
            answer = (await visitor.get(bought.url)).json()
            assert (answer["shipped"], answer["status"]) == (True, "SUCCESSFUL"), site.output

        await eventually(shipped, timeout=60)
    site.send(signal.SIGINT)
    assert await asyncio.to_thread(site.wait) == 0, site.output


def test_a_plain_script(tmp_path: Path, processes: Processes) -> None:
    (tmp_path / "taskforge.toml").touch()
    (tmp_path / "a.txt").write_text("one two three")
    program = processes.start(
        sys.executable,
        ROOT / "examples/script/main.py",
        "a.txt",
        "missing.txt",
        environment={"PYTHONPATH": str(ROOT / "src")},
        folder=tmp_path,
    )
    assert program.wait(60) == 0, program.output
    assert "a.txt: 3\n" in program.output
    assert "FileNotFoundError" in program.output
