"""`import taskforge` has a budget; what is heavy comes when it is first needed."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "asyncio",
    "concurrent.futures",
    "pydantic",
    "msgspec",
    "asyncpg",
    "uvloop",
    "sqlite3",
    "logging",
    "json",
)
MODULES = ("task", "decorator", "handle", "bridge", "registry", "handler", "outcomes", "context")


@pytest.mark.parametrize("module", MODULES)
def test_the_sdk_is_light(module: str) -> None:
    program = f"""
import sys
import taskforge.sdk.{module}
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    assert _output(program) == "[]"


def test_declaring_tasks_stays_light() -> None:
    program = f"""
import sys
from datetime import datetime
from taskforge.sdk.context import Context
from taskforge.sdk.decorator import TaskDecorator
from taskforge.sdk.registry import Registry
registry = Registry()
task = TaskDecorator(None, registry.add)
@task
def add(a: int, when: datetime) -> int: return a
@task(queue="reports", timeout="2h")
async def report(ctx: Context, day: str = "today") -> dict: ...
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    assert _output(program) == "[]"


def test_simple_tasks_never_need_pydantic() -> None:
    program = """
import sys
from taskforge.domain.job_options import JobOptions
from taskforge.sdk.task import make_task
def add(a: int, b: list[float] | None = None) -> dict[str, int]: return {}
task = make_task(add, name="add", queue="q", pool=None, options=JobOptions(), backend=None)
call = task.job(1, [2])
task.prepare(call.payload, None)
task.schema()
call.load_result(task.dump_result({"a": 1}))
print("pydantic" in sys.modules)
"""
    assert _output(program) == "False"


def _output(program: str) -> str:
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()
