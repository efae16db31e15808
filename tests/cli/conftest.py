"""Running the command line in this process, in a folder with a small application."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from taskforge.cli.main import run_command
from tests.cli.both import Both
from tests.support.remote import served
from tests.support.service_manager import ServiceManager

TASKS = """
import logging
from datetime import date

from taskforge import Context, JobHandler, TaskForge

app = TaskForge()


@app.task
def add(a: int, b: int = 1) -> int:
    print("printed by the task")
    return a + b


@app.task(queue="reports", priority=4)
async def report(ctx: Context, day: str = "today") -> dict[str, str]:
    ctx.log.info("building", day=day)
    logging.getLogger("shop").warning("no stock")
    return {"day": day}


@app.task
def weekday(day: date) -> int:
    return day.isoweekday()


@app.task(max_attempts=1)
def fail(message: str) -> None:
    raise ValueError(message)


@app.task(max_attempts=1)
async def forever() -> None:
    import asyncio

    await asyncio.sleep(3600)


class Greet(JobHandler):
    job_type = "greet"

    async def execute(self, payload: list[str]) -> str:
        return " ".join(payload)


app.register(Greet())
"""


@dataclass(frozen=True)
class Result:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which has to be one JSON document."""
        return json.loads(self.out)


class CommandLine:
    """Calls the command in this process."""

    def __init__(self, folder: Path, captured: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._captured = captured

    def __call__(self, *arguments: object) -> Result:
        """Run it and expect nothing."""
        self._captured.readouterr()
        code = run_command([str(argument) for argument in arguments])
        out, err = self._captured.readouterr()
        return Result(code, out, err)

    def ok(self, *arguments: object) -> Result:
        """Run it and expect that it succeeds."""
        result = self(*arguments)
        assert result.code == 0, f"{arguments} ended with {result.code}: {result.err}{result.out}"
        return result

    def refused(self, code: int, *arguments: object) -> str:
        """Run it, expect this exit code and nothing on standard output; what it says."""
        result = self(*arguments)
        assert (result.code, result.out) == (code, ""), f"{arguments} ended with {result}"
        return result.err

    def job(self, job_id: str) -> Any:
        """The job as `jobs show --json` has it."""
        return self.ok("jobs", "show", job_id, "--json").json

    def enqueue(self, *arguments: object) -> str:
        """Enqueue; the id."""
        return self.ok("enqueue", *arguments).out.strip()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty current folder that is its own project; what is imported from it is forgotten."""
    place = tmp_path / "project"
    place.mkdir()
    (place / "taskforge.toml").write_text("")
    monkeypatch.chdir(place)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield place
    for name in set(sys.modules) - before:
        module = sys.modules[name]
        homes = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
        if any(str(home).startswith(str(tmp_path)) for home in homes):
            del sys.modules[name]


@pytest.fixture
def bare(folder: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command in a folder without an application."""
    return CommandLine(folder, capsys)


@pytest.fixture
def shop(folder: Path, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command in a folder with `tasks.py`, on a SQLite file of its own."""
    (folder / "tasks.py").write_text(TASKS)
    return CommandLine(folder, capsys)


@pytest.fixture
def anywhere(shop: CommandLine, database_url: str, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Like `shop`, once on each engine."""
    monkeypatch.setenv("TASKFORGE_DATABASE_URL", database_url)
    return shop


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[ServiceManager]:
    """What a service tells systemd."""
    manager = ServiceManager(tmp_path / "notify")
    yield manager
    manager.close()


@pytest.fixture
def both(shop: CommandLine, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Both]:
    monkeypatch.setenv("TASKFORGE_DATABASE_URL", sqlite_url)
    with served(sqlite_url) as server:
        yield Both(shop, server)
