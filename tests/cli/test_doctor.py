"""`taskforge doctor`: it finds what is wrong and says what mends it."""

import shutil
import sqlite3
from types import SimpleNamespace
from typing import Any

import pytest

from taskforge.cli.exit_codes import ExitCode
from tests.cli.conftest import CommandLine
from tests.support.processes import Processes


def findings(command: CommandLine, code: int = 0) -> dict[str, Any]:
    result = command("doctor", "--json")
    assert result.code == code, result
    assert result.json["ok"] is (code == 0)
    return {finding["check"]: finding for finding in result.json["findings"]}


def test_a_healthy_database(anywhere: CommandLine) -> None:
    anywhere.ok("queues", "list")  # makes the SQLite file
    found = {finding["check"]: finding for finding in anywhere("doctor", "--json").json["findings"]}
    wrong = {check for check, finding in found.items() if finding["verdict"] != "ok"}
    # the servers of the tests run without fsync, and are told so
    assert wrong == ({"durability"} if "fsync off" in str(found) else set())
    assert ("disk" in found, "partitions" in found) in (
        (True, False),
        (False, True),
    )  # SQLite's, PostgreSQL's
    assert [check for check in found if check not in ("disk", "partitions")] == [
        "program", "database", "schema", "durability", "clock", "workers", "queues", "job types", "recovery",
        "schedules", "settings", "records", "tables", "transactions", "indexes", "counters",
        "redis",
    ]  # fmt: skip
    assert "version" in anywhere("doctor").out or wrong


def test_a_run_that_nobody_sees_to(shop: CommandLine) -> None:
    shop.ok("schedules", "create", "daily", "add", "--cron", "0 9 * * *", "--args", '{"a": 1}')
    assert "the next run is due at" in findings(shop)["schedules"]["detail"]
    with sqlite3.connect(shop.folder / ".taskforge/taskforge.db") as connection:
        connection.execute(
            "UPDATE schedules SET next_due_at = next_due_at / 2, next_fire_at = next_fire_at / 2"
        )
    connection.close()
    found = findings(shop, ExitCode.FAILURE)["schedules"]
    assert (found["verdict"], "taskforge scheduler" in found["hint"]) == ("problem", True)


@pytest.mark.parametrize(
    ("mebibytes", "verdict", "code"),
    [(1_024, "ok", 0), (1_023, "warning", 0), (64, "warning", 0), (63, "problem", ExitCode.FAILURE)],
)
def test_a_disk_that_fills_up(
    bare: CommandLine, monkeypatch: pytest.MonkeyPatch, mebibytes: int, verdict: str, code: int
) -> None:
    bare.ok("queues", "list")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=(mebibytes + 1) * 2**20 - 1))
    disk = findings(bare, code)["disk"]
    assert (disk["verdict"], f"{mebibytes:,} MiB" in disk["detail"]) == (verdict, True)
    assert ("make room" in (disk["hint"] or "")) is (verdict != "ok")


def test_a_disk_so_full_that_the_file_cannot_be_looked_into(
    bare: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare.folder / "x.db").write_text("no database at all, only a text that is long enough" * 100)
    monkeypatch.setenv("TASKFORGE_DATABASE_URL", f"sqlite:///{bare.folder}/x.db")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    assert findings(bare, ExitCode.FAILURE)["disk"]["verdict"] == "problem"


def test_a_file_that_is_not_there_is_not_made(bare: CommandLine) -> None:
    assert "not there yet" in findings(bare)["database"]["detail"]
    assert not (bare.folder / ".taskforge").exists()


def test_a_variable_that_is_no_setting(bare: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "environment" not in findings(bare)
    monkeypatch.setenv("TASKFORGE_CONCURENCY", "3")
    environment = findings(bare)["environment"]  # told, and no problem: it may be somebody else's
    assert (environment["verdict"], environment["detail"]) == ("warning", "no settings: TASKFORGE_CONCURENCY")
    assert environment["hint"] == "TASKFORGE_CONCURENCY: did you mean TASKFORGE_CONCURRENCY?"


def test_no_database(bare: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKFORGE_DATABASE_URL", "postgresql://user:secret@127.0.0.1:1/x")
    database = findings(bare, ExitCode.FAILURE)["database"]
    assert database["verdict"] == "problem"
    assert "TASKFORGE_DATABASE_URL" in database["detail"]
    assert "secret" not in database["detail"]


def test_no_project(shop: CommandLine) -> None:
    shop.ok("queues", "list")
    result = shop("doctor", "--json", "--project", "nope")
    assert (result.code, result.json["findings"][-1]["check"]) == (ExitCode.FAILURE, "project")


def test_a_file_that_is_no_database(bare: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare.folder / "x.db").write_text("no database at all, only a text that is long enough" * 100)
    monkeypatch.setenv("TASKFORGE_DATABASE_URL", f"sqlite:///{bare.folder}/x.db")
    database = findings(bare, ExitCode.FAILURE)["database"]
    assert (database["verdict"], "restore a backup" in database["hint"]) == ("problem", True)


def test_no_tables(bare: CommandLine, empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKFORGE_DATABASE_URL", empty_database_url)
    if empty_database_url.startswith("postgres"):
        assert "taskforge migrate" in findings(bare, ExitCode.FAILURE)["schema"]["hint"]


def test_jobs_that_nobody_serves(anywhere: CommandLine) -> None:
    anywhere.enqueue("add", 1)
    queues = findings(anywhere, ExitCode.FAILURE)["queues"]
    assert queues["detail"] == "jobs wait in queues that no worker serves: default (1)"
    assert queues["hint"] == "start one: taskforge worker -q default"
    assert "queues: start one" in anywhere("doctor").out


def test_jobs_of_a_queue_whose_workers_are_all_away(anywhere: CommandLine) -> None:
    anywhere.enqueue("add", 1)
    anywhere.ok("assignments", "create", "default", "absent")
    queues = findings(anywhere, ExitCode.FAILURE)["queues"]
    assert queues["hint"] == "start a worker that is assigned: taskforge assignments list -q default"


def test_job_types_that_nobody_knows(bare: CommandLine) -> None:
    bare.ok("enqueue", "unheard.of")
    found = findings(bare)["job types"]
    assert (found["verdict"], found["detail"]) == (
        "warning",
        "jobs wait whose task no worker knows: unheard.of (1)",
    )


def test_a_killed_worker_and_a_paused_queue(shop: CommandLine, processes: Processes) -> None:
    worker = processes.taskforge("worker", "--name", "w1", folder=shop.folder)
    worker.wait_for("is online")
    shop.ok("queues", "pause", "default")
    shop.enqueue("add", 1)
    found = findings(shop)
    assert found["workers"]["detail"] == "1 alive"
    assert "paused: default (1)" in found["queues"]["detail"]
    [online] = shop.ok("workers", "list", "--json").json["workers"]
    assert (online["name"], online["status"], online["queues"]) == ("w1", "online", ["default", "reports"])
    assert "w1" in shop.ok("workers", "list").out
    worker.kill()
    assert findings(shop, ExitCode.FAILURE)["workers"]["detail"] == "0 alive; silent: w1"
    [offline] = shop.ok("workers", "list", "--json").json["workers"]
    assert offline["status"] == "offline"
