"""`taskforge jobs`: list, show, logs, cancel, retry, delete."""

import pytest

from taskforge.cli.exit_codes import ExitCode
from tests.cli.conftest import CommandLine
from tests.support.processes import Processes


def ids(command: CommandLine, *filters: object) -> list[str]:
    return [job["id"] for job in command.ok("jobs", "list", "--json", *filters).json["jobs"]]


def test_filters(anywhere: CommandLine) -> None:
    done = anywhere.enqueue("report", "x", "--tag", "a")
    anywhere.ok("run", "report", "y")  # the worker of this run takes the older one first
    waiting = anywhere.enqueue("add", 1, "--tag", "a")
    later = anywhere.enqueue("add", 1, "--run-at", "2099-01-01T00:00:00Z")
    assert ids(anywhere, "--type", "tasks.add") == [later, waiting]
    assert ids(anywhere, "--tag", "a") == [waiting, done]
    assert ids(anywhere, "--queue", "default") == [later, waiting]
    assert len(ids(anywhere, "--queue", "default,reports")) == 4
    assert ids(anywhere, "--status", "scheduled") == [later]
    assert ids(anywhere, "--status", "waiting") == [later, waiting]
    assert len(ids(anywhere, "--status", "completed", "--status", "active")) == 2
    assert ids(anywhere, "--scheduled-from", "2098-12-31T23:59:59Z") == [later]
    assert ids(anywhere, "--scheduled-to", "2098-12-31T23:59:59Z") == []
    assert ids(anywhere, "--created-to", "2020-01-01T00:00:00Z") == []
    assert len(ids(anywhere, "--created-from", "2020-01-01T00:00:00+07:00")) == 4


def test_pages(shop: CommandLine) -> None:
    every = [shop.enqueue("add", number) for number in range(3)][::-1]
    first = shop.ok("jobs", "list", "--limit", 2, "--json").json
    assert [job["id"] for job in first["jobs"]] == every[:2]
    second = shop.ok("jobs", "list", "--limit", 2, "--json", "--cursor", first["next_cursor"]).json
    assert ([job["id"] for job in second["jobs"]], second["next_cursor"]) == (every[2:], None)
    assert f"more: --cursor {every[1]}" in shop.ok("jobs", "list", "--limit", 2).out


def test_the_table_is_plain_text_in_a_pipe(shop: CommandLine) -> None:
    job_id = shop.enqueue("add", 1)
    assert shop.ok("jobs", "list").out.splitlines()[1].split()[:4] == [
        job_id[-8:], "pending", "default", "tasks.add",
    ]  # fmt: skip
    assert "\x1b" not in shop.ok("jobs", "list").out
    assert shop.ok("jobs", "list", "--tag", "none").out == "no such jobs\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["list", "--status", "waitin"], ExitCode.USAGE, "did you mean waiting?"),
        (["list", "--queue", "defalt"], ExitCode.NOT_FOUND, "defalt"),
        (["list", "--cursor", "x"], ExitCode.USAGE, "no cursor"),
        (["list", "--limit", "0"], ExitCode.USAGE, "--limit"),
        (["list", "--created-from", "2026-01-01"], ExitCode.USAGE, "time zone"),
        (["show", "0123abcd"], ExitCode.NOT_FOUND, "0123abcd"),
        (["show", "abc"], ExitCode.USAGE, "at least 4"),
        (["logs", "01a20114-5504-7608-bb39-6bc558a30eae"], ExitCode.NOT_FOUND, "no job has the id"),
        (["logs", "x", "--follow", "--json"], ExitCode.USAGE, "no end"),
        (["logs", "x", "--level", "loud"], ExitCode.USAGE, "levels: trace"),
        (["cancel"], ExitCode.USAGE, "ID"),
    ],
)
def test_refused(shop: CommandLine, arguments: list[str], code: int, said: str) -> None:
    assert said in shop.refused(code, "jobs", *arguments)


def test_show_a_success(anywhere: CommandLine) -> None:
    anywhere.ok("run", "report", "x")
    [job_id] = ids(anywhere)
    job = anywhere.job(job_id[-8:])
    assert (job["id"], job["status"], job["queue_name"], job["attempt_count"]) == (
        job_id,
        "succeeded",
        "reports",
        1,
    )
    assert job["output"] == {"day": "x"}
    assert job["processed_at"] == job["completed_at"]
    assert job["completed_at"].endswith("Z")
    [execution] = job["executions"]
    assert (execution["status"], execution["attempt_number"], execution["job_id"]) == ("succeeded", 1, job_id)
    assert job["stats"]["succeeded_count"] == 1
    text = anywhere.ok("jobs", "show", job_id).out
    assert 'result     {"day": "x"}' in text
    assert execution["id"][-8:] in text


def test_show_a_failure(shop: CommandLine) -> None:
    shop("run", "fail", "too [bold]bad[/bold]")
    [job_id] = ids(shop, "--status", "failed")
    [execution] = shop.job(job_id)["executions"]
    assert (execution["status"], execution["error_type"]) == ("failed", "ValueError")
    text = shop.ok("jobs", "show", job_id).out
    assert "ValueError: too [bold]bad[/bold]" in text
    assert "Traceback" in text


def test_why(anywhere: CommandLine) -> None:
    job_id = anywhere.enqueue("report", "x")
    assert anywhere.ok("jobs", "why", job_id[-8:]).out == (
        f"{job_id[-8:]} is pending.\nNo live worker serves queue 'reports'.\n"
    )
    anywhere.ok("pauses", "create", "--type", "tasks.report", "--reason", "upkeep", "--by", "ana")
    document = anywhere.ok("jobs", "why", job_id, "--json").json
    assert (document["job_id"], document["status"], document["code"]) == (job_id, "pending", "paused")
    assert [obstacle["code"] for obstacle in document["obstacles"]] == ["paused", "no_worker_for_queue"]
    assert document["obstacles"][0]["details"]["reason"] == "upkeep"


def test_logs(anywhere: CommandLine) -> None:
    anywhere.ok("run", "report", "x")
    [job_id] = ids(anywhere)
    lines = anywhere.ok("jobs", "logs", job_id, "--json").json["logs"]
    assert [(line["level"], line["message"]) for line in lines][:2] == [
        ("info", "building"),
        ("warn", "no stock"),
    ]
    assert lines[0]["metadata"] == {"day": "x"}
    out = anywhere.ok("jobs", "logs", job_id, "--level", "warn").out
    assert out.endswith('warn  no stock  {"logger": "shop"}\n')
    assert len(out.splitlines()) == 1


def test_logs_are_followed_to_the_end_of_the_job(shop: CommandLine, processes: Processes) -> None:
    job_id = shop.enqueue("report", "x", "--delay", "1s")
    worker = processes.taskforge("worker", folder=shop.folder)
    worker.wait_for("is online")
    assert "building" in shop.ok("jobs", "logs", "-f", job_id).out
    assert shop.job(job_id)["status"] == "succeeded"


def test_cancel_retry_delete(anywhere: CommandLine) -> None:
    first, second = anywhere.enqueue("add", 1), anywhere.enqueue("add", 2)
    out = anywhere.ok("jobs", "cancel", first, second[-8:]).out
    assert out == f"{first[-8:]} is cancelled\n{second[-8:]} is cancelled\n"
    assert anywhere.ok("jobs", "cancel", first).out == f"{first[-8:]} is cancelled\n"
    anywhere.ok("queues", "create", "slow")
    assert anywhere.ok("jobs", "retry", first, "--queue", "slow", "--json").json == {
        "jobs": [{"id": first, "status": "pending"}]
    }
    assert anywhere.job(first)["queue_name"] == "slow"
    assert "pending cannot be retried" in anywhere.refused(ExitCode.CONFLICT, "jobs", "retry", first)
    assert anywhere.ok("jobs", "delete", second).out == f"{second[-8:]} is deleted\n"
    anywhere.refused(ExitCode.NOT_FOUND, "jobs", "show", second)


def test_nothing_is_done_when_one_of_many_is_not_there(shop: CommandLine) -> None:
    job_id = shop.enqueue("add", 1)
    shop.refused(ExitCode.NOT_FOUND, "jobs", "delete", job_id, "ffffffff")
    assert shop.job(job_id)["status"] == "pending"


def test_a_running_job_is_asked_to_stop(shop: CommandLine, processes: Processes) -> None:
    processes.taskforge("worker", folder=shop.folder).wait_for("is online")
    job_id = shop.enqueue("forever")
    while shop.job(job_id)["status"] == "pending":
        pass
    assert shop.job(job_id)["executions"][0]["status"] in ("queued", "started", "running")
    assert "cancel it first" in shop.refused(ExitCode.CONFLICT, "jobs", "delete", job_id)
    assert shop.ok("jobs", "cancel", job_id).out == f"{job_id[-8:]} is asked to stop\n"
    shop.ok("jobs", "logs", "-f", job_id)
    assert shop.job(job_id)["status"] == "cancelled"
