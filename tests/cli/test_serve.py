"""`taskforge serve`: what it refuses, what it prints, how it ends."""

import signal
import socket
import time

import httpx2
import pytest

from taskforge.cli.exit_codes import ExitCode
from tests.cli.conftest import CommandLine
from tests.support.processes import Processes
from tests.support.service_manager import ServiceManager
from tests.support.waiting import wait_until

SECRET = "k7Qw2ZrT9xLmB4vN8sPd3HfJ6yUaC1eG5oXiRtYb"


def test_a_weak_secret_is_refused(bare: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    for secret in (None, "hunter2hunter2", "x" * 40, "changeme-changeme-changeme-changeme"):
        if secret is not None:
            monkeypatch.setenv("TASKFORGE_SECRET_KEY", secret)
        refused = bare("serve", "--port", "0")
        assert refused.code == ExitCode.USAGE
        assert "secret key" in refused.err
        assert secret is None or secret not in refused.err


def test_other_machines_are_not_let_in_before_there_is_an_administrator(
    bare: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKFORGE_SECRET_KEY", SECRET)
    refused = bare("serve", "--port", "0", "--host", "0.0.0.0")  # noqa: S104
    assert refused.code == ExitCode.CONFLICT
    assert "taskforge users create" in refused.err


def test_a_taken_port_is_named(bare: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKFORGE_SECRET_KEY", SECRET)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for mode in ([], ["--development"]):
            assert f"port {port} is taken" in bare.refused(ExitCode.CONFLICT, "serve", "--port", port, *mode)


def test_it_serves_and_ends_its_streams_when_it_is_told_to(
    bare: CommandLine, processes: Processes, monkeypatch: pytest.MonkeyPatch, systemd: ServiceManager
) -> None:
    monkeypatch.setenv("TASKFORGE_SECRET_KEY", SECRET)
    server = processes.taskforge(
        "serve", "--development", "--port", "0", folder=bare.folder,
        environment=systemd.environment(watchdog_seconds=0.6),
    )  # fmt: skip
    url = server.wait_for(r"serving (http://127\.0\.0\.1:\d+)/api/v1")[1]
    key = server.wait_for(r"key for this start: (tfk_\S+)")[1]
    server.wait_for("administrator admin@localhost, password ")
    wait_until(lambda: systemd.said.count("WATCHDOG=1") >= 3)
    assert systemd.said[0] == "READY=1"
    with httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as http:
        assert http.get("/health/ready").json()["status"] == "ok"
        caller = http.get("/api/v1/auth/me").json()["data"]
        assert (caller["kind"], caller["label"]) == ("key", "taskforge dev")
        queue = http.post("/api/v1/queues", json={"name": "q"}).json()["data"]["id"]
        made = http.post("/api/v1/jobs", json={"job_type": "t", "queue_id": queue}).json()["data"]
        with http.stream("GET", f"/api/v1/jobs/{made['id']}/logs/tail") as tail:
            assert tail.status_code == 200
            began = time.monotonic()
            server.send(signal.SIGTERM)
            for _ in tail.iter_lines():
                pass
    assert server.wait() == 0
    assert time.monotonic() - began < 20, "the stream held the server up"
    wait_until(lambda: "STOPPING=1" in systemd.said)
    assert key not in (bare.folder / ".taskforge" / "taskforge.db").read_bytes().decode("latin-1")
