"""`taskforge pauses`, and who paused a queue and why."""

import getpass

import pytest

from taskforge.cli.exit_codes import ExitCode
from tests.cli.conftest import CommandLine


def test_by_type(anywhere: CommandLine) -> None:
    before = anywhere.enqueue("add", 1)
    out = anywhere.ok("pauses", "create", "--type", "tasks.add", "--reason", "the API is down").out
    assert out == "type 'tasks.add' is paused: the API is down\n"
    after = anywhere.enqueue("add", 2)
    assert {anywhere.job(before)["hold"], anywhere.job(after)["hold"]} == {"paused"}
    assert "(paused; see `taskforge pauses list`)" in anywhere.ok("jobs", "show", after).out
    assert "already, since" in anywhere.ok("pauses", "create", "--type", "tasks.add").out
    [listed] = anywhere.ok("pauses", "list", "--json").json["pauses"]
    assert (listed["kind"], listed["value"], listed["by"]) == ("type", "tasks.add", getpass.getuser())
    out = anywhere.ok("pauses", "remove", "--type", "tasks.add").out
    assert out == "type 'tasks.add' is resumed; 2 waiting jobs are let go\n"
    assert anywhere.job(before)["hold"] is None
    assert anywhere.ok("pauses", "list").out == "nothing is paused\n"


def test_by_tag(shop: CommandLine) -> None:
    made = shop.ok("pauses", "create", "--tag", "a", "--by", "ana", "--json").json
    assert (made["kind"], made["value"], made["by"], made["created"]) == ("tag", "a", "ana", True)
    job_id = shop.enqueue("add", 1, "--tag", "a")
    assert shop.job(job_id)["hold"] == "paused"
    assert shop.job(shop.enqueue("add", 1))["hold"] is None
    assert shop.ok("pauses", "remove", "--tag", "a", "--json").json["released"] == 1


def test_who_paused_a_queue_and_why(anywhere: CommandLine) -> None:
    anywhere.ok("queues", "create", "work")
    paused = anywhere.ok("queues", "pause", "work", "--reason", "upkeep", "--by", "ana", "--json").json
    assert (paused["paused_by"], paused["pause_reason"]) == ("ana", "upkeep")
    shown = anywhere.ok("queues", "show", "work").out
    assert "paused by     ana\n" in shown
    assert "reason        upkeep\n" in shown
    row = anywhere.ok("pauses", "list").out.splitlines()[1].split()
    assert (row[:3], row[-1]) == (["queue", "work", "ana"], "upkeep")
    resumed = anywhere.ok("queues", "resume", "work", "--json").json
    assert (resumed["paused_at"], resumed["paused_by"], resumed["pause_reason"]) == (None, None, None)
    assert (
        anywhere.ok("queues", "set", "work", "state=paused", "--json").json["paused_by"] == getpass.getuser()
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["create"], ExitCode.USAGE, "give one of --type or --tag or --key"),
        (["create", "--type", "a", "--tag", "b"], ExitCode.USAGE, "give one of"),
        (["create", "--type", "a b"], ExitCode.USAGE, "job type"),
        (["create", "--tag", "a", "--reason", "x" * 1001], ExitCode.USAGE, "reason"),
        (["remove", "--tag", "nightli"], ExitCode.NOT_FOUND, "did you mean nightly?"),
    ],
)
def test_refused(shop: CommandLine, arguments: list[str], code: int, said: str) -> None:
    shop.ok("pauses", "create", "--tag", "nightly")
    assert said in shop.refused(code, "pauses", *arguments)
