"""Process tasks of programs and of the command line: children find the application, and its database."""

from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.support.processes import Processes

PROGRAM = """
import asyncio
from taskforge import TaskForge

app = TaskForge("sqlite:///shop.db")


@app.task(pool="process")
def where() -> str:
    return f"{__name__} {where.name}"


async def main() -> None:
    async with app, app.worker():
        print(await (await where.aenqueue()).aresult(timeout=20))


if __name__ == "__main__":
    asyncio.run(main())
"""

ENQUEUES = """
from taskforge import TaskForge

app = TaskForge("sqlite:///of-the-code.db")


@app.task(pool="process")
def first() -> str:
    return str(second.enqueue(3).id)


@app.task
def second(number: int) -> int:
    return number * 2
"""


def test_the_application_of_a_script(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(PROGRAM)
    script = processes.python(tmp_path / "shop.py", folder=tmp_path)
    assert script.wait() == 0, script.output
    assert script.output.splitlines() == ["shop shop.where"]


def test_the_application_of_a_module_that_is_run(processes: Processes, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "tool.py").write_text(PROGRAM)
    script = processes.python("-m", "shop.tool", folder=tmp_path)
    assert script.wait() == 0, script.output
    assert script.output.splitlines() == ["shop.tool shop.tool.where"]


def test_an_application_that_nobody_can_import(processes: Processes, tmp_path: Path) -> None:
    script = processes.python("-c", PROGRAM, folder=tmp_path)
    assert script.wait() == 1
    assert "cannot run in a child process: it was typed at a prompt or given by -c" in script.output


UNREGISTERED = PROGRAM.replace(
    """
@app.task(pool="process")
def where() -> str:
    return f"{__name__} {where.name}"
""",
    """
if __name__ == "__main__":
    where = app.task(pool="process", name="where", max_attempts=1)(lambda: "here")
""",
)
BROKEN = """
import os
if "IN_CHILD" in os.environ:
    raise RuntimeError("no licence")
os.environ["IN_CHILD"] = "yes"
""" + PROGRAM.replace('pool="process"', 'pool="process", max_attempts=1')


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (UNREGISTERED, "a child process has imported shop and finds no task 'where' there"),
        (BROKEN, "cannot import the application: RuntimeError: no licence"),
    ],
    ids=["unregistered", "broken"],
)
def test_what_a_child_cannot_find_is_said(processes: Processes, tmp_path: Path, code: str, said: str) -> None:
    (tmp_path / "shop.py").write_text(code)
    script = processes.python(tmp_path / "shop.py", folder=tmp_path)
    assert script.wait() == 1
    assert said in script.output


def test_a_child_enqueues_where_its_worker_works(bare: CommandLine, processes: Processes) -> None:
    (bare.folder / "tasks.py").write_text(ENQUEUES)
    url = f"sqlite:///{bare.folder}/of-the-option.db"
    worker = processes.taskforge("worker", "--database-url", url, folder=bare.folder)
    worker.wait_for("is online")
    result = bare.ok("run", "first", "--no-worker", "--database-url", url)
    second = bare.ok("jobs", "show", result.out.strip().strip('"'), "--json", "--database-url", url)
    assert second.json["job_type"] == "tasks.second"
    assert not (bare.folder / "of-the-code.db").exists()
    worker.terminate()
    assert worker.wait() == 0, worker.output
