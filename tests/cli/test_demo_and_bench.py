"""`taskforge demo` and `taskforge bench`: what the command adds to their packages."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

import taskforge.cli.benchmark
from taskforge.bench.figures import Drain, IdleQueries, ImportTime, Latency, Rate
from taskforge.bench.scratch import scratch_databases
from taskforge.bench.suite import Report
from taskforge.cli.exit_codes import ExitCode
from taskforge.storage.migrate import schema_state
from tests.cli.conftest import CommandLine

LATENCY = Latency.of([1.0, 2.0, 3.0], 40.0)
DRAIN = Drain(1, 1000, 0.5, 0.4, 0.2, 50.0)
REPORT = Report(
    ImportTime(50.0, (50.0,)), Rate(10, 2.0), Rate(10, 1.0), Rate(1000, 0.1), DRAIN, DRAIN, LATENCY, LATENCY,
    IdleQueries(5, 60.0),
)  # fmt: skip


def test_demo_prints_one_document(bare: CommandLine) -> None:
    result = bare.ok("demo", "--json", "--limit", 3, "--folder", bare.folder / "out")
    assert result.json["counts"]["succeeded"] == 4
    assert Path(result.json["report"]).is_file()
    assert result.json["database"].startswith(f"sqlite:///{bare.folder}/out/demo-")


def test_demo_for_people_elsewhere(bare: CommandLine, sqlite_url: str) -> None:
    result = bare.ok("demo", "--limit", 3, "--database-url", sqlite_url, "--folder", "out")
    assert "report.html" in result.out
    assert ("serve --development --database-url sqlite:" in result.out) is sqlite_url.startswith("sqlite:")
    assert "\x1b" not in result.out


def test_demo_refuses(bare: CommandLine) -> None:
    assert "limit" in bare.refused(ExitCode.USAGE, "demo", "--limit", 0, "--json")


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What `measure` was called with; it measures nothing."""
    calls: list[Any] = []

    async def measure(fresh: Any, jobs: int, idle_seconds: float, progress: Any) -> Report:
        calls.append((await asyncio.to_thread(fresh), jobs, idle_seconds))
        progress("nothing")
        return REPORT

    monkeypatch.setattr(taskforge.cli.benchmark, "measure", measure)
    return calls


def test_bench_as_json(bare: CommandLine, measured: list[Any]) -> None:
    result = bare.ok("bench", "--json", "--jobs", 100, "--idle-seconds", 2, "--folder", "here")
    assert result.json["sequential"]["per_second"] == 5.0
    assert result.err == "measuring: nothing\n"
    [(url, jobs, seconds)] = measured
    assert url.startswith(f"sqlite:///{bare.folder}/here/")
    assert (jobs, seconds) == (100, 2.0)


def test_bench_for_people(bare: CommandLine, measured: list[Any]) -> None:
    out = bare.ok("bench").out
    assert "drain by one worker         2,000 jobs/s, at most 50 MiB a process" in out


def test_scratch_databases_are_new_migrated_and_removed(database_url: str, tmp_path: Path) -> None:
    with scratch_databases(database_url, tmp_path / "bench") as fresh:
        first, second = fresh(), fresh()
        assert first != second
        assert not asyncio.run(schema_state(first)).pending
    if database_url.startswith("sqlite"):
        assert list((tmp_path / "bench").iterdir()) == []
