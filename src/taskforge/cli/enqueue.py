"""``taskforge enqueue``: make a job and go on."""

from typing import Annotated

import typer

from taskforge.cli.options import ApplicationOption, Arguments, AsJson
from taskforge.cli.session import session_of


def enqueue(
    context: typer.Context,
    job_type: Annotated[
        str, typer.Argument(metavar="JOB_TYPE", help="A task's name, the unique end of it, or any job type.")
    ],
    arguments: Arguments = None,
    payload: Annotated[
        str | None, typer.Option("--payload", metavar="JSON", help="The payload, in place of arguments.")
    ] = None,
    queue: Annotated[
        str | None, typer.Option("--queue", metavar="NAME", help="Else the task's queue, else default.")
    ] = None,
    priority: Annotated[
        int | None, typer.Option("--priority", metavar="0-9", help="Higher runs first.")
    ] = None,
    delay: Annotated[str | None, typer.Option("--delay", metavar="TIME", help="Not before: 30s, 2h.")] = None,
    run_at: Annotated[
        str | None, typer.Option("--run-at", metavar="TIME", help="Not before: 2026-01-31T09:00:00+07:00.")
    ] = None,
    max_attempts: Annotated[
        int | None, typer.Option("--max-attempts", metavar="N", help="How often it is tried.")
    ] = None,
    timeout: Annotated[
        str | None, typer.Option("--timeout", metavar="TIME", help="How long an attempt may take.")
    ] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Repeatable.")] = None,
    app: ApplicationOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a job and print its id.

    Arguments of a task of an application (--app, or found by itself) are checked against it. A job type
    that nobody knows is accepted: its job waits until a worker comes that does.
    """
    from taskforge.cli.arguments import moment, seconds
    from taskforge.cli.submit import submit
    from taskforge.sdk.options import job_options

    fields = {
        "queue": queue,
        "priority": priority,
        "delay": seconds(delay, "delay"),
        "run_at": moment(run_at, "run_at"),
        "max_attempts": max_attempts,
        "timeout": seconds(timeout, "timeout"),
        "tags": tags or None,
    }
    options = job_options({name: value for name, value in fields.items() if value is not None})
    job = submit(session_of(context), app, job_type, arguments or [], payload, options)
    if as_json:
        from taskforge.cli.show import job_document, print_json

        print_json(job_document(job))
    else:
        print(job.id)
