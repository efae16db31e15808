"""``taskforge workers``: the processes that run jobs."""

from typing import Annotated

import typer

from taskforge.cli.options import AsJson, Hours
from taskforge.cli.session import session_of

commands = typer.Typer(help="Look at the workers.", no_args_is_help=True, rich_markup_mode=None)


@commands.command("list")
def list_(
    context: typer.Context,
    everyone: Annotated[bool, typer.Option("--all", help="Also those that have left.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the workers of the project, the newest first."""
    from taskforge.cli.show import print_json, worker_document
    from taskforge.cli.tables import print_table
    from taskforge.cli.text import ago
    from taskforge.domain.ids import short

    now, found = session_of(context).ask(lambda desk: desk.workers(stopped=everyone))
    if as_json:
        print_json({"workers": [worker_document(worker, status) for worker, status in found]})
        return
    print_table(
        ("ID", "NAME", "STATUS", "TYPE", "QUEUES", "JOBS", "HEARTBEAT", "HOST", "PID"),
        [
            (
                short(worker.id),
                worker.name,
                status.value,
                worker.type.value,
                ",".join(worker.queues),
                f"{worker.active_jobs}/{worker.max_concurrent_jobs}",
                ago(worker.last_heartbeat, now),
                worker.process.host,
                worker.process.pid,
            )
            for worker, status in found
        ],
        empty="no worker runs; start one with `taskforge worker` or `taskforge dev`",
        right=("JOBS", "PID"),
    )


@commands.command("metrics")
def metrics(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One worker, with its restarts; else all.")
    ] = None,
    hours: Hours = 24.0,
    as_json: AsJson = False,
) -> None:
    """What the workers did, how long it took, which part of the machine they used."""
    from taskforge.cli.metrics import worker_metrics

    worker_metrics(session_of(context), name, hours, as_json=as_json)
