"""`taskforge worker` and `taskforge workers`, as real processes."""

import signal
import time

import pytest

from taskforge.cli.exit_codes import ExitCode
from taskforge.cli.work import WorkerChoice
from taskforge.domain.errors import InvalidInput
from tests.cli.conftest import CommandLine
from tests.support.processes import Processes

SLOW = """
import time
from taskforge import TaskForge
app = TaskForge()

@app.task
def slow(seconds: float) -> str:
    print("slow has begun")
    time.sleep(seconds)
    return "done"
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains(bare: CommandLine, processes: Processes, number: signal.Signals) -> None:
    (bare.folder / "slow.py").write_text(SLOW)
    worker = processes.taskforge("worker", "slow.py", "-c", "2", "--name", "w", folder=bare.folder)
    worker.wait_for("is online")
    job_id = bare.enqueue("slow", 0.8, "--app", "slow.py")
    worker.wait_for("slow has begun")
    worker.send(number)
    assert worker.wait() == 0
    assert bare.job(job_id)["status"] == "succeeded"
    assert bare.ok("workers", "list", "--json").json == {"workers": []}
    [left] = bare.ok("workers", "list", "--all", "--json").json["workers"]
    assert (left["name"], left["status"], left["max_concurrent_jobs"]) == ("w", "offline", 2)
    assert "no worker runs" in bare.ok("workers", "list").out


def test_after_the_grace_the_job_is_handed_back(shop: CommandLine, processes: Processes) -> None:
    worker = processes.taskforge("worker", "--grace", "100ms", "-v", folder=shop.folder)
    worker.wait_for("is online")
    job_id = shop.enqueue("forever")
    while shop.job(job_id)["status"] == "pending":
        pass
    worker.terminate()
    assert worker.wait() == 0
    assert (shop.job(job_id)["status"], shop.job(job_id)["attempt_count"]) == ("pending", 0)


def test_it_says_what_it_serves(shop: CommandLine, processes: Processes) -> None:
    shop.ok("queues", "create", "extra")
    arguments = ["--type", "specialized_gpu", "--capability", "gpu=2", "-q", "extra,reports", "-q", "default"]
    worker = processes.taskforge("worker", "tasks:app", "--name", "gpu-1", *arguments, folder=shop.folder)
    worker.wait_for("is online")
    assert "worker gpu-1: 10 at a time from extra, reports, default\n" in worker.output
    assert f"database sqlite:///{shop.folder}/.taskforge/taskforge.db (from default)\n" in worker.output
    [shown] = shop.ok("workers", "list", "--json").json["workers"]
    assert (shown["type"], shown["capabilities"]) == ("specialized_gpu", {"gpu": 2})
    said = shop.refused(ExitCode.CONFLICT, "worker", "--name", "gpu-1")
    assert "lives already" in said


def test_a_queue_that_neither_code_nor_database_knows(shop: CommandLine) -> None:
    said = shop.refused(ExitCode.NOT_FOUND, "worker", "-q", "repotrs")
    assert "taskforge queues create repotrs" in said


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nosuch:app"], ExitCode.NOT_FOUND, "nosuch"),
        (["-c", "0"], ExitCode.USAGE, "concurrency"),
        (["--type", "big"], ExitCode.USAGE, "types: general"),
        (["--capability", "gpu"], ExitCode.USAGE, "key=value"),
        (["--grace", "soon"], ExitCode.USAGE, "grace"),
        (["--name", ""], ExitCode.USAGE, "worker name"),
    ],
)
def test_refused(shop: CommandLine, arguments: list[str], code: int, said: str) -> None:
    assert said in shop.refused(code, "worker", *arguments)


def test_an_application_without_tasks(bare: CommandLine) -> None:
    (bare.folder / "app.py").write_text("from taskforge import TaskForge\napp = TaskForge()\n")
    assert "no tasks" in bare.refused(ExitCode.USAGE, "worker")


def test_a_log_level_that_is_none(shop: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKFORGE_LOG_LEVEL", "loud")
    assert "log_level" in shop.refused(ExitCode.USAGE, "worker")


def test_the_options_go_before_the_code(bare: CommandLine, processes: Processes) -> None:
    (bare.folder / "app.py").write_text(SLOW.replace("TaskForge()", "TaskForge('sqlite:///code.db')"))
    url = f"sqlite:///{bare.folder}/option.db"
    worker = processes.taskforge("worker", "--database-url", url, folder=bare.folder)
    worker.wait_for("is online")
    assert not (bare.folder / "code.db").exists()
    worker.terminate()
    worker.wait()


def test_choices_are_parsed() -> None:
    choice = WorkerChoice.parse(
        queues=["a, b", "a"], concurrency=None, name=None, worker_type="general",
        capabilities=["gpu=1", "zone=eu"], grace="1m",
    )  # fmt: skip
    assert (choice.queues, choice.capabilities, choice.grace) == (["a", "b"], {"gpu": 1, "zone": "eu"}, 60.0)
    with pytest.raises(InvalidInput):
        WorkerChoice.parse(
            queues=[" " * 3, "x" * 101], concurrency=None, name=None, worker_type="general", capabilities=None,
            grace=None,
        )  # fmt: skip


def test_a_worker_of_dev_leaves_when_its_parent_is_gone(shop: CommandLine, processes: Processes) -> None:
    parent = processes.taskforge("dev", folder=shop.folder)
    parent.wait_for("is online")
    parent.send(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while shop.ok("workers", "list", "--json").json["workers"]:
        assert time.monotonic() < deadline
