"""``taskforge run``: enqueue one job, wait for it, print its result."""

from typing import Annotated

import typer

from taskforge.cli.options import ApplicationOption, Arguments
from taskforge.cli.session import session_of


def run(
    context: typer.Context,
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task's name, or the unique end of it.")],
    arguments: Arguments = None,
    app: ApplicationOption = None,
    timeout: Annotated[
        str | None,
        typer.Option("--timeout", metavar="TIME", help="How long to wait: 30s, 5m. Else for ever."),
    ] = None,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Never run it in this process; wait for a worker.")
    ] = False,
) -> None:
    """Enqueue a job, wait for it, print its result as JSON.

    If no live worker serves the task's queue, the job is run in this process; not so with a server.
    """
    import asyncio

    from taskforge.cli.arguments import seconds
    from taskforge.cli.run_one import run_one
    from taskforge.cli.submit import typed_call
    from taskforge.domain.bounds import check_seconds

    wait = seconds(timeout, "timeout")
    if wait is not None:
        check_seconds(wait, "timeout", least=0.0)
    session = session_of(context)
    if session.settings().server is not None:
        from taskforge.cli.run_afar import run_afar

        print(run_afar(session, app, task, arguments or [], timeout=wait))
        return
    application = session.application(app)
    call = typed_call(application.registry.find(task), arguments or [])
    print(asyncio.run(run_one(application, call, timeout=wait, here=not no_worker)))
