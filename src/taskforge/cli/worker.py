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
    processes: Annotated[
        int,
        typer.Option(
            "--processes",
            metavar="N",
            min=1,
            max=256,
            help="Run N such workers, started again when they crash. Their names end with -1, -2, ...",
        ),
    ] = 1,
    liveness_file: Annotated[
        str | None,
        typer.Option(
            "--liveness-file", metavar="PATH", help="Touched while jobs can be claimed, else removed."
        ),
    ] = None,
    liveness_port: Annotated[
        int | None,
        typer.Option("--liveness-port", metavar="PORT", help="Answers HTTP: 200 while jobs can be claimed."),
    ] = None,
    metrics_port: Annotated[
        int | None,
        typer.Option(
            "--metrics-port",
            metavar="PORT",
            help="Tells Prometheus of the process; each of N takes the next one.",
        ),
    ] = None,
    schedules: Annotated[
        bool, typer.Option("--schedules", help="See to due times of schedules as well, as `scheduler` does.")
    ] = False,
    autoscale: Annotated[
        bool,
        typer.Option("--autoscale", help="Start and stop further workers here, as scaling policies say."),
    ] = False,
    leaves_with_parent: Annotated[bool, typer.Option("--leaves-with-parent", hidden=True)] = False,
) -> None:
    """Run the jobs of an application.

    The first SIGTERM or Ctrl-C drains: it claims no more, lets running jobs end within the grace, hands the
    rest back without spending an attempt, and exits with 0. A second one exits at once. With a handler that does
    not stop when it has to, it drains and exits with 75; with --processes it is started anew.
    """
    from taskforge.cli.work import WorkerChoice, leave_with_parent, run_worker

    choice = WorkerChoice.parse(
        queues=queues,
        concurrency=concurrency,
        name=name,
        worker_type=worker_type,
        capabilities=capabilities,
        grace=grace,
    )
    session = session_of(context)
    given = {
        "liveness_file": liveness_file,
        "liveness_port": liveness_port,
        "metrics_port": metrics_port,
    }
    liveness = {name: value for name, value in given.items() if value is not None}
    if processes == 1:
        raise typer.Exit(
            run_worker(
                session,
                app,
                choice,
                liveness=liveness,
                leaves_with_parent=leaves_with_parent,
                schedules=schedules,
                autoscale=autoscale,
            )
        )
    from taskforge.cli.supervise import supervise

    if leaves_with_parent:
        leave_with_parent()
    options = {"queues": queues, "concurrency": concurrency, "type": worker_type, "capability": capabilities}
    options |= {"schedules": schedules or None, "autoscale": autoscale or None}
    raise typer.Exit(
        supervise(session, app, processes, name=name, liveness=liveness, options=options | {"grace": grace})
    )
