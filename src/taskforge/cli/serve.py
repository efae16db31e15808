"""``taskforge serve``: the HTTP API."""

from typing import Annotated

import typer

from taskforge.cli.session import session_of


def serve(
    context: typer.Context,
    host: Annotated[
        str | None, typer.Option("--host", metavar="HOST", help="The address to listen on.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", min=0, max=65535, help="The port; 0: any free one.")
    ] = None,
    development: Annotated[
        bool,
        typer.Option(
            "--development",
            help="Make a secret, an administrator and a key where there are none, and tell them.",
        ),
    ] = False,
    scheduler: Annotated[
        bool, typer.Option("--scheduler", help="See to due times of schedules as well.")
    ] = False,
    leaves_with_parent: Annotated[bool, typer.Option("--leaves-with-parent", hidden=True)] = False,
) -> None:
    """Serve the HTTP API, and do the recovery that every process does.

    It refuses a weak TASKFORGE_SECRET_KEY, and to listen for other machines before there is an administrator.
    """
    from taskforge.cli.serving import Serving

    session = session_of(context)
    serving = Serving(session, host=host, port=port, development=development, schedules=scheduler)
    if leaves_with_parent:
        from taskforge.cli.work import leave_with_parent

        leave_with_parent()
    raise typer.Exit(serving.run())
