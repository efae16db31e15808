"""`taskforge dev --autoscale`: further workers come as a policy says, and end with it."""

import signal
from typing import Any

from tests.cli.conftest import CommandLine
from tests.support.processes import PATIENCE_SECONDS, Processes, is_running
from tests.support.waiting import wait_until


def test_further_workers_come_and_end_with_it(shop: CommandLine, processes: Processes) -> None:
    shop.enqueue("add", 1)
    shop.ok("scaling", "set", "default", "provisioner=local", "min_workers=1", "max_workers=1")
    dev = processes.taskforge(
        "dev", "--no-reload", "--no-api", "--autoscale", "-q", "reports",
        folder=shop.folder, environment={"TASKFORGE_SCALING_INTERVAL_SECONDS": "0.2"},
    )  # fmt: skip
    dev.wait_for("is online")
    wait_until(lambda: _started(shop), PATIENCE_SECONDS)
    [worker] = _started(shop)
    assert (worker["queues"], worker["process"]["pid"] != dev.pid) == (["default"], True)
    dev.send(signal.SIGINT)
    assert dev.wait() == 0
    assert not is_running(worker["process"]["pid"])
    assert _workers(shop) == []


def _started(shop: CommandLine) -> list[dict[str, Any]]:
    return [worker for worker in _workers(shop) if worker["name"].startswith("auto-default-")]


def _workers(shop: CommandLine) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.ok("workers", "list", "--json").json["workers"]
    return found
