"""Empty, migrated databases to measure in: SQLite files, or databases on a PostgreSQL server."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from taskforge.storage.address import parse_address
from taskforge.storage.migrate import migrate

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator


@contextmanager
def scratch_databases(server_url: str | None, folder: Path | None) -> Iterator[Callable[[], str]]:
    """A function that makes a new database and answers its URL; all are removed at the end.

    ``server_url`` names any database of the PostgreSQL server; with a SQLite URL or none, files go to a
    new folder inside ``folder``, else inside the system's temporary one.
    """
    if server_url is not None and parse_address(server_url).kind == "postgres":
        with _on_server(server_url) as fresh:
            yield fresh
        return
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    numbers = itertools.count(1)
    with tempfile.TemporaryDirectory(prefix="taskforge-bench-", dir=folder) as place:

        def fresh_file() -> str:
            url = f"sqlite:///{Path(place).absolute() / f'{next(numbers)}.db'}"
            _wait_for(migrate(url))
            return url

        yield fresh_file


@contextmanager
def _on_server(server_url: str) -> Iterator[Callable[[], str]]:
    made: list[str] = []
    prefix = f"taskforge_bench_{os.getpid()}_{secrets.token_hex(3)}"

    def fresh() -> str:
        name = f"{prefix}_{len(made) + 1}"
        _wait_for(_administer(server_url, f'CREATE DATABASE "{name}"'))
        made.append(name)
        url = urlunsplit(urlsplit(server_url)._replace(path=f"/{name}"))
        _wait_for(migrate(url))
        return url

    try:
        yield fresh
    finally:
        for name in made:
            _wait_for(_administer(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


async def _administer(server_url: str, statement: str) -> None:
    import asyncpg

    from taskforge.storage.postgres_errors import translated

    try:
        connection = await asyncpg.connect(server_url, timeout=10)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
    except (asyncpg.PostgresError, OSError, TimeoutError) as error:
        raise translated(error, server_url) from error


def _wait_for(work: Coroutine[Any, Any, object]) -> None:
    """Run it to its end, also where an event loop runs already."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, work).result()
