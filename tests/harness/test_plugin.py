"""The plugin in a project of its own, with anyio's plugin and pytest-asyncio beside it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

TASKS = """
from taskforge import TaskForge

app = TaskForge("sqlite:///production.db")


@app.task
async def add(a: int, b: int) -> int:
    return a + b
"""
TESTS = """
import pytest
from tasks import add


def test_manual(taskforge):
    add.enqueue(2, 3)
    taskforge.assert_enqueued(add, a=2)
    taskforge.drain()
    assert taskforge.jobs(add)[0].result == 5


@pytest.mark.taskforge(mode="inline")
def test_inline(taskforge):
    assert add.enqueue(2, 3).result(timeout=5) == 5


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_with_anyio(taskforge, anyio_backend):
    job = await add.aenqueue(2, 3)
    taskforge.assert_enqueued(add, b=3)
    await taskforge.adrain()
    assert await job.aresult(timeout=5) == 5


@pytest.mark.asyncio
async def test_with_pytest_asyncio(taskforge):
    job = await add.aenqueue(2, 3)
    await taskforge.adrain()
    assert await job.aresult(timeout=5) == 5


@pytest.mark.asyncio
async def test_nothing_is_left_of_others(taskforge):
    assert taskforge.jobs() == []
"""


def test_the_fixture_in_a_project(tmp_path: Path) -> None:
    pytest.importorskip("pytest_asyncio", reason="pytest-asyncio is not installed")
    (tmp_path / "tasks.py").write_text(TASKS)
    (tmp_path / "test_tasks.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\npythonpath = .\nfilterwarnings = error\nasyncio_default_fixture_loop_scope = function\n"
    )
    plugins = ("taskforge.testing.plugin", "anyio.pytest_plugin", "pytest_asyncio.plugin")
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *(part for name in plugins for part in ("-p", name))],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "5 passed" in finished.stdout
    assert not (tmp_path / "production.db").exists()


def test_it_is_an_entry_point_of_pytest_that_loads_nothing_early() -> None:
    found = [entry.value for entry in entry_points(group="pytest11") if entry.name == "taskforge"]
    if not found:
        pytest.skip("this installation was made before the plugin was")
    assert found == ["taskforge.testing.plugin"]
    program = "import sys, taskforge.testing.plugin; print('taskforge.testing.harness' in sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert told.stdout.strip() == "False"
