"""Handlers that end their thread, their process, or run for long, in every pool."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

from taskforge import TaskForge

app = TaskForge()


def end(how: str) -> str:
    """Do the worst."""
    match how:
        case "sys.exit":
            sys.exit(0)
        case "keyboard":
            raise KeyboardInterrupt
        case "_exit":
            os._exit(0)
        case "segfault":
            ctypes.string_at(0)
        case "abort":
            os.abort()
    return how


@app.task(name="in_thread", max_attempts=1)
def in_thread(how: str) -> str:
    return end(how)


@app.task(name="on_loop", max_attempts=1)
async def on_loop(how: str) -> str:
    return end(how)


@app.task(name="in_process", max_attempts=1, pool="process")
def in_process(how: str) -> str:
    return end(how)


@app.task(name="long", pool="process")
def long(begun: str, seconds: float) -> int:
    """Write down the processes that run, the first time wait long, later end at once."""
    if Path(begun).exists():
        return os.getpid()
    program = subprocess.Popen(["sleep", "300"])
    Path(begun).write_text(f"{os.getpid()} {program.pid}")
    time.sleep(seconds)
    return 0
