"""Freeze a process where it holds nothing that all others need."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from taskforge.storage.address import parse_address
from tests.support.eventually import eventually

BETWEEN_TRIES_SECONDS = 0.01


async def freeze(pid: int, url: str) -> None:
    """SIGSTOP; not in the middle of a write of the one file, which would stand still for everybody.

    On PostgreSQL the server ends a statement whose client does not listen.
    """
    while True:
        os.kill(pid, signal.SIGSTOP)
        await eventually(lambda: _stands_still(pid), 10)
        if not is_file_held(url):
            return
        os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(BETWEEN_TRIES_SECONDS)


def _stands_still(pid: int) -> None:
    threads = Path(f"/proc/{pid}/task").glob("*/stat")
    assert all(thread.read_text().rpartition(")")[2].split()[0] == "T" for thread in threads)


def is_file_held(url: str, patience: float = 0) -> bool:
    """Whether nobody can write to the one file for so many seconds. On PostgreSQL there is none."""
    address = parse_address(url)
    if address.kind != "sqlite":
        return False
    with closing(sqlite3.connect(address.target, timeout=patience, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
    return False
