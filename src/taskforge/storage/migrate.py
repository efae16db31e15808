"""Numbered migrations for both dialects, forward only, applied one at a time under a lock."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import SchemaMismatch, Unavailable
from taskforge.storage.address import Address, parse_address
from taskforge.storage.sqlite.connection import connect, is_busy, translated
from taskforge.storage.statements import catalog

if TYPE_CHECKING:
    from collections.abc import Sequence

LOCK_KEY = 0x7461736B666F7267  # "taskforg": the advisory lock of all migrating processes
LEDGER = (
    "CREATE TABLE IF NOT EXISTS taskforge_migrations "
    "(version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL)"
)
APPLIED = "SELECT version, name, checksum FROM taskforge_migrations ORDER BY version"
CHECK_TIMEOUT = 5.0
"""Seconds for each statement of a look at the schema."""
BUSY_TIMEOUT = 30.0
DAYS_AHEAD = 4
"""For so many days, today first, PostgreSQL has partitions ready."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Tells whether an applied step is the one this program knows."""
        return hashlib.sha256(self.sql.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class SchemaState:
    """How a database stands to this program: ``applied`` and ``pending`` versions; ``unknown`` are newer."""

    applied: tuple[int, ...]
    pending: tuple[Migration, ...]
    unknown: tuple[int, ...]

    def check(self) -> None:
        """Raises SchemaMismatch when the schema is older or newer than this program."""
        if self.unknown:
            raise SchemaMismatch(
                f"the database has migration {self.unknown[-1]:04d}, which this version does not know",
                hint="install the version that made it, or a newer one",
            )
        if self.pending:
            raise SchemaMismatch(
                f"the database lacks migration {self.pending[0].version:04d} ({self.pending[0].name})",
                hint="run `taskforge migrate`",
            )


@cache
def migrations(dialect: str) -> Sequence[Migration]:
    """All steps of a dialect in their order."""
    folder = files("taskforge.storage").joinpath("migrations", dialect)
    steps = []
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        number, _, name = Path(file.name).stem.partition("_")
        steps.append(Migration(int(number), name, file.read_text()))
    return tuple(steps)


def record_of(step: Migration) -> str:
    """The statement that records a step as applied, for those who apply the SQL themselves."""
    return f"INSERT INTO taskforge_migrations VALUES ({step.version}, '{step.name}', '{step.checksum}')"  # noqa: S608


async def migrate(url: str) -> SchemaState:
    """Apply what is missing; answers the state before. Safe to run by several processes at once."""
    return await _with_schema(parse_address(url), apply=True)


async def schema_state(url: str) -> SchemaState:
    """How the database stands, changing nothing."""
    return await _with_schema(parse_address(url), apply=False)


async def _with_schema(address: Address, *, apply: bool) -> SchemaState:
    if address.kind == "sqlite":
        return await asyncio.to_thread(migrate_file, address.target, apply=apply)
    return await _migrate_postgres(address.target, apply=apply)


def _compare(dialect: str, applied: Sequence[tuple[int, str]]) -> SchemaState:
    known = {step.version: step for step in migrations(dialect)}
    for version, checksum in applied:
        if version in known and known[version].checksum != checksum:
            raise SchemaMismatch(
                f"migration {version:04d} of the database is not the one this version knows",
                hint="the database was made by a development version; make a new one",
            )
    versions = {version for version, _ in applied}
    return SchemaState(
        tuple(sorted(versions)),
        tuple(step for version, step in sorted(known.items()) if version not in versions),
        tuple(sorted(versions - known.keys())),
    )


def migrate_file(
    path: str, *, apply: bool = True, connection: sqlite3.Connection | None = None
) -> SchemaState:
    """Migrate a SQLite file; ``connection`` serves a database in memory."""
    if connection is None and not apply and not Path(path).exists():
        return _compare("sqlite", [])
    own = connection or (connect(path) if apply else _onlooker(path))
    try:
        return _migrate_connection(own, apply=apply)
    except sqlite3.Error as error:
        if is_busy(error):
            raise Unavailable(f"{path} has been locked by another program for {BUSY_TIMEOUT:g} s") from error
        if "already exists" in str(error):
            raise _taken(path, error) from error
        raise translated(error, path) from error
    finally:
        if connection is None:
            own.close()


def _onlooker(path: str) -> sqlite3.Connection:
    """A connection that changes nothing, not even the file's journal, and so waits for no writer."""
    try:
        connection = sqlite3.connect(path, timeout=5, isolation_level=None)
        connection.row_factory = sqlite3.Row
    except sqlite3.Error as error:
        raise translated(error, path) from error
    return connection


def _migrate_connection(connection: sqlite3.Connection, *, apply: bool) -> SchemaState:
    made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'taskforge_migrations'").fetchone()
    rows = connection.execute(APPLIED).fetchall() if made else []
    state = _compare("sqlite", [(row["version"], row["checksum"]) for row in rows])
    if not apply or not state.pending:  # nothing to write, so nobody has to be waited for
        return state
    connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT * 1000)}")
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(LEDGER)
        rows = connection.execute(APPLIED).fetchall()
        state = _compare("sqlite", [(row["version"], row["checksum"]) for row in rows])
        for step in state.pending:
            for statement in _statements(step.sql):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO taskforge_migrations VALUES (?, ?, ?)", (step.version, step.name, step.checksum)
            )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # a disk that is full has ended it
            connection.execute("ROLLBACK")
        raise
    finally:
        connection.execute("PRAGMA busy_timeout = 0")
    return state


def _statements(script: str) -> list[str]:
    """The statements of a script, so that they run inside our transaction (executescript commits first)."""
    statements, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements


async def _migrate_postgres(url: str, *, apply: bool) -> SchemaState:
    import asyncpg

    from taskforge.storage.postgres_errors import DRIVER_ERRORS
    from taskforge.storage.postgres_errors import translated as explain

    limit = None if apply else CHECK_TIMEOUT  # a migration may take long; a look at it must not hang
    try:
        connection = await asyncpg.connect(url, timeout=10, command_timeout=limit, statement_cache_size=0)
        try:
            async with connection.transaction():
                return await _migrate_transaction(connection, apply=apply)
        finally:
            connection.terminate()  # a goodbye could hang, and nobody needs it
    except asyncpg.DuplicateTableError as error:
        raise _taken("the database", error) from error
    except DRIVER_ERRORS as error:
        raise explain(error, url) from error


def _taken(where: str, error: Exception) -> SchemaMismatch:
    return SchemaMismatch(
        f"{where} has tables of another program: {error}",
        hint="give TaskForge a file or a database of its own",
    )


async def _migrate_transaction(connection: Any, *, apply: bool) -> SchemaState:
    if apply:
        # released with the transaction, so that it works behind a transaction pooler
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY)
        await connection.execute(LEDGER)
    made = await connection.fetchval("SELECT to_regclass('taskforge_migrations') IS NOT NULL")
    rows = await connection.fetch(APPLIED) if made else []
    state = _compare("postgres", [(row["version"], row["checksum"]) for row in rows])
    if apply:
        for step in state.pending:
            await connection.execute(step.sql)
            await connection.execute(
                "INSERT INTO taskforge_migrations VALUES ($1, $2, $3)", step.version, step.name, step.checksum
            )
        if not state.unknown:
            await connection.fetch(catalog("postgres")["make_partitions"][0].numbered("$"), None, DAYS_AHEAD)
    return state
