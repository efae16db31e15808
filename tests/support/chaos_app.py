"""The application that the tests of real processes run: its handlers write down when they begin and end.

`CHAOS_HISTORY` names the file; each line is one write to a file opened for appending, which the kernel keeps whole.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path

from taskforge import Context, TaskForge

HISTORY_VARIABLE = "CHAOS_HISTORY"


def note(event: str, ctx: Context) -> None:
    """Append what happened to whom, in which process, when (by the clock that all processes share)."""
    entry = {
        "event": event,
        "job": str(ctx.id),
        "attempt": ctx.attempt,
        "pid": os.getpid(),
        "at": time.monotonic(),
    }
    file = os.open(Path(os.environ[HISTORY_VARIABLE]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, (json.dumps(entry) + "\n").encode())
    finally:
        os.close(file)


async def work(ctx: Context, seconds: float = 0.1) -> int:
    """Take a while."""
    note("start", ctx)
    ctx.log.info("working")
    await asyncio.sleep(seconds)
    note("end", ctx)
    return os.getpid()


def block(ctx: Context, seconds: float = 0.1) -> int:
    """Take a while in a thread."""
    note("start", ctx)
    ctx.log.info("working")
    time.sleep(seconds)
    note("end", ctx)
    return os.getpid()


def make(database_url: str | None = None) -> TaskForge:
    """The application on a database; without one, on that of the environment."""
    application = TaskForge(database_url)
    application.task(name="work")(work)
    application.task(name="block")(block)
    return application


app = make()
