"""Fresh databases for tests: each a copy of one that was migrated once per process and server."""

import asyncio
import itertools
import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.support.engines import SQLITE, Engines
from tests.support.postgres import PostgresServer


class Databases:
    """Makes the databases of one test process. Their names are its own, also on a server it shares."""

    def __init__(self, engines: Engines, folder: Path) -> None:
        self._engines = engines
        self._folder = folder
        self._prefix = f"taskforge_test_{secrets.token_hex(3)}"
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}
        self._sqlite_template: Path | None = None

    @contextmanager
    def fresh(self, engine: str, folder: Path, *, migrated: bool = True) -> Iterator[str]:
        """The URL of a new database on an engine, dropped at the end; a SQLite file is left to `folder`."""
        if engine == SQLITE:
            yield self._fresh_sqlite(folder / f"test-{next(self._numbers)}.db", migrated=migrated)
            return
        server = self._engines.postgres[engine]
        template = self._template(server) if migrated else None
        name = f"{self._prefix}_{os.getpid()}_{next(self._numbers)}"  # also in a fork
        url = server.create_database(name, template)
        try:
            yield url
        finally:
            server.drop_database(name)

    def close(self) -> None:
        """Drop the templates."""
        for label, name in self._templates.items():
            self._engines.postgres[label].drop_database(name)

    def _fresh_sqlite(self, file: Path, *, migrated: bool) -> str:
        if migrated:
            if self._sqlite_template is None:
                self._sqlite_template = self._folder / "template.db"
                migrate(f"sqlite:///{self._sqlite_template}")
                with sqlite3.connect(self._sqlite_template) as connection:
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.close()
            shutil.copyfile(self._sqlite_template, file)
        return f"sqlite:///{file}"

    def _template(self, server: PostgresServer) -> str:
        if server.label not in self._templates:
            name = f"{self._prefix}_template"
            self._templates[server.label] = name  # first, so that one that breaks half-way is dropped as well
            migrate(server.create_database(name))
        return self._templates[server.label]


def migrate(url: str) -> None:
    """Bring a database to the newest schema, from synchronous code inside an event loop or not."""
    from taskforge.storage.migrate import migrate as migrate_async

    async def run() -> None:
        await migrate_async(url)

    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(asyncio.run, run()).result()
