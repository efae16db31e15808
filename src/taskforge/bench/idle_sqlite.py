"""An idle SQLite worker that counts its own statements, run as a process with URL, SETTLE, SECONDS.

SQLite has no server that could count, so this process replaces `sqlite3.connect` before TaskForge opens
its file and has SQLite itself report every statement that it begins. The count is printed as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from typing import Any

_connect = sqlite3.connect
_statements = 0


def _count(_statement: str) -> None:
    global _statements
    _statements += 1


def _counting_connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
    connection: sqlite3.Connection = _connect(*arguments, **options)
    connection.set_trace_callback(_count)
    return connection


async def _idle(database_url: str, settle: float, seconds: float) -> int:
    from .enqueue import opened
    from .tasks import QUEUE

    async with opened(database_url) as bench, bench.app.worker(queues=[QUEUE], concurrency=10):
        await asyncio.sleep(settle)
        before = _statements
        await asyncio.sleep(seconds)
        return _statements - before


def main() -> None:
    vars(sqlite3)["connect"] = _counting_connect
    database_url, settle, seconds = sys.argv[1:]
    statements = asyncio.run(_idle(database_url, float(settle), float(seconds)))
    sys.stdout.write(json.dumps({"statements": statements}) + "\n")


if __name__ == "__main__":
    main()
