"""`taskforge scheduler`: how it tells that it is at work, and how it ends."""

from tests.cli.conftest import CommandLine
from tests.support.processes import Processes
from tests.support.service_manager import ServiceManager
from tests.support.waiting import wait_until


def test_systemd_and_a_probe_are_told(
    shop: CommandLine, processes: Processes, systemd: ServiceManager
) -> None:
    alive = shop.folder / "alive"
    scheduler = processes.taskforge(
        "scheduler", "--liveness-file", alive, folder=shop.folder,
        environment=systemd.environment(watchdog_seconds=0.6),
    )  # fmt: skip
    scheduler.wait_for("^scheduler: 0 schedules")
    wait_until(lambda: systemd.said.count("WATCHDOG=1") >= 3)
    wait_until(alive.exists)
    assert systemd.said.count("READY=1") == 1
    scheduler.terminate()
    assert scheduler.wait() == 0
    wait_until(lambda: "STOPPING=1" in systemd.said)
    assert not alive.exists()
