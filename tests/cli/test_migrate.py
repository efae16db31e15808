"""`taskforge migrate`."""

import sqlite3

import pytest

from taskforge.cli.exit_codes import ExitCode
from tests.cli.conftest import CommandLine


def test_check_apply_check(bare: CommandLine, empty_database_url: str) -> None:
    target = ("--database-url", empty_database_url)
    pending = bare("migrate", "--check", *target)
    assert pending.code == ExitCode.SCHEMA
    assert pending.out.startswith("pending 0001 initial\n")
    before = bare("migrate", "--check", "--json", *target)
    assert (before.code, before.json["before"]) == (ExitCode.SCHEMA, [])
    assert bare.ok("migrate", *target).out.startswith("applied 0001 initial\n")
    assert "up to date" in bare.ok("migrate", *target).out
    assert bare.ok("migrate", "--json", *target).json["applied"] == []
    assert bare.ok("migrate", "--check", "--json", *target).json["pending"] == []


def test_postgres_is_not_migrated_without_being_told(bare: CommandLine, empty_database_url: str) -> None:
    if empty_database_url.startswith("sqlite"):
        bare.ok("queues", "list", "--database-url", empty_database_url)
    else:
        said = bare.refused(ExitCode.SCHEMA, "queues", "list", "--database-url", empty_database_url)
        assert "taskforge migrate" in said


def test_the_printed_sql_does_the_same(bare: CommandLine) -> None:
    url = f"sqlite:///{bare.folder}/by-hand.db"
    script = bare.ok("migrate", "--sql", "--database-url", url).out
    connection = sqlite3.connect(bare.folder / "by-hand.db")
    connection.executescript(script)
    connection.close()
    bare.ok("migrate", "--check", "--database-url", url)
    bare.ok("queues", "create", "x", "--database-url", url)
    assert "CREATE TABLE jobs" not in bare.ok("migrate", "--sql", "--database-url", url).out


@pytest.mark.parametrize("options", [("--check", "--sql"), ("--sql", "--json")])
def test_options_that_exclude_each_other(bare: CommandLine, options: tuple[str, str]) -> None:
    assert "exclude" in bare.refused(ExitCode.USAGE, "migrate", *options)
