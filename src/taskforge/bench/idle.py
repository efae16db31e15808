"""How many statements a worker with nothing to do sends to its database."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

from .figures import IdleQueries
from .ledger import is_sqlite
from .observe import IDLE_SETTLE_SECONDS, observe_idle
from .processes import worker_command

if TYPE_CHECKING:
    from .stamps import StampFile


async def idle_queries(database_url: str, stamps: StampFile, seconds: float = 60.0) -> IdleQueries:
    """Let one worker process idle on an empty queue and count, exactly, what it asks."""
    if is_sqlite(database_url):
        return await _idle_on_sqlite(database_url, seconds)
    return await observe_idle(worker_command(), stamps.environment, stamps, database_url, seconds)


async def _idle_on_sqlite(database_url: str, seconds: float) -> IdleQueries:
    arguments = [database_url, str(IDLE_SETTLE_SECONDS), str(seconds)]
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "taskforge.bench.idle_sqlite", *arguments],
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the idle worker ended with {process.returncode}")
    return IdleQueries(int(json.loads(output)["statements"]), seconds)
