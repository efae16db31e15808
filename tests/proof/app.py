"""The application that the workers of the proof run: its handlers write down when they begin and end.

What a run leaves behind (its result, its log, its checkpoint) carries its identity, so that something written by
a run that was no longer the owner can be told.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from typing import TYPE_CHECKING, Any

from taskforge import Context, TaskForge
from tests.proof.history import HISTORY_VARIABLE, Event, write

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "run "
"""Lines of a run's log begin so; its identity follows."""
STALL_SECONDS = 0.25
_TICK = 0.05
_watched: list[int] = []


@contextlib.contextmanager
def noted(ctx: Context) -> Iterator[dict[str, str]]:
    """Write down the run; gives what it returns."""
    _watch()
    run = str(ctx.execution_id)

    def note(event: Event, what: str = "") -> None:
        write(event, job=str(ctx.id), execution=run, attempt=ctx.attempt, what=what)

    note(Event.START)
    try:
        yield {"run": run}
    except BaseException as error:
        note(Event.STOP, type(error).__name__)
        raise
    note(Event.END)


@contextlib.contextmanager
def marked(ctx: Context) -> Iterator[dict[str, str]]:
    """As `noted`; its log and its checkpoint name the run as well."""
    with noted(ctx) as result:
        line = f"{MARK}{ctx.execution_id}"
        ctx.log.info(line)
        ctx.state["run"] = result["run"]
        yield result
        ctx.log.info(line)


async def plain(ctx: Context, seconds: float = 0.02) -> dict[str, str]:
    """Leave nothing but a result."""
    with noted(ctx) as result:
        await asyncio.sleep(seconds)
    return result


async def work(ctx: Context, seconds: float = 0.1) -> dict[str, str]:
    """Take a while on the event loop."""
    with marked(ctx) as result:
        ctx.progress(0, 1)
        await asyncio.sleep(seconds)
    return result


def block(ctx: Context, seconds: float = 0.1) -> dict[str, str]:
    """Take a while in a thread, in small steps so that an interrupt gets through."""
    with marked(ctx) as result:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(0.01, left))
    return result


async def stumble(ctx: Context, seconds: float = 0.05) -> dict[str, str]:
    """Fail at the first attempt."""
    with marked(ctx) as result:
        await asyncio.sleep(seconds)
        if ctx.attempt == 1:
            raise ValueError("the first attempt fails")
    return result


async def rest(ctx: Context) -> dict[str, str]:
    """Has a queue of its own; while that is empty, a worker of it does nothing but recover."""
    with noted(ctx) as result:
        return result


def make(database_url: str | None = None, **settings: Any) -> TaskForge:
    """The application on a database; without one, on that of the environment."""
    application = TaskForge(database_url, **settings)
    application.task(name="plain")(plain)
    application.task(name="work")(work)
    application.task(name="block")(block)
    application.task(name="stumble", retry_base=0.1)(stumble)
    application.task(name="rest", queue="idle")(rest)
    return application


def _watch() -> None:
    """Note when this process does not get to run: frozen, or starved by others."""
    if os.getpid() not in _watched:
        _watched[:] = [os.getpid()]
        threading.Thread(target=_tick, name="stalls", daemon=True).start()


def _tick() -> None:
    before = time.monotonic()
    while True:
        time.sleep(_TICK)
        now = time.monotonic()
        if now - before > _TICK + STALL_SECONDS:
            write(Event.STALLED, since=before, at=now)
        before = now


app = make()
if HISTORY_VARIABLE in os.environ:
    _watch()  # also of what happens before the first handler
