"""The commands `metrics` of queues, workers and jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from tests.cli.conftest import CommandLine


def test_the_figures_of_a_run(shop: CommandLine) -> None:
    assert shop.ok("run", "add", 2, 3).out.strip() == "5"
    queue = shop.ok("queues", "metrics", "default", "--hours", 1, "--json").json
    assert (queue["queue_name"], queue["total_executions"], queue["successful_executions"]) == (
        "default",
        1,
        1,
    )
    assert (queue["failed_executions"], queue["success_rate"], queue["exact"]) == (0, 100.0, True)
    assert 0 <= queue["avg_duration"] == queue["p95_duration"] == queue["p99_duration"]
    assert queue["avg_wait"] >= 0
    assert queue["depth"]["ready"] == 0
    [kind] = queue["job_types"]
    assert (kind["job_type"], kind["total_executions"]) == ("tasks.add", 1)
    for options in ((), ("--queue", "default")):
        [same] = shop.ok("jobs", "metrics", *options, "--json").json["job_types"]
        assert (same["job_type"], same["total_executions"]) == ("tasks.add", 1)
        assert same["usage"]["measured_executions"] == 1
    [worker] = shop.ok("workers", "metrics", "--json").json["workers"]
    assert [task["job_type"] for task in worker["tasks"]] == ["tasks.add"]
    assert (worker["jobs_processed"], worker["success_rate"]) == (1, 100.0)
    named = shop.ok("workers", "metrics", worker["worker_name"], "--hours", 0.5, "--json").json
    assert named["worker_id"] == worker["worker_id"]
    assert "succeeded     1" in shop.ok("queues", "metrics", "default", "--hours", 1).out
    assert shop.ok("queues", "metrics").out.splitlines()[1].split()[:4] == ["default", "1", "1", "0"]
    assert "tasks.add" in shop.ok("jobs", "metrics").out
    assert worker["worker_name"] in shop.ok("workers", "metrics").out
    [job] = shop.ok("jobs", "list", "--json").json["jobs"]
    assert shop.job(job["id"])["type_usage"] == queue["job_types"][0]["usage"]
    assert "(1 measured in 24 hours)" in shop.ok("jobs", "show", job["id"]).out
    assert "MEASURED" in shop.ok("workers", "metrics", worker["worker_name"]).out


def test_nothing_ran(shop: CommandLine) -> None:
    shop.ok("queues", "create", "idle")
    found = shop.ok("queues", "metrics", "idle", "--json").json
    assert (found["total_executions"], found["success_rate"], found["avg_duration"]) == (0, 100.0, None)
    assert found["job_types"] == []
    assert "nothing ran" in shop.ok("jobs", "metrics").out
    assert shop.ok("workers", "metrics", "--json").json == {"workers": []}


def test_who_is_unknown(shop: CommandLine) -> None:
    assert "nobody" in shop.refused(ExitCode.NOT_FOUND, "workers", "metrics", "nobody")
    shop.refused(ExitCode.NOT_FOUND, "queues", "metrics", "nowhere")
    shop.refused(ExitCode.USAGE, "jobs", "metrics", "--hours", 0)
