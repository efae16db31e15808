"""``taskforge dev``: everything in one process, started anew when code changes."""

from typing import Annotated

import typer

from taskforge.cli.options import Application
from taskforge.cli.session import session_of


def dev(
    context: typer.Context,
    app: Application = None,
    queues: Annotated[
        list[str] | None,
        typer.Option("--queues", "-q", metavar="NAMES", help="Queues, with commas. Else those of the tasks."),
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option("--concurrency", "-c", metavar="N", min=1, max=1000, help="Jobs at a time.")
    ] = None,
    processes: Annotated[
        int, typer.Option("--processes", metavar="N", min=1, max=256, help="Run N workers.")
    ] = 1,
    api: Annotated[bool, typer.Option("--api/--no-api", help="Serve the HTTP API as well.")] = True,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="N", min=0, max=65535, help="The API's port; 0: any free one."),
    ] = None,
    autoscale: Annotated[
        bool,
        typer.Option("--autoscale", help="Start and stop further workers here, as scaling policies say."),
    ] = False,
    reload: Annotated[
        bool, typer.Option("--reload/--no-reload", help="Start anew when a Python file changes.")
    ] = True,
) -> None:
    """Run the worker, its recovery, the scheduler and the HTTP API while you write code.

    When a Python file changes, running jobs end and the worker starts anew. Ctrl-C ends it.
    """
    from taskforge.cli.applications import places
    from taskforge.cli.errors import note
    from taskforge.cli.serve_beside import served_beside

    session = session_of(context)
    found = places(app, session.settings())
    with served_beside(session, wanted=api, port=port):
        if reload:
            from taskforge.cli.reload import Reloader, worker_command

            command = worker_command(
                session,
                app,
                queues=queues,
                concurrency=concurrency,
                processes=processes,
                schedules=True,
                autoscale=autoscale or None,
            )
            folder = found[0].folder
            note(
                f"taskforge dev: {found[0]}; starts anew when a Python file changes in {folder}. Ctrl-C ends it."
            )
            raise typer.Exit(Reloader(command, folder).run())
        if processes > 1:
            from taskforge.cli.supervise import supervise

            options: dict[str, object] = {"queues": queues, "concurrency": concurrency, "schedules": True}
            options["autoscale"] = autoscale or None
            raise typer.Exit(supervise(session, app, processes, options=options))
        from taskforge.cli.work import WorkerChoice, run_worker

        choice = WorkerChoice.parse(
            queues=queues,
            concurrency=concurrency,
            name=None,
            worker_type="general",
            capabilities=None,
            grace=None,
        )
        raise typer.Exit(run_worker(session, app, choice, schedules=True, autoscale=autoscale))
