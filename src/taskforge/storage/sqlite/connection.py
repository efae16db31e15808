"""How a connection to the file is opened, how values are stored, what errors are called."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec

from taskforge.domain.errors import Conflict, SchemaMismatch, TaskforgeError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
OLDEST = (3, 37, 0)
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
CLASHES = {
    sqlite3.SQLITE_CONSTRAINT_UNIQUE,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY,
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY,
}


def connect(path: str, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection in WAL mode with durable commits; waits for nobody by itself.

    Raises Unavailable when the file cannot be opened.
    """
    if sqlite3.sqlite_version_info < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise Unavailable(f"SQLite {sqlite3.sqlite_version} is too old, {wanted} is needed")
    try:
        connection = sqlite3.connect(
            path,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
            uri=path.startswith("file:"),
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA busy_timeout = 5000")
        if not connection.execute("PRAGMA page_count").fetchone()[0]:
            # of a new file only (it takes a lock): what pruning frees can be given back piece by piece
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL").close()
        connection.execute("PRAGMA journal_mode = WAL").close()
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute("PRAGMA wal_autocheckpoint = 2000")
        connection.execute("PRAGMA cache_size = -16000")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
        else:
            connection.execute("PRAGMA busy_timeout = 0")
    except sqlite3.Error as error:
        raise translated(error, path) from error
    return connection


def microseconds(moment: datetime) -> int:
    """A time as it is stored."""
    return (moment - EPOCH) // MICROSECOND


def identity_of(text: str) -> UUID:
    """An id that was stored. By msgspec, which is eight times as fast as ``UUID``."""
    return msgspec.convert(text, UUID)


def stored(value: Any) -> Any:
    """A value as SQLite takes it: ids as text, times as microseconds, lists as JSON."""
    store = _STORED.get(type(value))
    if store is not None:
        return store(value)
    if value is None or isinstance(value, int | float | str):
        return value
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return microseconds(value)
    if set(map(type, value)) <= _SAME_IN_JSON:
        return msgspec.json.encode(value).decode()
    return json.dumps([stored(item) for item in value])


_STORED: dict[type, Callable[[Any], Any]] = {
    UUID: msgspec.to_builtins,
    datetime: microseconds,
    int: lambda value: value,
    str: lambda value: value,
    type(None): lambda value: value,
    bool: int,
}
_SAME_IN_JSON = {int, UUID}


def is_busy(error: sqlite3.Error) -> bool:
    """Whether another connection holds the file just now."""
    return (getattr(error, "sqlite_errorcode", 0) & 0xFF) in BUSY


def translated(error: sqlite3.Error, path: str) -> TaskforgeError:
    """Our word for what SQLite says."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in BUSY:
        return Unavailable(f"{path} is locked by another transaction", hint="is a program holding it open?")
    if code == sqlite3.SQLITE_FULL:
        return Unavailable(
            f"the disk that holds {path} is full",
            hint="make room there: what was accepted is safe, and results wait until they can be written",
        )
    if code == sqlite3.SQLITE_READONLY:
        return Unavailable(f"{path} is read-only", hint="check the rights of the file and of its folder")
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR):
        return Unavailable(
            f"{path} cannot be opened: {error}", hint="does its folder exist, and may you write there?"
        )
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return Unavailable(
            f"{path} is not a sound SQLite database: {error}",
            hint="is it the right file? If so, stop what uses it and restore a backup, or save what is left with "
            "the .recover command of the sqlite3 program",
        )
    if getattr(error, "sqlite_errorcode", 0) in CLASHES:
        return Conflict(str(error))
    if "no such table" in str(error) or "no such column" in str(error):
        return SchemaMismatch(f"{path} has no fitting schema: {error}", hint="run `taskforge migrate`")
    return TaskforgeError(f"SQLite refused a statement: {error}")
