"""`import taskforge` stays light: what is heavy is loaded when it is first needed."""

import re
import subprocess
import sys
from pathlib import Path

HEAVY = (
    "asyncio",
    "asyncpg",
    "datetime",
    "msgspec",
    "platform",
    "pydantic",
    "rich",
    "sqlite3",
    "typer",
    "uuid",
    "uvloop",
    "watchfiles",
)
ROWS = (
    "taskforge.domain.execution",
    "taskforge.domain.job",
    "taskforge.domain.queue",
    "taskforge.domain.requirements",
    "taskforge.domain.retry",
    "taskforge.domain.worker",
    "taskforge.sdk.fields",
)
"""Making their dataclasses and types took two fifths of the import."""
SCHEDULES = ("cronsim", "taskforge.domain.calendar", "taskforge.domain.schedule", "zoneinfo")
BUDGET_MILLISECONDS = 60


def test_import_taskforge_loads_nothing_heavy() -> None:
    program = f"import sys, taskforge; print([name for name in {HEAVY + ROWS!r} if name in sys.modules])"
    assert _run("-c", program).stdout.strip() == "[]"


def test_what_the_import_costs_is_shown() -> None:
    """Never fails on the time, which is the machine's; `make bench` measures it. See it with `pytest -s`."""
    _run("-c", "import taskforge")
    trace = _run("-X", "importtime", "-c", "import taskforge").stderr
    total = re.search(r"\| +(\d+) \| taskforge$", trace, re.MULTILINE)
    assert total is not None
    print(f"\nimport taskforge: {int(total[1]) / 1000:.1f} ms, the budget is {BUDGET_MILLISECONDS} ms")


def test_pruning_without_schedules_loads_nothing_of_them(tmp_path: Path) -> None:
    """Each worker does it soon after its start, and no job begins while it imports."""
    program = f"""
import asyncio, sys
from taskforge import TaskForge
from taskforge.housekeeping import Housekeeping

async def main():
    app = TaskForge(database_url="sqlite:///{tmp_path}/jobs.db")
    await Housekeeping(await app.platform()).pruning.prune()
    await app.aclose()

asyncio.run(main())
print([name for name in {SCHEDULES!r} if name in sys.modules])
"""
    assert _run("-c", program).stdout.strip() == "[]"


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
