"""The demo as a command line runs it: no question is ever asked, whatever standard input is."""

from __future__ import annotations

import asyncio
import sys
from contextlib import nullcontext
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rich.console import Console

from taskforge.demo.own_redis import own_redis
from taskforge.demo.run import made, run_demo
from taskforge.demo.screen import print_summary, screen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskforge.demo.summary import DemoSummary

DEFAULT_FOLDER = Path("taskforge-demo")


def run(
    *,
    database_url: str | None = None,
    report_folder: Path = DEFAULT_FOLDER,
    limit: int | None = None,
    concurrency: int = 4,
    as_json: bool = False,
    with_redis: bool = False,
) -> int:
    """Run the demo and print its summary; with `as_json` standard output is one JSON object, nothing else.

    The default database is a new SQLite file in the report folder. A database without TaskForge's tables
    gets them; one of another version is refused, as everywhere. With ``with_redis`` a Redis of the demo's own
    says which job is next. Answers the exit code, 0. Raises what `run_demo` and `own_redis` raise; the command line turns that into a message and a code.
    """
    # With --json the progress goes to standard error.
    console = Console(stderr=as_json)
    folder = made(report_folder)
    url = database_url or fresh_database(folder)
    if not as_json:
        console.print("Reading the standard library of the running Python, one job per file.")
    with own_redis() if with_redis else nullcontext() as redis_url:
        settings = {} if redis_url is None else {"redis_url": redis_url, "dispatch": "redis"}
        summary = asyncio.run(_run(console, url, folder, limit, concurrency, settings))
    if as_json:
        sys.stdout.write(summary.to_json() + "\n")
    else:
        print_summary(console, summary)
    return 0


def fresh_database(folder: Path) -> str:
    """The URL of a SQLite file in an absolute folder that is not there yet: runs side by side never share one."""
    path = folder / f"demo-{token_hex(4)}.db"
    return f"sqlite:///{quote(path.as_posix())}"


async def _run(
    console: Console,
    url: str,
    report_folder: Path,
    limit: int | None,
    concurrency: int,
    settings: Mapping[str, Any],
) -> DemoSummary:
    from taskforge import TaskForge
    from taskforge.storage.address import parse_address
    from taskforge.storage.migrate import migrate, schema_state

    address = parse_address(url)
    if not (await schema_state(url)).applied:  # nothing of ours is in it yet, so nothing can be harmed
        await migrate(url)
    app = TaskForge(database_url=url, **settings)
    try:
        with screen(console) as progress:
            return await run_demo(
                app,
                report_folder=report_folder,
                limit=limit,
                concurrency=concurrency,
                database=address.shown,
                progress=progress,
            )
    finally:
        await app.aclose()
