"""`taskforge queues`."""

import pytest

from taskforge.cli.exit_codes import ExitCode
from tests.cli.conftest import CommandLine


def test_create_and_show(anywhere: CommandLine) -> None:
    made = anywhere.ok(
        "queues",
        "create",
        "high",
        "--priority",
        9,
        "--description",
        "Soon",
        "--set",
        "max_retries=2",
        "--json",
    ).json
    assert (made["name"], made["priority"], made["description"]) == ("high", 9, "Soon")
    assert (made["state"], made["is_active"], made["settings"]) == ("active", True, {"max_retries": 2})
    anywhere.enqueue("add", 1, "--queue", "high")
    shown = anywhere.ok("queues", "show", "high", "--json").json
    assert shown["stats"] == {
        "pending": 1, "scheduled": 0, "processing": 0, "succeeded": 0, "failed": 0, "cancelled": 0, "total": 1,
    }  # fmt: skip
    assert shown["dead_letter_count"] == 0
    assert "max_retries  2" in anywhere.ok("queues", "show", "high").out


def test_list(shop: CommandLine) -> None:
    assert shop.ok("queues", "list", "--json").json == {"queues": []}
    assert "no queues yet" in shop.ok("queues", "list").out
    shop.ok("queues", "create", "b")
    shop.ok("queues", "create", "a")
    shop.enqueue("add", 1, "--queue", "b")
    listed = shop.ok("queues", "list", "--json").json["queues"]
    assert [(queue["name"], queue["stats"]["pending"]) for queue in listed] == [("a", 0), ("b", 1)]
    assert shop.ok("queues", "list").out.splitlines()[2].split() == ["b", "active", *"0100000"]


def test_set(shop: CommandLine) -> None:
    shop.ok("queues", "create", "dead")
    dead = shop.ok("queues", "show", "dead", "--json").json["id"]
    shop.ok("queues", "create", "work", "--set", "rate_limit=5", "--set", "dead_letter_queue=dead")
    changed = shop.ok(
        "queues", "set", "work", "state=closed", "priority=3", "description=Old work", "rate_limit=",
        "timeout_seconds=2.5", "--json",
    ).json  # fmt: skip
    assert (changed["state"], changed["priority"], changed["description"]) == ("closed", 3, "Old work")
    assert changed["settings"] == {"dead_letter_queue_id": dead, "timeout_seconds": 2.5}
    assert shop.ok("queues", "set", "work", "dead_letter_queue=null", "--json").json["settings"] == {
        "timeout_seconds": 2.5
    }
    assert shop.ok("queues", "set", "work", f"dead_letter_queue_id={dead}", "--json").json["settings"][
        "dead_letter_queue_id"
    ] == dead  # fmt: skip
    assert shop.ok("queues", "set", "work", "is_active=false", "--json").json["state"] == "paused"
    assert shop.ok("queues", "set", "work", "is_active=true", "--json").json["state"] == "active"


def test_pause_and_resume(shop: CommandLine) -> None:
    shop.ok("queues", "create", "work")
    assert shop.ok("queues", "pause", "work", "--json").json["is_active"] is False
    assert shop.ok("queues", "resume", "work", "--json").json["is_active"] is True
    assert "state" in shop.ok("queues", "pause", "work").out


def test_delete(shop: CommandLine) -> None:
    shop.ok("queues", "create", "work")
    job_id = shop.enqueue("add", 1, "--queue", "work")
    assert "1 pending" in shop.refused(ExitCode.CONFLICT, "queues", "delete", "work")
    shop.ok("jobs", "cancel", job_id)
    assert shop.ok("queues", "delete", "work").out == "queue work is deleted\n"
    shop.ok("queues", "create", "work")
    assert shop.ok("queues", "delete", "work", "--json").json == {"name": "work", "deleted": True}


def test_dead_letters_are_listed_and_redriven(anywhere: CommandLine) -> None:
    anywhere.ok("queues", "create", "dead")
    anywhere.ok("queues", "create", "default", "--set", "dead_letter_queue=dead")
    anywhere("run", "fail", "x")
    [letter] = anywhere.ok("jobs", "list", "--dead-letter-queue", "dead", "--json").json["jobs"]
    assert (letter["status"], letter["queue_name"]) == ("failed", "default")
    assert anywhere.ok("queues", "show", "dead", "--json").json["dead_letter_count"] == 1
    assert anywhere.ok("queues", "redrive", "dead", "--to", "default", "--limit", 5, "--json").json == {
        "redriven": 1
    }
    assert anywhere.job(letter["id"])["status"] == "pending"
    assert anywhere.ok("queues", "redrive", "dead").out == "0 dead letters are retried\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["create", "work"], ExitCode.CONFLICT, "exists already"),
        (["create", " x"], ExitCode.USAGE, "queue name"),
        (["create", "x", "--priority", "10"], ExitCode.USAGE, "0 to 9"),
        (["create", "x", "--set", "colour=red"], ExitCode.USAGE, "no setting 'colour'"),
        (["create", "x", "--set", "rate_limit"], ExitCode.USAGE, "key=value"),
        (["set", "work", "state=open"], ExitCode.USAGE, "states: active, paused, closed"),
        (["set", "work", "rate_limit=fast"], ExitCode.USAGE, "rate_limit"),
        (["set", "work", "dead_letter_queue=nowhere"], ExitCode.NOT_FOUND, "nowhere"),
        (["set", "work", "dead_letter_queue=work"], ExitCode.USAGE, "leads back"),
        (["show", "wrok"], ExitCode.NOT_FOUND, "did you mean work?"),
        (["pause", "wrok"], ExitCode.NOT_FOUND, "did you mean work?"),
        (["redrive", "wrok"], ExitCode.NOT_FOUND, "did you mean work?"),
    ],
)
def test_refused(shop: CommandLine, arguments: list[str], code: int, said: str) -> None:
    shop.ok("queues", "create", "work")
    assert said in shop.refused(code, "queues", *arguments)
