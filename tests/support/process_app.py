"""Tasks for child processes: well-behaved ones, and every way that we know to misbehave."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from taskforge import Cancel, Context, Dead, Depends, Retry, Snooze, TaskForge
from taskforge.runtime.correlation import identifiers
from taskforge.sdk.context import current_job

if TYPE_CHECKING:
    from collections.abc import Iterator

app = TaskForge()
logger = logging.getLogger("shop")


CANARY = "canary-of-the-process-app"
app.redact(CANARY)


@app.task(pool="process", name="identify")
def identify() -> dict[str, Any] | None:
    """Whose its records are."""
    return identifiers()


@app.task(pool="process", name="betray", max_attempts=1)
def betray(ctx: Context) -> None:
    """Say a secret wherever it can."""
    ctx.log.info(CANARY, key=CANARY, password="x")
    logging.getLogger("shop").error("with %s", CANARY)
    print(CANARY, flush=True)
    raise ValueError(CANARY)


@app.task(pool="process", name="add")
def add(a: int, b: int) -> int:
    return a + b


def _opened() -> Iterator[str]:
    yield "opened"
    print("closed")


async def _awaited(ctx: Context, below: Annotated[str, Depends(_opened)]) -> str:
    await asyncio.sleep(0)
    return f"{ctx.task}: {below}"


@app.task(pool="process", name="plain_dependency")
def plain_dependency(value: Annotated[str, Depends(_opened)]) -> str:
    return value


@app.task(pool="process", name="awaited_dependency")
def awaited_dependency(value: Annotated[str, Depends(_awaited)]) -> str:
    return value


@app.task(pool="process", name="pid")
def pid() -> list[int]:
    return [os.getpid(), os.getppid(), os.getpgid(0)]


@app.task(pool="process", name="speak")
def speak(ctx: Context) -> dict[str, Any]:
    """Everything that a context can do."""
    ctx.log.info("from the context", page=3)
    logger.warning("from logging")
    ctx.progress(1, 2, "half")
    ctx.heartbeat()
    ctx.state["page"] = ctx.state.get("page", 0) + 1
    assert current_job() is ctx
    return {"task": ctx.task, "attempt": ctx.attempt, "of": ctx.max_attempts, "id": str(ctx.id)}


@app.task(pool="process", name="end_as")
def end_as(how: str) -> Any:  # noqa: C901 - a table
    """End in one of the ways of Python."""
    match how:
        case "retry":
            raise Retry(after=7)
        case "snooze":
            raise Snooze(9)
        case "cancel":
            raise Cancel("enough")
        case "dead":
            raise Dead("hopeless")
        case "value":
            raise ValueError("wrong")
        case "nothing":
            return None
        case "not json":
            return object()
        case "sys.exit":
            sys.exit(0)
        case "keyboard":
            raise KeyboardInterrupt
        case "generator":
            raise GeneratorExit
    return how


@app.task(pool="process", name="die_by")
def die_by(how: str) -> str:  # noqa: C901 - a table
    """End the process, or what it stands on."""
    match how:
        case "_exit 0":
            os._exit(0)
        case "_exit 3":
            os._exit(3)
        case "segfault":
            ctypes.string_at(0)
        case "abort":
            os.abort()
        case "sigkill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "close all":
            os.closerange(3, 1000)
            current_job().log.info("into nowhere")
            time.sleep(30)
        case "replace all":
            os.closerange(3, 1000)
            for number in range(100):
                os.open(f"replaced-{number}", os.O_CREAT | os.O_RDWR, 0o600)
            time.sleep(30)
        case "garbage":
            for descriptor in range(3, 200):
                try:
                    os.write(descriptor, b"\xff" * 100)
                except OSError:
                    continue
            time.sleep(30)
    return "alive"


@app.task(pool="process", name="fork")
def fork(how: str) -> str:
    """Leave copies of the process and programs behind."""
    if how == "return":
        os.fork()
        return f"{os.getpid()}"
    if how == "raise" and os.fork() == 0:
        raise ValueError("in the copy")
    if how == "exit" and os.fork() == 0:
        sys.exit(3)
    if how == "daemon" and os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvp("sleep", ["sleep", "20"])  # noqa: S606
        os._exit(0)
    if how == "background":
        return str(subprocess.Popen(["sleep", "60"]).pid)
    return "parent"


@app.task(pool="process", name="hog", memory_limit="512MiB")
def hog(mebibytes: int) -> int:
    """Take memory."""
    return len(bytearray(mebibytes * 1024 * 1024))


@app.task(pool="process", name="sleep")
def sleep(seconds: float, begun: str | None = None, with_child: bool = False) -> str:
    """Sleep as C code does; with a program beside it."""
    child = subprocess.Popen(["sleep", "60"]) if with_child else None
    if begun is not None:
        Path(begun).write_text(f"{os.getpid()} {child.pid if child else ''}")
    time.sleep(seconds)
    return "slept"


@app.task(pool="process", name="stubborn")
def stubborn(begun: str) -> None:
    """Swallow every interrupt."""
    Path(begun).write_text(str(os.getpid()))
    while True:
        try:
            time.sleep(60)
        except BaseException:  # noqa: S112
            continue


@app.task(pool="process", name="polite")
def polite(ctx: Context, begun: str) -> str:
    """Stop when asked to."""
    Path(begun).write_text(str(os.getpid()))
    while not ctx.cancelled:
        time.sleep(0.01)
    return "stopped"


@app.task(pool="process", name="cleans_up")
def cleans_up(begun: str, cleaned: str) -> None:
    """Tidy when it is interrupted."""
    Path(begun).write_text(str(os.getpid()))
    try:
        time.sleep(60)
    finally:
        Path(cleaned).write_text("tidy")


@app.task(pool="process", name="say")
def say(how: str) -> None:
    """Print in every way."""
    match how:
        case "print":
            print("from print")
            print("to stderr", file=sys.stderr)
            sys.stdout.write("without an end")
        case "c code":
            libc = ctypes.CDLL(None)
            libc.puts(b"from C")
            libc.fflush(None)
        case "program":
            subprocess.run(["sh", "-c", "echo from a program; echo its error >&2"], check=True)
        case "binary":
            os.write(1, b"\xff\xfe\x00\n")
        case "much":
            chunk = b"x" * 65536
            for _ in range(1024):
                os.write(1, chunk)
            print("\nthe very end")
        case "many lines":
            for number in range(20_000):
                print("line", number)
