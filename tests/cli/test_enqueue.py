"""`taskforge enqueue`."""

import pytest

from taskforge.cli.exit_codes import ExitCode
from tests.cli.conftest import CommandLine


def test_a_task_of_the_application(anywhere: CommandLine) -> None:
    result = anywhere.ok(
        "enqueue", "report", "monday", "--priority", 7, "--delay", "1h", "--tag", "a", "--tag", "b",
        "--max-attempts", 5, "--timeout", "2m", "--json",
    )  # fmt: skip
    job = result.json
    assert (job["job_type"], job["queue_name"], job["payload"]) == (
        "tasks.report",
        "reports",
        {"day": "monday"},
    )
    assert (job["status"], job["priority"], job["max_attempts"]) == ("scheduled", 7, 5)
    assert job["tags"] == ["a", "b"]
    assert job["scheduled_for"] > job["created_at"]


def test_the_id_alone_is_printed(shop: CommandLine) -> None:
    result = shop.ok("enqueue", "add", 1, "b=2")
    assert shop.job(result.out.strip())["payload"] == {"a": 1, "b": 2}
    assert result.err == ""


def test_what_the_task_says_holds_where_the_call_says_nothing(shop: CommandLine) -> None:
    assert shop.job(shop.enqueue("report"))["priority"] == 4


def test_run_at(shop: CommandLine) -> None:
    job_id = shop.enqueue("add", 1, "--run-at", "2099-01-31T09:00:00+07:00")
    assert shop.job(job_id)["scheduled_for"] == "2099-01-31T02:00:00Z"


def test_a_payload(shop: CommandLine) -> None:
    assert shop.job(shop.enqueue("greet", "--payload", '["a"]'))["payload"] == ["a"]
    assert "payload.a" in shop.refused(ExitCode.USAGE, "enqueue", "add", "--payload", '{"a": "x"}')


def test_a_job_type_that_nobody_knows_waits(bare: CommandLine) -> None:
    result = bare.ok("enqueue", "send_email", "to=ann@example.org", "times=2", "--json")
    assert "no worker knows the job type 'send_email'" in result.err
    job = result.json
    assert job["payload"] == {"to": "ann@example.org", "times": 2}
    assert (job["status"], job["queue_name"], job["no_worker_for_type"]) == ("pending", "default", True)
    assert "no worker knows" in bare.ok("jobs", "show", job["id"]).out


def test_the_catalogue_knows_the_rest_of_the_name_and_the_queue(
    shop: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.ok("run", "report")
    url = f"sqlite:///{shop.folder}/.taskforge/taskforge.db"
    (shop.folder / "elsewhere").mkdir()
    monkeypatch.chdir(shop.folder / "elsewhere")
    job = shop.ok("enqueue", "report", "day=x", "--json", "--database-url", url).json
    assert (job["job_type"], job["queue_name"], job["no_worker_for_type"]) == (
        "tasks.report",
        "reports",
        False,
    )


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["x", "a=1", "--queue", "defalt"], ExitCode.NOT_FOUND, "did you mean default?"),
        (["add", "1", "--queue", "defalt"], ExitCode.NOT_FOUND, "did you mean default?"),
        (["x", "1"], ExitCode.USAGE, "need names"),
        (["x", "1", "--payload", "2"], ExitCode.USAGE, "not both"),
        (["x", "--payload", "{a: 1}"], ExitCode.USAGE, "not valid JSON"),
        (["x y"], ExitCode.USAGE, "job type"),
        (["add", "1", "--priority", "12"], ExitCode.USAGE, "priority"),
        (["add", "1", "--delay", "1h", "--run-at", "2099-01-01T00:00:00Z"], ExitCode.USAGE, "not both"),
        (["add", "1", "--run-at", "2099-01-01T00:00:00"], ExitCode.USAGE, "2099-01-01T00:00:00Z for UTC"),
        (["add", "1", "--run-at", "tomorrow"], ExitCode.USAGE, "not a time"),
        (["add", "1", "--timeout", "0"], ExitCode.USAGE, "timeout"),
        (["add", "1", "--max-attempts", "0"], ExitCode.USAGE, "max_attempts"),
        (["add", "1", "--app", "nosuch:app"], ExitCode.NOT_FOUND, "nosuch"),
    ],
)
def test_refused(shop: CommandLine, arguments: list[str], code: int, said: str) -> None:
    shop.ok("queues", "create", "default")
    assert said in shop.refused(code, "enqueue", *arguments)
    assert shop.ok("jobs", "list", "--json").json["jobs"] == []


def test_a_closed_queue_refuses(shop: CommandLine) -> None:
    shop.ok("queues", "create", "old", "--set", "state=closed")
    assert "closed" in shop.refused(ExitCode.CONFLICT, "enqueue", "add", 1, "--queue", "old")
