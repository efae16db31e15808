"""A server process for remote workers, as `tests.support.remote` serves one: its callers are known by heart."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from taskforge.bench.processes import running
from tests.support.remote import KEY, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

START_SECONDS = 20.0


@asynccontextmanager
async def serving(database_url: str, folder: Path) -> AsyncIterator[Mapping[str, str]]:
    """The settings of workers that use a server on this database, while it runs."""
    port = free_port()
    command = [sys.executable, "-m", "tests.support.remote", str(port)]
    logs = folder / "server"
    logs.mkdir(exist_ok=True)
    with running(command, {"TASKFORGE_DATABASE_URL": database_url}, logs) as servers:
        async with asyncio.timeout(START_SECONDS):
            while not await _answers(port):
                servers[0].check()
                await asyncio.sleep(0.05)
        yield {"TASKFORGE_SERVER": f"http://127.0.0.1:{port}", "TASKFORGE_KEY": KEY}


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
