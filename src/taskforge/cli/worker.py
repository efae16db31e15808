"""``taskforge worker``: a process that runs jobs until it is told to stop."""

from typing import Annotated

import typer

from taskforge.cli.options import Application
from taskforge.cli.session import session_of


def worker(
    context: typer.Context,
    app: Application = None,
    queues: Annotated[
        list[str] | None,
        typer.Option("--queues", "-q", metavar="NAMES", help="Queues, with commas. Else those of the tasks."),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", "-c", metavar="N", help="Jobs at a time.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Its name; only one live worker may have it.")
    ] = None,
    worker_type: Annotated[
        str,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="general, specialized_cpu, specialized_io or specialized_gpu.",
        ),
    ] = "general",
    capabilities: Annotated[
        list[str] | None,
        typer.Option("--capability", metavar="KEY=VALUE", help="What it can, such as gpu=1. Repeatable."),
    ] = None,
    grace: Annotated[
        str | None,
        typer.Option("--grace", metavar="TIME", help="How long running jobs may go on after SIGTERM: 30s."),
    ] = None,
    leaves_with_parent: Annotated[bool, typer.Option("--leaves-with-parent", hidden=True)] = False,
) -> None:
    """Run the jobs of an application.

    The first SIGTERM or Ctrl-C drains: it claims no more, lets running jobs end within the grace, hands the
    rest back without spending an attempt, and exits with 0. A second one exits at once.
    """
    from taskforge.cli.work import WorkerChoice, run_worker

    choice = WorkerChoice.parse(
        queues=queues,
        concurrency=concurrency,
        name=name,
        worker_type=worker_type,
        capabilities=capabilities,
        grace=grace,
    )
    raise typer.Exit(run_worker(session_of(context), app, choice, leaves_with_parent=leaves_with_parent))
