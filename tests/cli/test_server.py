"""The command line through a server: what it prints, and how it ends, is what a database gives."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from taskforge import TaskForge
from taskforge.cli.exit_codes import ExitCode
from taskforge.domain.access import ALL as PERMISSIONS
from taskforge.domain.access import PrincipalKind
from tests.support import remote

if TYPE_CHECKING:
    from tests.cli.both import Both


def test_breakers_are_the_same(both: Both) -> None:
    both.command.enqueue("add", 1)
    assert "failure_rate      0.3" in both.ok("breakers", "set", "tasks.add", "failure_rate=0.3")
    both.alike("breakers", "set", "tasks.add", "failure_rate=3", code=ExitCode.USAGE)
    both.alike("breakers", "set", "tasks.nothing", code=ExitCode.USAGE)
    assert "open" in both.ok("breakers", "open", "tasks.add", "--reason", "upkeep")
    both.alike("breakers", "list")
    both.alike("breakers", "show", "tasks.add", "--json")
    assert "closed by hand" in both.ok("breakers", "close", "tasks.add")
    both.alike("breakers", "close", "tasks.nothing", code=ExitCode.NOT_FOUND)
    assert "no breaker any more" in both.ok("breakers", "remove", "tasks.add")


def test_assignments_are_the_same(both: Both) -> None:
    both.ok("queues", "create", "reports")
    assert "gpu-*" in both.ok("assignments", "create", "reports", "gpu-*", "--weight", 30)
    both.alike("assignments", "create", "reports", "gpu-*", code=ExitCode.CONFLICT)
    both.alike("assignments", "create", "reports", "w", "--weight", 0, code=ExitCode.USAGE)
    both.alike("assignments", "set", "reports", "gpu-*", "-w", 7)
    assert "no" in both.alike("assignments", "deactivate", "reports", "gpu-*")
    assert "yes" in both.alike("assignments", "activate", "reports", "gpu-*")
    assert both.alike("assignments", "list").splitlines()[1].split() == ["reports", "gpu-*", "7", "yes"]
    both.alike("assignments", "list", "--queue", "reports", "--worker", "gpu-9", "--json")
    assert "no live worker" in both.alike("assignments", "workers", "reports")
    both.alike("assignments", "queues", "gpu-9", code=ExitCode.NOT_FOUND)
    both.alike("assignments", "matrix")
    both.alike("assignments", "matrix", "--json")
    assert "removed" in both.ok("assignments", "remove", "reports", "gpu-*")
    both.alike("assignments", "remove", "reports", "gpu-*", code=ExitCode.NOT_FOUND)


def test_people_keys_and_projects_are_the_same(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = replace(remote.ADMINISTRATOR, kind=PrincipalKind.SYSTEM)  # no key whose keys would be its own
    monkeypatch.setattr(remote, "ADMINISTRATOR", caller)
    both.ok("projects", "create", "shop")
    both.ok("projects", "rename", "shop", "store")
    both.alike("projects", "list")
    both.alike("projects", "list", "--json")
    both.alike("projects", "create", "store", code=ExitCode.CONFLICT)
    both.alike("projects", "delete", "shop", code=ExitCode.NOT_FOUND)
    assert "password: " in both.ok(
        "users", "create", "Bob@example.com", "--generate", "--only-project", "store"
    )
    both.ok("users", "set-role", "bob@example.com", "--role", "operator")
    both.ok("users", "disable", "bob@example.com")
    assert "operator  disabled" in both.alike("users", "list")
    both.ok("users", "enable", "bob@example.com")
    both.ok("users", "set-password", "bob@example.com", "--generate")
    both.alike("users", "list", "--json")
    both.alike("users", "remove", "nobody@example.com", code=ExitCode.NOT_FOUND)
    both.ok("users", "remove", "bob@example.com")
    both.ok("projects", "delete", "store")
    both.ok("queues", "create", "mail")
    key = json.loads(
        both.ok(
            "keys",
            "create",
            "--role",
            "viewer",
            "--only-project",
            "default",
            "--only-queue",
            "mail",
            "--json",
        )
    )
    assert key["key"].startswith("tfk_")
    both.alike("keys", "list")
    both.alike("keys", "list", "--json")
    assert "is revoked" in both.ok("keys", "revoke", key["id"][-8:])
    assert "already" in both.alike("keys", "revoke", key["id"])
    both.alike("keys", "list", "--all")
    both.alike("keys", "revoke", "ffffffff", code=ExitCode.NOT_FOUND)
    for words in (
        ("users", "list", "-o", "acme"),
        ("users", "create", "c@example.com", "--generate", "--administrator"),
    ):
        assert both.command(*both.afar(*words)).code == ExitCode.USAGE


def test_what_is_read_is_the_same(both: Both) -> None:
    both.ok("queues", "create", "graveyard")
    both.ok("queues", "create", "reports", "--set", "dead_letter_queue=graveyard", "--priority", 4)
    both.ok("enqueue", "report", "day=monday", "--tag", "a", "--priority", 7)
    sys.modules.pop("tasks", None)
    both.command.ok("run", "report", "tuesday")
    later = both.ok("enqueue", "add", 1, 2, "--delay", "2h", "--key", "once").strip()
    both.ok("enqueue", "nobodys", "--payload", "[1]", "--tag", "b")
    assert both.alike("jobs", "list", "--json")
    assert both.alike("jobs", "list", "--queue", "reports", "--status", "completed", "--tag", "a")
    assert both.alike("jobs", "show", later)
    assert both.alike("jobs", "show", later[-8:], "--json")
    done = both.command.ok("jobs", "list", "--status", "completed", "--json").json["jobs"][0]["id"]
    assert both.alike("jobs", "show", done, "--json")
    assert both.alike("jobs", "logs", done, "--json")
    assert both.alike("jobs", "logs", done[-6:], "--level", "warn")
    assert both.alike("queues", "list", "--json")
    assert both.alike("queues", "show", "reports")
    assert both.alike("queues", "show", "reports", "--json")
    here, there = (json.loads(text) for text in both.pair("top", "--json"))
    assert [here["queues"][0].keys(), len(here["queues"])] == [
        there["queues"][0].keys(),
        len(there["queues"]),
    ]
    timeless = ("oldest_ready_seconds", "done_per_minute", "failed_per_minute")
    for one, other in zip(here["queues"], there["queues"], strict=True):
        assert {**one, **dict.fromkeys(timeless)} == {**other, **dict.fromkeys(timeless)}
    assert both.alike("workers", "list", "--all").count("offline") == 1
    assert "2" in both.ok("jobs", "list", "--limit", 2)
    assert both.ok("jobs", "why", later).splitlines()[1].startswith("It is due at")


REFUSED: list[tuple[tuple[object, ...], ExitCode]] = [
    (("jobs", "show", "0123abcd"), ExitCode.NOT_FOUND),
    (("workers", "drain", "nobody"), ExitCode.NOT_FOUND),
    (("workers", "deregister", "nobody"), ExitCode.NOT_FOUND),
    (("jobs", "show", "abc"), ExitCode.USAGE),
    (("jobs", "cancel", "01a20114-5504-7608-bb39-6bc558a30eae"), ExitCode.NOT_FOUND),
    (("jobs", "list", "--queue", "reprots"), ExitCode.NOT_FOUND),
    (("jobs", "list", "--status", "waitin"), ExitCode.USAGE),
    (("jobs", "cancel", "--status", "pending"), ExitCode.USAGE),
    (("queues", "show", "nowhere"), ExitCode.NOT_FOUND),
    (("queues", "create", "reports"), ExitCode.CONFLICT),
    (("enqueue", "add", 1, "--queue", "nowhere"), ExitCode.NOT_FOUND),
    (("enqueue", "nobodys", 1), ExitCode.USAGE),
    (("enqueue", "add", "x"), ExitCode.USAGE),
]


def test_what_is_refused_is_refused_alike(both: Both) -> None:
    both.ok("queues", "create", "reports")
    both.ok("enqueue", "report")
    for words, code in REFUSED:
        assert both.alike(*words, code=code) == ""


@pytest.mark.parametrize(
    ("verb", "said"), [("drain", "takes no more jobs"), ("deregister", "is deregistered")]
)
def test_a_job_is_seen_through_by_the_workers_of_the_server(
    both: Both, sqlite_url: str, verb: str, said: str
) -> None:
    ended = threading.Event()

    async def work() -> None:
        async with TaskForge(sqlite_url) as app:
            app.task(name="tasks.add")(double)
            async with app.worker(name="elsewhere"):
                registered.set()
                await asyncio.to_thread(ended.wait, 30)

    registered = threading.Event()
    worker = threading.Thread(target=lambda: asyncio.run(work()))
    worker.start()
    try:
        assert registered.wait(20)
        assert both.ok("run", "add", "a=21", "--timeout", "20s") == "42\n"
        assert both.ok("workers", verb, "elsewhere").startswith(f"elsewhere {said}")
        present = both.command.ok("workers", "list").out
        assert "draining" in present or "no worker runs" in present
    finally:
        ended.set()
        worker.join()


async def double(a: int, b: int = 0) -> int:
    """What a worker elsewhere has under the name."""
    return a * 2


def test_pauses_are_the_same(both: Both) -> None:
    both.ok("queues", "create", "reports")
    both.command.ok("queues", "pause", "reports", "--reason", "tired")
    both.ok("enqueue", "add", 1, "--tag", "a")
    assert both.ok("pauses", "create", "--tag", "a", "--reason", "upkeep") == "tag 'a' is paused: upkeep\n"
    assert "already, since" in both.alike("pauses", "create", "--tag", "a")
    both.alike("pauses", "create", code=ExitCode.USAGE)
    both.alike("pauses", "create", "--type", "a b", code=ExitCode.USAGE)
    assert [line.split()[0] for line in both.alike("pauses", "list").splitlines()] == [
        "PAUSED",
        "queue",
        "tag",
    ]
    both.alike("pauses", "list", "--json")
    both.alike("pauses", "remove", "--tag", "b", code=ExitCode.NOT_FOUND)
    assert "waiting jobs are let go" in both.ok("pauses", "remove", "--tag", "a")


def test_figures_are_the_same(both: Both) -> None:
    both.command.ok("run", "add", 2)
    for name, *which in (
        ["queues"],
        ["queues", "default"],
        ["jobs"],
        ["jobs", "--queue", "default"],
        ["workers"],
    ):
        for options in (["--hours", "0.5"], ["--json"]):
            here, there = both.pair(name, "metrics", *which, *options)
            assert OF_NOW.sub("now", there) == OF_NOW.sub("now", here) != ""
    both.alike("queues", "metrics", "nowhere", code=ExitCode.NOT_FOUND)
    both.alike("workers", "metrics", "nobody", code=ExitCode.NOT_FOUND)
    both.alike("jobs", "metrics", "--hours", 0, code=ExitCode.USAGE)
    checks = [line.split()[:2] for line in both.ok("doctor").splitlines()]
    assert ["program", "ok"] in checks
    assert ["workers", "ok"] in checks or ["workers", "warning"] in checks


OF_NOW = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+Z?")


def test_roles_organizations_and_the_audit_log_are_the_same(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "ADMINISTRATOR", replace(remote.ADMINISTRATOR, permissions=PERMISSIONS))
    both.ok("roles", "create", "watcher", "job:read")
    both.alike("roles", "create", "watcher", "job:read", code=ExitCode.CONFLICT)
    both.alike("roles", "create", "other", "job:fly", code=ExitCode.USAGE)
    both.ok("roles", "set", "watcher", "queue:read", "job:read")
    assert "job:read queue:read" in both.alike("roles", "list")
    both.alike("roles", "list", "--json")
    both.ok("roles", "delete", "watcher")
    both.alike("roles", "delete", "watcher", code=ExitCode.NOT_FOUND)
    assert "is made" in both.ok("organizations", "create", "acme")
    both.ok("organizations", "set", "acme", "workers=5", "redacted_keys=card,pin", "suspended=true")
    assert "suspended" in both.alike("organizations", "list")
    both.alike("organizations", "list", "--json")
    both.ok("organizations", "set", "acme", "workers=none", "suspended=false")
    both.alike("organizations", "set", "nobody", "workers=1", code=ExitCode.NOT_FOUND)
    both.ok("organizations", "delete", "acme")
    both.command.ok("audit", "verify")  # which seals what has been written
    both.alike("audit", "list")
    assert both.alike("audit", "list", "--action", "role.*", "--limit", 2, "--json").count('"action"') == 2
    exported = [json.loads(line) for line in both.alike("audit", "export").splitlines()]
    assert [entry["action"] for entry in exported] == ["role.create", "role.update", "role.delete"]
    assert both.alike("audit", "export", "--after-entry", 1).count("\n") == 2
    end = f"{exported[-1]['seq']}:{exported[-1]['hash']}"
    assert "3 entries, holds" in both.ok("audit", "verify", "--expect", end)
    assert both.command(*both.afar("audit", "verify", "--expect", f"3:{'0' * 64}", "--json")).code == 1
    both.alike("audit", "verify", "--expect", "3:x", code=ExitCode.USAGE)
    for words in (("audit", "list", "-o", "acme"), ("roles", "list", "-o", "acme")):
        assert both.command(*both.afar(*words)).code == ExitCode.USAGE


def test_schedules_are_made_and_changed(both: Both) -> None:
    both.command.enqueue("add", 1)
    zone = ("--timezone", "Asia/Jakarta")
    both.command.ok("schedules", "create", "of.days", "report", "--cron", "0 2 * * *", *zone)
    made = both.ok(
        "schedules", "create", "of.nights", "report", "--cron", "0 2 * * *", *zone, "--set", "tags=a,b"
    )
    assert "cron      0 2 * * *" in made
    both.alike("schedules", "create", "of.nights", "report", "--every", "5m", code=ExitCode.CONFLICT)
    both.alike("schedules", "create", "x", "report", "--cron", "61 * * * *", code=ExitCode.USAGE)
    both.alike(
        "schedules", "create", "x", "report", "--cron", "@daily", "--set", "wings=2", code=ExitCode.USAGE
    )
    both.alike("schedules", "create", "x", "nothing", "--cron", "@daily", code=ExitCode.USAGE)
    assert "workers have told of" in both.command.refused(
        ExitCode.USAGE,
        *both.afar("schedules", "create", "x", "report", "--cron", "@daily", "--app", "tasks.py"),
    )
    assert "1:30:00" in both.ok(
        "schedules", "edit", "nights", "--every", "90m", "priority=7", "jitter_seconds=3"
    )
    both.ok("schedules", "edit", "nights", "tags=", "missed=all")
    both.alike("schedules", "edit", "nights", code=ExitCode.USAGE)
    both.alike("schedules", "edit", "weeks", "priority=1", code=ExitCode.NOT_FOUND)
    both.alike("schedules", "edit", "nights", "--reset", code=ExitCode.CONFLICT)
    both.alike("schedules", "show", "nights")
    assert "2 changed" in both.ok("schedules", "pause-all")
    assert "0 changed" in both.alike("schedules", "pause-all")
    assert "2 changed" in both.ok("schedules", "resume-all")
    days = ("--date", "2036-12-25", "--weekday", "SAT,SUN")
    assert "2036-12-25" in both.alike("schedules", "calendar", "holidays", *days)
    both.alike("schedules", "calendars")
    both.alike("schedules", "calendars", "--json")
    both.alike("schedules", "calendar", "x", "--weekday", "NEVER", code=ExitCode.USAGE)
    both.ok("schedules", "edit", "days", "calendars=holidays")
    both.alike("schedules", "calendar", "holidays", "--delete", code=ExitCode.CONFLICT)
    assert both.ok("schedules", "delete", "days") == "schedule of.days is deleted\n"
    both.ok("schedules", "calendar", "holidays", "--delete")
    both.alike("schedules", "calendar", "holidays", "--delete", code=ExitCode.NOT_FOUND)
    both.alike("schedules", "delete", "days", code=ExitCode.NOT_FOUND)


def test_schedules_are_looked_at_and_run(both: Both) -> None:
    both.command.ok("schedules", "create", "of.nights", "report", "--cron", "0 2 * * *", "--timezone", "UTC")
    assert both.alike("schedules", "list")
    assert both.alike("schedules", "show", "nights", "--json")
    assert "disabled" in both.ok("schedules", "disable", "nights")
    assert "disabled" in both.alike("schedules", "list")
    assert "active" in both.ok("schedules", "enable", "of.nights")
    assert "runs as job" in both.ok("schedules", "trigger", "nights")
    span = ("--from", "2026-03-16T00:00:00Z", "--to", "2026-03-19T00:00:00Z")
    assert both.ok("schedules", "backfill", "nights", *span) == "3 of 3 due times are run now\n"
    assert both.ok("schedules", "backfill", "nights", *span) == "0 of 3 due times are run now\n"
    runs = both.alike("schedules", "history", "nights", "--json")
    assert (runs.count('"backfill"'), runs.count('"manual"')) == (3, 1)
    assert both.alike("schedules", "history", "nights", "--limit", 2)
    both.alike("schedules", "show", "days", code=ExitCode.NOT_FOUND)
    both.alike("schedules", "trigger", "days", code=ExitCode.NOT_FOUND)


def test_jobs_and_queues_are_steered(both: Both) -> None:
    one, two, three = (both.ok("enqueue", "report", f"day={day}").strip() for day in "abc")
    assert both.ok("jobs", "cancel", one) == f"{one[-8:]} is cancelled\n"
    assert both.ok("jobs", "retry", one) == f"{one[-8:]} is pending\n"
    assert both.ok("jobs", "delete", three) == f"{three[-8:]} is deleted\n"
    assert both.ok("jobs", "cancel", "--queue", "reports", "--dry-run") == "2 jobs would be cancelled\n"
    assert both.ok("jobs", "cancel", "--queue", "reports", "--yes") == "2 jobs cancelled\n"
    both.ok("queues", "create", "other")
    assert both.ok("jobs", "retry", "--status", "cancelled", "--to", "other", "--yes") == "2 jobs retried\n"
    assert both.command.job(two)["queue_name"] == "other"
    assert "paused" in both.ok("queues", "pause", "other", "--reason", "tired")
    assert "active" in both.ok("queues", "set", "other", "state=active", "max_concurrent_jobs=3")
    assert both.ok("queues", "purge", "other", "--yes") == "2 jobs deleted\n"
    assert both.ok("queues", "delete", "other") == "queue other is deleted\n"
    assert both.ok("queues", "redrive", "reports") == "0 dead letters are retried\n"


def test_what_a_server_does_not_do_is_said(both: Both) -> None:
    assert "key" in both.command.refused(ExitCode.USAGE, *both.afar("--project", "p", "jobs", "list"))
    assert "who asks" in both.command.refused(ExitCode.DENIED, "--server", both.server, "jobs", "list")
    denied = both.command.refused(ExitCode.DENIED, "--server", both.server, "--key", "wrong", "jobs", "list")
    assert "nobody holds this token" in denied
    assert "no task is named" in both.command.refused(ExitCode.NOT_FOUND, *both.afar("run", "nobodys"))


def test_error_groups_are_judged_and_redriven(both: Both) -> None:
    for reason in ("one", "two"):
        sys.modules.pop("tasks", None)
        assert both.command("run", "fail", reason).code == ExitCode.FAILURE
    [group] = json.loads(both.ok("errors", "list", "--json"))["errors"]
    assert (group["count"], group["frames"]) == (2, ["project/tasks.py: fail"])
    assert "project/tasks.py: fail" in both.ok("errors", "list", "--status", "new,returned")
    assert both.alike("errors", "list", "--status", "muted") == "nothing has failed\n"
    assert "raise ValueError(message)" in both.alike("errors", "show", group["id"][-6:])
    assert both.alike("errors", "show", group["id"], "--json")
    assert "muted since" in both.ok("errors", "mute", group["id"], "--until", "2036-01-01T00:00:00Z")
    assert "resolved since" in both.command.ok("errors", "resolve", group["id"]).out
    assert "new since" in both.ok("errors", "reopen", group["id"])
    assert "--yes" in both.command.refused(ExitCode.USAGE, *both.afar("errors", "redrive", group["id"]))
    assert both.ok("errors", "redrive", group["id"], "--yes") == "2 of 2 jobs retried, 0 skipped\n"
    again = both.command.ok("errors", "redrive", group["id"], "--yes", "--rate", 5, "--json").json
    assert (again["counted"], again["done"]) == (0, 0)
    both.alike("errors", "show", "0000abcd", code=ExitCode.NOT_FOUND)
    both.alike("errors", "list", "--status", "dead", code=ExitCode.USAGE)


def test_scaling_is_the_same(both: Both) -> None:
    both.ok("queues", "create", "reports")
    both.alike("scaling", "show", "reports", code=ExitCode.NOT_FOUND)
    both.alike("scaling", "set", "reports", "min_workers=3", "max_workers=2", code=ExitCode.USAGE)
    both.alike("scaling", "set", "reports", "provisioner=cloud", code=ExitCode.USAGE)
    both.alike("scaling", "set", "nothing", code=ExitCode.NOT_FOUND)
    assert "provisioner" in both.ok("scaling", "set", "reports", "max_workers=2", "scale_up_threshold=9")
    both.alike("scaling", "set", "reports", "scale_down_threshold=9", code=ExitCode.USAGE)
    assert "0-2" in both.alike("scaling", "list")
    both.alike("scaling", "show", "reports")
    assert "0 -> 0" in both.alike("scaling", "evaluate")
    both.alike("scaling", "evaluate", "reports")
    both.alike("scaling", "execute", "reports")
    assert "nothing was decided" in both.alike("scaling", "history", "reports")
    both.ok("scaling", "set", "reports", "min_workers=1")
    assert "0 -> 1" in both.ok("scaling", "execute", "reports")
    assert "0 -> 1" in both.alike("scaling", "history", "reports")
    both.ok("scaling", "delete", "reports")
    both.alike("scaling", "delete", "reports", code=ExitCode.NOT_FOUND)
