"""Migrations: the same on both databases, applied once, by one process at a time."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from taskforge.domain.errors import SchemaMismatch, Unavailable
from taskforge.storage.address import parse_address
from taskforge.storage.migrate import migrate, migrate_file, migrations, schema_state
from tests.conformance.stage import run_sql

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import Processes

pytestmark = pytest.mark.anyio

MIGRATE = """
import asyncio, json, sys
from taskforge.storage.migrate import migrate
state = asyncio.run(migrate(sys.argv[1]))
print("MIGRATED", json.dumps([step.version for step in state.pending]))
"""
ALL = [step.version for step in migrations("sqlite")]


async def columns(url: str) -> dict[str, list[str]]:
    """The columns of every table."""
    if parse_address(url).kind == "sqlite":
        statement = (
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c "
            "WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'"
        )
    else:
        statement = (
            "SELECT c.relname::text, a.attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
            "AND a.attnum > 0 AND a.attname <> 'class'"  # by which PostgreSQL partitions
        )
    found: dict[str, list[str]] = {}
    for row in await run_sql(url, statement):
        found.setdefault(row[0], []).append(row[1])
    return {table: sorted(names) for table, names in found.items()}


def test_both_dialects_have_the_same_steps() -> None:
    assert [(step.version, step.name) for step in migrations("sqlite")] == [
        (step.version, step.name) for step in migrations("postgres")
    ]
    assert list(range(1, len(ALL) + 1)) == ALL
    assert all(step.sql.strip() for dialect in ("sqlite", "postgres") for step in migrations(dialect))


async def test_both_databases_get_the_same_tables_and_columns(
    empty_database_url: str, tmp_path: Path
) -> None:
    other = f"sqlite:///{tmp_path}/other.db"
    await migrate(empty_database_url)
    await migrate(other)
    assert await columns(empty_database_url) == await columns(other)


async def test_twice_is_once(empty_database_url: str) -> None:
    first = await migrate(empty_database_url)
    assert ([step.version for step in first.pending], first.applied) == (ALL, ())
    before = await columns(empty_database_url)
    second = await migrate(empty_database_url)
    assert (second.pending, list(second.applied)) == ((), ALL)
    assert await columns(empty_database_url) == before


async def test_looking_changes_nothing(empty_database_url: str) -> None:
    state = await schema_state(empty_database_url)
    assert [step.version for step in state.pending] == ALL
    with pytest.raises(SchemaMismatch, match="lacks migration 0001") as refusal:
        state.check()
    assert "taskforge migrate" in (refusal.value.hint or "")
    address = parse_address(empty_database_url)
    if address.kind == "sqlite":
        with pytest.raises(sqlite3.OperationalError):
            sqlite3.connect(f"file:{address.target}?mode=ro", uri=True)
    else:
        assert await columns(empty_database_url) == {}


async def test_a_migrated_database_is_in_order(database_url: str) -> None:
    state = await schema_state(database_url)
    assert (state.pending, state.unknown, list(state.applied)) == ((), (), ALL)
    state.check()


async def test_a_newer_schema_is_told_and_left_alone(database_url: str) -> None:
    await run_sql(database_url, "INSERT INTO taskforge_migrations VALUES (9999, 'from_the_future', 'x')")
    for state in (await schema_state(database_url), await migrate(database_url)):
        assert state.unknown == (9999,)
        with pytest.raises(SchemaMismatch, match="9999"):
            state.check()


async def test_a_step_that_is_not_ours_is_refused(database_url: str) -> None:
    await run_sql(database_url, "UPDATE taskforge_migrations SET checksum = 'other' WHERE version = 1")
    for look in (schema_state, migrate):
        with pytest.raises(SchemaMismatch, match="0001"):
            await look(database_url)


async def test_the_application_refuses_what_it_does_not_fit(database_url: str) -> None:
    from taskforge import TaskForge

    await run_sql(database_url, "INSERT INTO taskforge_migrations VALUES (9999, 'from_the_future', 'x')")
    app = TaskForge(database_url)
    with pytest.raises(SchemaMismatch, match="9999"):
        await app.platform()
    await app.aclose()


async def test_postgres_is_never_migrated_by_the_way(empty_database_url: str) -> None:
    from taskforge import TaskForge

    app = TaskForge(empty_database_url)
    if parse_address(empty_database_url).kind == "sqlite":
        await app.platform()
        assert "jobs" in await columns(empty_database_url)
    else:
        with pytest.raises(SchemaMismatch, match="0001"):
            await app.platform()
        assert await columns(empty_database_url) == {}
    await app.aclose()


async def test_processes_that_migrate_at_once(empty_database_url: str, processes: Processes) -> None:
    children = [processes.python("-c", MIGRATE, empty_database_url) for _ in range(4)]
    codes = await asyncio.gather(*(child.ended(60) for child in children))
    assert codes == [0] * 4, [child.output for child in children]
    done: list[Any] = [json.loads(child.output.split("MIGRATED", 1)[1]) for child in children]
    assert sorted(done) == [[], [], [], ALL]
    (await schema_state(empty_database_url)).check()


async def test_a_step_that_fails_leaves_nothing_behind(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from taskforge.domain.errors import TaskforgeError
    from taskforge.storage import migrate as module

    dialect = parse_address(empty_database_url).kind
    broken = module.Migration(
        2, "broken", "CREATE TABLE half_way (id integer);\nCREATE TABLE jobs (id integer);\n"
    )
    both = (*migrations(dialect)[:1], broken)
    monkeypatch.setattr(module, "migrations", lambda _: both)
    with pytest.raises(TaskforgeError):
        await migrate(empty_database_url)
    assert await columns(empty_database_url) == {}


async def test_a_database_with_tables_of_another_program(empty_database_url: str) -> None:
    await run_sql(empty_database_url, "CREATE TABLE jobs (ours integer)")
    with pytest.raises(
        SchemaMismatch, match=r"has tables of another program: .*jobs.* already exists"
    ) as told:
        await migrate(empty_database_url)
    assert "of its own" in (told.value.hint or "")
    assert await columns(empty_database_url) == {"jobs": ["ours"]}


async def test_a_file_in_no_folder(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be opened"):
        await migrate(f"sqlite:///{tmp_path}/no/such/folder/file.db")


async def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be taken for one" * 100)
    with pytest.raises(Unavailable, match="not a sound SQLite database"):
        await migrate(f"sqlite:///{tmp_path}/notes.txt")


def test_a_disk_that_is_full_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "small.db")
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA max_page_count = 20")
    with pytest.raises(Unavailable, match=r"the disk that holds .*small\.db is full") as told:
        migrate_file(path, connection=connection)
    assert "make room" in (told.value.hint or "")
    connection.close()
