"""``taskforge scheduler``: a process that makes jobs of due times until it is told to stop."""

from pathlib import Path
from typing import Annotated

import typer

from taskforge.cli.options import Application
from taskforge.cli.session import session_of


def scheduler(
    context: typer.Context,
    app: Application = None,
    liveness_file: Annotated[
        Path | None,
        typer.Option(
            "--liveness-file", metavar="PATH", help="Touched while due times can be seen to, else removed."
        ),
    ] = None,
    leaves_with_parent: Annotated[bool, typer.Option("--leaves-with-parent", hidden=True)] = False,
) -> None:
    """Make jobs of the due times of all schedules, and declare those of the application.

    Any number may run at once, on any number of machines: each due time becomes one job. SIGTERM or Ctrl-C ends it.
    """
    from taskforge.cli.scheduling import run_scheduler

    session = session_of(context)
    if leaves_with_parent:
        from taskforge.cli.work import leave_with_parent

        leave_with_parent()
    raise typer.Exit(run_scheduler(session, app, liveness_file))
