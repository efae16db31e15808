"""The application of the fault tests: handlers that block, wait, and note what becomes of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from taskforge import Context, TaskForge

if TYPE_CHECKING:
    from collections.abc import Iterator

NOTES_VARIABLE = "FAULTS_NOTES"


@contextlib.contextmanager
def noted(ctx: Context) -> Iterator[None]:
    """Write down that it began, and whether it ended or was stopped."""
    _note(ctx, "began")
    try:
        yield
    except BaseException as error:
        _note(ctx, f"stopped by {type(error).__name__}")
        raise
    _note(ctx, "ended")


def _note(ctx: Context, what: str) -> None:
    file = os.open(Path(os.environ[NOTES_VARIABLE]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, f"{ctx.id} {os.getpid()} {what}\n".encode())
    finally:
        os.close(file)


async def wait(ctx: Context, seconds: float) -> int:
    """Take a while."""
    with noted(ctx):
        ctx.log.info("waiting")
        await asyncio.sleep(seconds)
    return os.getpid()


async def wait_silently(ctx: Context, seconds: float) -> int:
    """Take a while, and need nothing."""
    await asyncio.sleep(seconds)
    return os.getpid()


def wait_in_thread(ctx: Context, seconds: float) -> int:
    """Take a while in a thread, in small steps."""
    with noted(ctx):
        for _ in range(round(seconds / 0.02)):  # a clock would go on while the process is frozen
            time.sleep(0.02)
    return os.getpid()


async def block_the_loop(ctx: Context, seconds: float) -> int:
    """What an async task must not do."""
    with noted(ctx):
        time.sleep(seconds)  # noqa: ASYNC251
    return os.getpid()


def chatter(ctx: Context, lines: int) -> int:
    """Print and log, in a thread."""
    with noted(ctx):
        _chatter(lines)
    return os.getpid()


async def chatter_on_the_loop(ctx: Context, lines: int) -> int:
    """Print and log, on the event loop."""
    with noted(ctx):
        _chatter(lines)
    return os.getpid()


def _chatter(lines: int) -> None:
    for number in range(lines):
        print(number, "x" * 100)
        print(number, "y" * 100, file=sys.stderr)
        logging.getLogger("chatter").warning("%s %s", number, "z" * 100)


def hoard_files(ctx: Context, seconds: float) -> int:
    """Open files until there are no more to be had, keep them for a while, and fail."""
    held = []
    try:
        while True:
            try:
                held.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                os.close(held.pop())
                _note(ctx, "has all there are")
                with contextlib.suppress(OSError):
                    held.append(os.open(os.devnull, os.O_RDONLY))
                time.sleep(seconds)
                raise
    finally:
        for descriptor in held:
            os.close(descriptor)


def write_a_temporary_file(ctx: Context, folder: str) -> None:
    """Where it is told to."""
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"x" * 100_000)


def in_process(ctx: Context) -> int:
    """In a process of its own."""
    return os.getpid()


def die(ctx: Context) -> None:
    """Take the process along."""
    _note(ctx, "began")
    os._exit(9)


def make(database_url: str | None = None) -> TaskForge:
    """The application on a database; without one, on that of the environment."""
    application = TaskForge(database_url)
    for task in (wait, wait_silently, wait_in_thread, block_the_loop, chatter, chatter_on_the_loop, die):
        application.task(name=task.__name__)(task)
    for failing in (hoard_files, write_a_temporary_file):
        application.task(name=failing.__name__, max_attempts=1)(failing)
    application.task(name="in_process", pool="process")(in_process)
    return application


app = make()
