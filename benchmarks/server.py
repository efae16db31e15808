"""The PostgreSQL server of a run: the one that TASKFORGE_TEST_POSTGRES names, else one of our own."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS_VARIABLE = "TASKFORGE_TEST_POSTGRES"
DURABILITY = ("fsync", "synchronous_commit", "shared_buffers", "server_version")


@contextmanager
def postgres_server(*, preload: str | None = None) -> Iterator[str]:
    """The address of a server on which databases may be made; ours commits durably and is removed after.

    The system's programs go before the embedded ones, and among them the oldest supported version. Ours is started with
    the library ``preload``.
    """
    if address := os.environ.get(ADDRESS_VARIABLE):
        yield address
        return
    from tests.support.postgres import start_server
    from tests.support.postgres_installations import find_installations

    found = sorted(find_installations(), key=lambda installation: installation.source != "system")
    if not found:
        raise RuntimeError(f"no PostgreSQL here: install one, or name a server in {ADDRESS_VARIABLE}")
    server = start_server(found[0], durable=True)
    try:
        if preload is not None:
            server.execute(f"ALTER SYSTEM SET shared_preload_libraries = '{preload}'")
            server.restart()
        yield server.admin_url
    finally:
        server.stop()


async def settings(address: str) -> dict[str, str]:
    """What decides how dear a commit is, as the server itself tells it."""
    connection = await asyncpg.connect(address)
    try:
        return {name: str(await connection.fetchval(f"SHOW {name}")) for name in DURABILITY}
    finally:
        await connection.close()
