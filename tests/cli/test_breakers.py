"""`taskforge breakers`: set, shown, opened, closed and removed."""

import pytest

from taskforge.cli.exit_codes import ExitCode
from tests.cli.conftest import CommandLine


def test_the_life_of_a_breaker(shop: CommandLine) -> None:
    job_id = shop.enqueue("add", 1)
    assert "no job type has a breaker" in shop.ok("breakers", "list").out
    made = shop.ok("breakers", "set", "tasks.add", "failure_rate=0.2", "probes=2", "--json").json
    assert (made["state"], made["failure_rate"], made["probes"]) == ("closed", 0.2, 2)
    assert shop.ok("breakers", "set", "tasks.add", "probes=", "--json").json["probes"] == 1
    row = shop.ok("breakers", "list").out.splitlines()[1]
    assert row.split()[:2] == ["tasks.add", "closed"]
    assert "20% of 10 in 60 s" in row
    opened = shop.ok("breakers", "open", "tasks.add", "--reason", "upkeep", "--for", 30).out
    assert "reason            upkeep\n" in opened
    assert "is open" in shop.ok("jobs", "why", job_id).out
    assert shop.job(job_id)["hold"] == "paused"
    assert shop.ok("pauses", "list").out.splitlines()[1].split()[:2] == ["breaker", "tasks.add"]
    assert shop.ok("breakers", "close", "tasks.add", "--json").json["reason"] == "closed by hand"
    assert shop.job(job_id)["hold"] is None
    assert shop.ok("breakers", "show", "tasks.add", "--json").json["state"] == "closed"
    assert shop.ok("breakers", "remove", "tasks.add").out == "type 'tasks.add' has no breaker any more\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["set", "tasks.add", "failure_rate=2"], ExitCode.USAGE, "at most 1"),
        (["set", "tasks.add", "window_seconds=0"], ExitCode.USAGE, "window_seconds"),
        (["set", "tasks.ad"], ExitCode.USAGE, "did you mean tasks.add"),
        (["show", "tasks.add"], ExitCode.NOT_FOUND, "no breaker is set"),
        (["open", "tasks.add"], ExitCode.NOT_FOUND, "no breaker is set"),
    ],
)
def test_what_is_wrong_is_said(shop: CommandLine, arguments: list[str], code: ExitCode, said: str) -> None:
    shop.enqueue("add", 1)
    failed = shop("breakers", *arguments)
    assert (failed.code, said in failed.err) == (code, True), failed
