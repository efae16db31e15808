"""`taskforge schedules preview`."""

import pytest

from taskforge.cli.exit_codes import ExitCode
from tests.cli.conftest import CommandLine

BERLIN = ("--timezone", "Europe/Berlin", "--after", "2024-03-30T00:00:00Z")


def test_preview(anywhere: CommandLine) -> None:
    document = anywhere.ok("schedules", "preview", "30 2 * * *", *BERLIN, "--count", "2", "--json").json
    assert document["due_times"] == ["2024-03-30T01:30:00Z", "2024-03-31T01:00:00Z"]
    assert [run["note"] for run in document["runs"]] == [None, "gap"]
    assert document["runs"][1]["local_time"] == "2024-03-31T03:00:00+02:00"
    assert document["trigger"] == "cron[hour='2', minute='30']"
    out = anywhere.ok("schedules", "preview", "0 9 * * *", "--language", "id", "--count", "1").out
    assert out.splitlines()[0] == "0 9 * * *: pukul 09.00, setiap hari (UTC)"
    assert len(anywhere.ok("schedules", "preview", "@every 90s", "--json").json["due_times"]) == 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["0 0 30 2 *"], "never comes true"),
        (["0 9 * * *", "--timezone", "Asia/Atlantis"], "no time zone"),
        (["0 9 * * *", "--after", "2024-03-30T00:00:00"], "2024-03-30T00:00:00Z for UTC"),
        (["@every never"], "not a duration"),
        (["0 9 * * *", "--language", "de"], "one of en, id"),
    ],
)
def test_what_is_wrong(anywhere: CommandLine, arguments: list[str], said: str) -> None:
    refused = anywhere("schedules", "preview", *arguments)
    assert refused.code == ExitCode.USAGE
    assert said in refused.err


def test_a_schedule_from_its_making_to_its_end(shop: CommandLine) -> None:
    made = shop.ok(
        "schedules", "create", "nightly", "add", "--cron", "30 0 * * *", "--timezone", "Asia/Jakarta",
        "--args", '{"a": 1}', "--set", "overlap=allow", "--set", "tags=x,y", "--json",
    ).json  # fmt: skip
    assert (made["job_id"], made["task"], made["trigger"]) == (
        "nightly",
        "tasks.add",
        "cron[hour='0', minute='30']",
    )
    assert (made["overlap"], made["tags"], made["arguments"], made["origin"]) == (
        "allow",
        ["x", "y"],
        {"a": 1},
        "operator",
    )
    assert made["next_run"].endswith("T00:30:00+07:00")
    edited = shop.ok("schedules", "edit", "nightly", "priority=3", "--every", "1h", "--json").json
    assert (edited["priority"], edited["interval_seconds"], edited["cron"], edited["version"]) == (
        3,
        3600.0,
        None,
        2,
    )
    assert shop.ok("schedules", "disable", "nightly", "--json").json["enabled"] is False
    assert "disabled" in shop.ok("schedules", "list").out
    assert shop.ok("schedules", "enable", "nightly", "--json").json["next_run"] is not None
    assert shop.ok("schedules", "pause-all", "--json").json == {"schedules": 1}
    assert "paused" in shop.ok("schedules", "show", "nightly").out
    assert "goes on" in shop.ok("schedules", "resume-all").out
    job_id = shop.ok("schedules", "trigger", "nightly", "--json").json["queue_job_id"]
    assert shop.job(job_id)["payload"] == {"a": 1}
    [run] = shop.ok("schedules", "history", "nightly", "--limit", "5", "--json").json["history"]
    assert (run["job_id"], run["queue_job_id"], run["cause"], run["outcome"]) == (
        "nightly",
        job_id,
        "manual",
        "fired",
    )
    assert run["due_at"].endswith("Z")
    assert "pending" in shop.ok("schedules", "history", "nightly").out
    shop.ok("schedules", "delete", "nightly")
    assert shop.ok("schedules", "list").out.startswith("there are no schedules yet")


def test_calendars_and_made_up_for(shop: CommandLine) -> None:
    file = shop.folder / "holidays.ics"
    file.write_text(
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\nSUMMARY:New\r\n  Year\r\nEND:VEVENT\r\n"
        "BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260319\r\nDTEND;VALUE=DATE:20260321\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    made = shop.ok("schedules", "calendar", "id", "--ics", file, "--weekday", "SAT,SUN", "--json").json
    assert made["calendars"]["id"] == {
        "dates": ["2026-01-01", "2026-03-19", "2026-03-20"],
        "weekdays": ["SAT,SUN"],
    }
    shop.ok(
        "schedules",
        "create",
        "daily",
        "add",
        "--cron",
        "0 9 * * *",
        "--args",
        '{"a": 1}',
        "--set",
        "calendars=id",
    )
    span = ("--from", "2026-03-16T00:00:00Z", "--to", "2026-03-23T00:00:00Z")
    assert shop.ok("schedules", "backfill", "daily", *span, "--json").json == {
        "job_id": "daily",
        "due": 3,
        "run": 3,
    }
    assert "0 of 3" in shop.ok("schedules", "backfill", "daily", *span).out
    assert shop("schedules", "calendar", "id", "--delete").code == ExitCode.CONFLICT
    shop.ok("schedules", "delete", "daily")
    shop.ok("schedules", "calendar", "id", "--delete")
    assert shop.ok("schedules", "calendars").out == "there are no calendars\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["create", "x", "nobody", "--every", "60"], ExitCode.USAGE, "no task is named 'nobody'"),
        (["create", "x", "add"], ExitCode.USAGE, "nothing says when"),
        (["create", "x", "add", "--every", "0"], ExitCode.USAGE, "interval of 0"),
        (["create", "x", "add", "--every", "1h", "--timezone", "Mars/One", "--args", '{"a": 1}'], ExitCode.USAGE, "no time zone"),
        (["create", "x", "add", "--cron", "0 0 30 2 *"], ExitCode.USAGE, "never comes true"),
        (["create", "x", "add", "--every", "1h", "--args", '{"b": 1}'], ExitCode.USAGE, "arguments"),
        (["show", "nothing"], ExitCode.NOT_FOUND, "no schedule is named"),
        (["trigger", "nothing"], ExitCode.NOT_FOUND, "no schedule is named"),
        (["history", "x", "--outcome", "odd"], ExitCode.USAGE, "fired, missed, skipped"),
        (["edit", "x"], ExitCode.USAGE, "nothing is to be changed"),
    ],
)  # fmt: skip
def test_bad_schedules(shop: CommandLine, arguments: list[str], code: ExitCode, said: str) -> None:
    refused = shop("schedules", *arguments)
    assert refused.code == code, refused.err
    assert said in refused.err
