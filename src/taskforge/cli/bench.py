"""``taskforge bench``: how fast this installation is."""

from pathlib import Path
from typing import Annotated

import typer

from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of


def bench(
    context: typer.Context,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", min=10, help="Jobs of a drain.")] = 20_000,
    idle_seconds: Annotated[
        float, typer.Option("--idle-seconds", metavar="S", min=1, help="How long an idle worker is watched.")
    ] = 60.0,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="FOLDER", help="Where SQLite files go: its disk is measured."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure enqueueing, draining, latency, memory and idle queries, with full history kept.

    Each measurement gets a new database: a SQLite file, or with --database-url postgresql://... a database
    on that server, which the user must be allowed to create. They are removed at the end.
    """
    from taskforge.cli.bench_view import print_report
    from taskforge.cli.benchmark import measure_here
    from taskforge.cli.show import print_json

    report = measure_here(session_of(context).database_url, folder, jobs, idle_seconds)
    if as_json:
        print_json(report.as_dict())
    else:
        print_report(report)
