"""The wheel and the source distribution, and a wheel beside nothing else. It costs a minute and asks the registry: in a soak."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from taskforge.dashboard.pages import is_built
from taskforge.version import VERSION
from tests.architecture.source import ROOT
from tests.conftest import SOAK

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.skipif(not SOAK, reason="a soak's"), pytest.mark.timeout(600)]
TASKS = """
from taskforge import TaskForge

app = TaskForge()


@app.task
def add(a: int, b: int) -> int:
    return a + b
"""


def run(*command: object, folder: Path) -> str:
    """What the program prints. Raises AssertionError with it when it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    finished = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout + finished.stderr


def test_a_wheel_runs_beside_nothing_else(tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", tmp_path, ".", folder=ROOT)
    [wheel], [source] = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.name == f"taskforge_jobs-{VERSION}-py3-none-any.whl"
    assert {"taskforge/py.typed", "taskforge/storage/sql/common/jobs.sql", "taskforge_command.py"} <= set(
        names
    )
    assert ("taskforge/dashboard/static/index.html" in names) is is_built()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    with tarfile.open(source) as archive:
        assert f"taskforge_jobs-{VERSION}/pyproject.toml" in archive.getnames()

    own = tmp_path / "own"
    run(sys.executable, "-m", "venv", own, folder=tmp_path)
    run(own / "bin/python", "-m", "pip", "install", "--quiet", wheel, folder=tmp_path)
    (tmp_path / "tasks.py").write_text(TASKS)
    assert "taskforge.testing.plugin" in run(
        own / "bin/python",
        "-c",
        "from importlib.metadata import entry_points; print(entry_points(group='pytest11'))",
        folder=tmp_path,
    )
    program = (
        "import asyncio\\nfrom tasks import app, add\\n"
        "async def main():\\n    async with app, app.worker():\\n        print(await (await add.aenqueue(2, 3)))\\n"
        "asyncio.run(main())"
    ).replace("\\n", "\n")
    assert "5" in run(own / "bin/python", "-c", program, folder=tmp_path)
    assert "tasks.add" in run(own / "bin/taskforge", "jobs", "list", folder=tmp_path)
