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
        if not _holds_the_file(url):
            return
        os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(BETWEEN_TRIES_SECONDS)


def _stands_still(pid: int) -> None:
    threads = Path(f"/proc/{pid}/task").glob("*/stat")
    assert all(thread.read_text().rpartition(")")[2].split()[0] == "T" for thread in threads)


def _holds_the_file(url: str) -> bool:
    address = parse_address(url)
    if address.kind != "sqlite":
        return False
    with closing(sqlite3.connect(address.target, timeout=0, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
    return False
