"""`taskforge dev`: restarts on change, drains first, ends cleanly."""

import signal

import pytest

from taskforge.cli.exit_codes import ExitCode
from tests.cli.conftest import CommandLine
from tests.support.processes import Processes

CODE = """
import time
from taskforge import TaskForge
app = TaskForge()

@app.task
def slow() -> str:
    print("begun")
    time.sleep(1)
    return "VERSION"
"""


def test_reload_drains_and_runs_the_new_code(bare: CommandLine, processes: Processes) -> None:
    tasks = bare.folder / "tasks.py"
    tasks.write_text(CODE.replace("VERSION", "first"))
    dev = processes.taskforge("dev", folder=bare.folder)
    assert "Ctrl-C ends it" in dev.wait_for(r"^taskforge dev: .*$")[0]
    dev.wait_for(r"^database sqlite:///.*taskforge\.db \(from default\)$")
    dev.wait_for("is online")
    job_id = bare.enqueue("slow")
    dev.wait_for("begun")
    tasks.write_text(CODE.replace("VERSION", "second"))
    dev.wait_for(r"changed: tasks\.py[\s\S]*has left[\s\S]*is online")
    assert bare.job(job_id)["output"] == "first"
    assert bare.ok("run", "slow", "--no-worker").out == '"second"\n'

    tasks.write_text("x = (\n")
    dev.wait_for(r"SyntaxError[\s\S]*ended with code 2; it starts anew when a file changes")
    online = dev.output.count("is online")
    tasks.write_text(CODE.replace("VERSION", "third"))
    dev.wait_for(rf"(is online[\s\S]*){{{online + 1}}}")

    job_id = bare.enqueue("slow")
    dev.wait_for(r"begun[\s\S]*begun[\s\S]*begun")
    dev.send(signal.SIGINT)
    assert dev.wait() == 0
    assert bare.job(job_id)["output"] == "third"
    assert bare.ok("workers", "list", "--json").json["workers"] == []


def test_a_second_signal_ends_at_once(shop: CommandLine, processes: Processes) -> None:
    dev = processes.taskforge("dev", folder=shop.folder)
    dev.wait_for("is online")
    job_id = shop.enqueue("forever")
    while shop.job(job_id)["status"] == "pending":
        pass
    dev.send(signal.SIGINT)
    dev.wait_for("draining")
    dev.send(signal.SIGINT)
    assert dev.wait() == 0
    assert shop.job(job_id)["status"] == "processing"


def test_without_reload_it_is_one_process(shop: CommandLine, processes: Processes) -> None:
    dev = processes.taskforge(
        "dev", "--no-reload", "-c", "3", "-q", "reports", "--port", "0", folder=shop.folder
    )
    dev.wait_for("is online")
    [worker] = shop.ok("workers", "list", "--json").json["workers"]
    assert (worker["process"]["pid"], worker["max_concurrent_jobs"], worker["queues"]) == (
        dev.pid,
        3,
        ["reports"],
    )
    dev.terminate()
    assert dev.wait() == 0


@pytest.mark.parametrize("arguments", [[], ["nosuch.py"]])
def test_without_an_application(bare: CommandLine, arguments: list[str]) -> None:
    bare.refused(ExitCode.NOT_FOUND, "dev", *arguments)
