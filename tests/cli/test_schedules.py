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
