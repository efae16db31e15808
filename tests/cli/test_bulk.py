"""Bulk operations of `taskforge jobs` and `queues purge`."""

import os
import pty
import subprocess
import sys

import pytest

from taskforge.cli.exit_codes import ExitCode
from tests.cli.conftest import CommandLine
from tests.support.processes import clean_environment


def fill(command: CommandLine, count: int = 3, *options: object) -> list[str]:
    return [command.enqueue("add", number, *options) for number in range(count)]


def test_cancel_retry_move_delete(anywhere: CommandLine) -> None:
    ids = fill(anywhere, 3, "--tag", "a")
    other = anywhere.enqueue("add", 9)
    assert anywhere.ok("jobs", "cancel", "--tag", "a", "--dry-run").out == "3 jobs would be cancelled\n"
    assert anywhere.ok("jobs", "cancel", "--tag", "a", "--yes").out == "3 jobs cancelled\n"
    assert {anywhere.job(job)["status"] for job in ids} == {"cancelled"}
    assert anywhere.job(other)["status"] == "pending"
    anywhere.ok("queues", "create", "slow")
    done = anywhere.ok("jobs", "retry", "--status", "cancelled", "--to", "slow", "-y", "--json").json
    assert (done["action"], done["counted"], done["done"], done["carried_out"]) == ("retry", 3, 3, True)
    assert {anywhere.job(job)["queue_name"] for job in ids} == {"slow"}
    assert anywhere.ok("jobs", "move", "--queue", "slow", "--to", "default", "-y").out == "3 jobs moved\n"
    assert anywhere.ok("jobs", "delete", "--type", "tasks.add", "--before", "2020-01-01T00:00:00Z").out == (
        "0 jobs deleted\n"
    )
    assert anywhere.ok("jobs", "delete", "--queue", "default", "--yes").out == "4 jobs deleted\n"
    assert anywhere.ok("jobs", "list", "--json").json["jobs"] == []


def test_a_queue_can_be_deleted_after_a_purge(anywhere: CommandLine) -> None:
    fill(anywhere, 2)
    anywhere.enqueue("add", 1, "--delay", "1h")
    assert "queues purge" in anywhere.refused(ExitCode.CONFLICT, "queues", "delete", "default")
    assert anywhere.ok("queues", "purge", "default", "--dry-run", "--json").json["counted"] == 3
    assert anywhere.ok("queues", "purge", "default", "--yes").out == "3 jobs deleted\n"
    anywhere.ok("queues", "delete", "default")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["cancel"], ExitCode.USAGE, "ID"),
        (["cancel", "01234567", "--tag", "a"], ExitCode.USAGE, "not both"),
        (["cancel", "--tag", "a"], ExitCode.USAGE, "--yes"),
        (["retry", "--status", "succeeded", "-y"], ExitCode.USAGE, "does nothing to jobs that are succeeded"),
        (["delete", "--queue", "defalt", "-y"], ExitCode.NOT_FOUND, "did you mean default?"),
        (["move", "--queue", "default", "--to", "nowhere", "-y"], ExitCode.NOT_FOUND, "nowhere"),
        (["move", "--to", "default", "-y"], ExitCode.USAGE, "a filter"),
        (["cancel", "--before", "yesterday", "-y"], ExitCode.USAGE, "not a time"),
    ],
)
def test_refused(shop: CommandLine, arguments: list[str], code: int, said: str) -> None:
    [job_id] = fill(shop, 1, "--tag", "a")
    assert said in shop.refused(code, "jobs", *arguments)
    assert shop.job(job_id)["status"] == "pending"


@pytest.mark.parametrize(("answer", "said", "left"), [("y", "3 jobs cancelled", 0), ("", "would be", 3)])
def test_at_a_terminal_it_asks_and_shows_a_bar(shop: CommandLine, answer: str, said: str, left: int) -> None:
    fill(shop)
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "taskforge", "jobs", "cancel", "--queue", "default"]
    environment = {**clean_environment(), "TERM": "xterm"}
    with subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, cwd=shop.folder, env=environment
    ) as child:
        os.close(slave)
        shown = ""
        try:
            while "[y/N]" not in shown:
                shown += os.read(master, 1000).decode()
            os.write(master, f"{answer}\n".encode())
            while part := os.read(master, 1000):
                shown += part.decode(errors="replace")
        except OSError:  # the other side is closed
            pass
        finally:
            child.kill()
    os.close(master)
    assert "cancel 3 jobs? [y/N]" in shown
    assert said in shown
    assert ("\x1b" in shown) == (answer == "y"), "a bar is drawn when it is done"
    assert len(shop.ok("jobs", "list", "--status", "pending", "--json").json["jobs"]) == left
