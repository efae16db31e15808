"""Accepts jobs one after the other, tells each of them, and is gone: `python -m tests.faults.accepting URL FILE MODE`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from tests.faults.app import make

JOBS = 12


async def main(url: str, told: str, mode: str) -> None:
    """As it is, or with a connection that syncs less (`NORMAL`)."""
    app = make(url)
    task = app.registry.find("wait")
    await task.aenqueue(seconds=0)
    if mode == "NORMAL":
        engine: Any = (await app.platform()).foundation.engine
        with engine._writer._in_use:
            engine._writer._connection.execute("PRAGMA synchronous = NORMAL")
    descriptor = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for number in range(JOBS):
        if number % 3:
            jobs = [await task.aenqueue(seconds=0)]
        else:
            jobs = await app.aenqueue_many([task.job(seconds=0)] * 5)
        os.write(descriptor, f"{jobs[-1].id}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)  # a good end would write the log into the file


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
