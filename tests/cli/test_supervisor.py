"""`taskforge worker --processes N`, and how workers tell that they are alive, as real processes."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from taskforge.cli.exit_codes import ExitCode
from tests.support.processes import is_running
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import CommandLine
    from tests.support.postgres import PostgresServer
    from tests.support.processes import ChildProcess, Processes
    from tests.support.service_manager import ServiceManager

STUCK = """
import time
from taskforge import TaskForge
app = TaskForge()

@app.task(timeout=0.2, max_attempts=1)
def stuck() -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            time.sleep(60)
        except BaseException:
            pass

@app.task
def add(a: int, b: int) -> int:
    return a + b
"""


def pids(shop: CommandLine) -> dict[str, int]:
    """The live workers and their process ids, by name."""
    workers = shop.ok("workers", "list", "--json").json["workers"]
    return {worker["name"]: worker["process"]["pid"] for worker in workers if worker["status"] == "online"}


def both(shop: CommandLine) -> dict[str, int]:
    """The two workers of a supervisor, once they are online."""
    found: dict[str, int] = {}

    def there() -> bool:
        found.clear()
        found.update(pids(shop))
        return set(found) == {"w-1", "w-2"}

    wait_until(there)
    return found


@pytest.fixture
def supervisor(shop: CommandLine, processes: Processes) -> Iterator[ChildProcess]:
    yield processes.taskforge(
        "worker", "--processes", "2", "--name", "w", "--grace", "0.5s", folder=shop.folder
    )
    for pid in pids(shop).values():
        os.kill(pid, signal.SIGKILL)


def test_a_crashed_worker_starts_again_and_all_leave_together(
    shop: CommandLine, supervisor: ChildProcess
) -> None:
    before = both(shop)
    assert len(set(before.values())) == 2
    assert supervisor.pid not in before.values()
    os.kill(before["w-1"], signal.SIGKILL)
    supervisor.wait_for(r"worker w-1 died \(SIGKILL\); it starts again in 0\.\d s")
    wait_until(lambda: pids(shop).get("w-1") not in (None, before["w-1"]))
    after = both(shop)
    assert after["w-2"] == before["w-2"]
    assert shop.ok("run", "add", "2", "3", "--no-worker").out == "5\n"
    job_id = shop.enqueue("forever")
    wait_until(lambda: shop.job(job_id)["status"] == "processing")
    supervisor.terminate()
    assert supervisor.wait() == 0, supervisor.output
    assert not any(is_running(pid) for pid in after.values())
    assert shop.ok("workers", "list", "--json").json["workers"] == []
    assert (shop.job(job_id)["status"], shop.job(job_id)["attempt_count"]) == ("pending", 0)


def test_a_second_signal_ends_all_at_once(shop: CommandLine, processes: Processes) -> None:
    supervisor = processes.taskforge("worker", "--processes", "2", "--name", "w", folder=shop.folder)
    workers = both(shop)
    job_id = shop.enqueue("forever")
    wait_until(lambda: shop.job(job_id)["status"] == "processing")
    supervisor.terminate()
    supervisor.wait_for("draining")
    supervisor.terminate()
    assert supervisor.wait(10) == 143
    assert not any(is_running(pid) for pid in workers.values())
    assert shop.job(job_id)["status"] == "processing"


def test_workers_leave_when_their_supervisor_is_killed(shop: CommandLine, supervisor: ChildProcess) -> None:
    workers = both(shop)
    supervisor.send(signal.SIGKILL)
    wait_until(lambda: not any(is_running(pid) for pid in workers.values()))
    assert shop.ok("workers", "list", "--json").json["workers"] == []


def test_what_trying_again_does_not_mend_is_not_tried_again(shop: CommandLine, processes: Processes) -> None:
    supervisor = processes.taskforge("worker", "--processes", "2", "-q", "nosuch", folder=shop.folder)
    assert supervisor.wait() == ExitCode.NOT_FOUND
    assert len(re.findall("ended with code 3 and stays down", supervisor.output)) == 2


@pytest.mark.parametrize("processes_wanted", [1, 2])
def test_a_handler_that_does_not_stop_has_its_process_started_anew(
    bare: CommandLine, processes: Processes, processes_wanted: int
) -> None:
    (bare.folder / "tasks.py").write_text(STUCK)
    arguments = ["--processes", str(processes_wanted), "--name", "w", "--grace", "1s"]
    worker = processes.taskforge("worker", *arguments, folder=bare.folder)
    worker.wait_for("is online")
    job_id = bare.enqueue("stuck")
    worker.wait_for("does not stop; its slot is stuck")
    if processes_wanted == 1:
        assert worker.wait() == ExitCode.START_ANEW
    else:
        worker.wait_for(r"worker w-\d asked to be started anew[\s\S]*is online")
        assert bare.ok("run", "add", "2", "3", "--no-worker").out == "5\n"
        worker.terminate()
        assert worker.wait() == 0
    assert bare.job(job_id)["status"] == "failed"
    [execution] = bare.job(job_id)["executions"]
    assert execution["reason"] == "timeout"


@pytest.mark.parametrize("count", ["1", "2"])
def test_systemd_is_told(
    shop: CommandLine, processes: Processes, systemd: ServiceManager, count: str
) -> None:
    worker = processes.taskforge(
        "worker", "--processes", count, folder=shop.folder,
        environment=systemd.environment(watchdog_seconds=0.6),
    )  # fmt: skip
    wait_until(lambda: systemd.said.count("WATCHDOG=1") >= 3)
    assert systemd.said[0] == "READY=1"
    assert worker.output.count("is online") == int(count)
    worker.terminate()
    assert worker.wait() == 0
    wait_until(lambda: "STOPPING=1" in systemd.said)
    assert systemd.said.count("READY=1") == 1


def answer_of(port: int) -> tuple[int, str]:
    """What a probe gets."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("count", ["1", "2"])
def test_file_and_port_fail_while_the_database_is_away(
    shop: CommandLine,
    processes: Processes,
    private_postgres: PostgresServer,
    tmp_path: Path,
    systemd: ServiceManager,
    count: str,
) -> None:
    url = private_postgres.create_database("live")
    shop.ok("migrate", "--database-url", url)
    port, file = free_port(), tmp_path / "alive"
    arguments = ["--processes", count, "--liveness-port", str(port), "--liveness-file", str(file)]
    environment = {
        "TASKFORGE_DATABASE_URL": url,
        "TASKFORGE_LIVENESS_SECONDS": "2",
        "TASKFORGE_POLL_SECONDS": "0.2",
        **systemd.environment(watchdog_seconds=0.9),
    }
    worker = processes.taskforge("worker", *arguments, environment=environment, folder=shop.folder)
    wait_until(lambda: answer_of(port)[0] == 200)
    wait_until(file.exists)
    assert time.time() - file.stat().st_mtime < 20
    private_postgres.halt()
    wait_until(lambda: answer_of(port)[0] == 503)
    assert re.fullmatch(r"claiming has not worked for \d+ s\n", answer_of(port)[1])
    wait_until(lambda: not file.exists())
    silent = len(systemd.said)
    time.sleep(1)
    assert len(systemd.said) <= silent + 1, "the watchdog is fed though nothing can be claimed"
    private_postgres.start()
    wait_until(lambda: answer_of(port)[0] == 200, 40)
    wait_until(file.exists)
    worker.terminate()
    assert worker.wait(30) == 0, worker.output
    assert not file.exists()


def test_a_blocked_event_loop_is_not_alive(bare: CommandLine, processes: Processes, tmp_path: Path) -> None:
    (bare.folder / "tasks.py").write_text(
        "import time\nfrom taskforge import TaskForge\napp = TaskForge()\n"
        "@app.task\nasync def block() -> None:\n    time.sleep(4)\n"
    )
    file = tmp_path / "alive"
    worker = processes.taskforge("worker", "--liveness-file", str(file), folder=bare.folder)
    wait_until(file.exists)
    bare.enqueue("block")
    wait_until(lambda: time.time() - file.stat().st_mtime > 2.5)
    wait_until(lambda: time.time() - file.stat().st_mtime < 1.5)
    worker.terminate()
    assert worker.wait() == 0
