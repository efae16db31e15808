"""``taskforge demo``: a finite run on real input."""

from pathlib import Path
from typing import Annotated

import typer

from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of


def demo(
    context: typer.Context,
    as_json: AsJson = False,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", help="Read only so many files of the library.")
    ] = None,
    folder: Annotated[
        Path, typer.Option("--folder", metavar="FOLDER", help="Where the report and the database go.")
    ] = Path("taskforge-demo"),
    concurrency: Annotated[
        int, typer.Option("--concurrency", "-c", metavar="N", min=1, max=1000, help="Jobs at a time.")
    ] = 4,
    with_redis: Annotated[
        bool, typer.Option("--redis", help="Start a Redis, which says which job is next.")
    ] = False,
) -> None:
    """Run real jobs with a live progress bar, and write a report.

    Each source file of the running Python's standard library is read by a job. Some do not parse: their
    jobs fail, are retried and end as dead letters. Keeps its jobs in a new SQLite file, or at --database-url.
    """
    from taskforge.demo.command import run

    code = run(
        database_url=session_of(context).database_url,
        report_folder=folder,
        limit=limit,
        concurrency=concurrency,
        as_json=as_json,
        with_redis=with_redis,
    )
    raise typer.Exit(code)
