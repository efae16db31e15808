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
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="TIME", help="It has to start within this time, or fails."),
    ] = None,
    deadline: Annotated[
        str | None,
        typer.Option("--deadline", metavar="TIME", help="It has to end within this time, or fails."),
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="Nothing new while a job of it is unfinished.")
    ] = None,
    key_period: Annotated[
        str | None,
        typer.Option("--key-period", metavar="TIME", help="A job that succeeded keeps the key so long."),
    ] = None,
    concurrency_key: Annotated[
        str | None, typer.Option("--concurrency-key", metavar="KEY", help="Few jobs of it run at once.")
    ] = None,
    concurrency_limit: Annotated[
        int | None, typer.Option("--concurrency-limit", metavar="N", help="How many of them: 1 by default.")
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option(
            "--require", metavar="KEY=VALUE", help='What its worker must have: gpu=">=1". Repeatable.'
        ),
    ] = None,
    fairness_key: Annotated[
        str | None,
        typer.Option("--fairness-key", metavar="KEY", help="In a fair queue, jobs of the keys take turns."),
    ] = None,
    fairness_weight: Annotated[
        int | None,
        typer.Option("--fairness-weight", metavar="N", help="So many at a turn: 1 by default."),
    ] = None,
    slots: Annotated[
        int | None, typer.Option("--slots", metavar="N", help="Places it takes of queue and worker.")
    ] = None,
    rate_tokens: Annotated[
        int | None, typer.Option("--rate-tokens", metavar="N", help="What its start takes of the rate.")
    ] = None,
    notify: Annotated[
        list[str] | None,
        typer.Option("--notify", metavar="RECEIVER", help="Who is told when it ends. Repeatable."),
    ] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Repeatable.")] = None,
    app: ApplicationOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a job and print its id, or that of the job that has its key.

    Arguments of a task of an application (--app, or found by itself) are checked against it. A job type
    that nobody knows is accepted: its job waits until a worker comes that does.
    """
    from taskforge.cli.arguments import moment, pairs, seconds
    from taskforge.cli.submit import submit
    from taskforge.sdk.options import job_options

    fields = {
        "queue": queue,
        "priority": priority,
        "delay": seconds(delay, "delay"),
        "run_at": moment(run_at, "run_at"),
        "max_attempts": max_attempts,
        "timeout": seconds(timeout, "timeout"),
        "expires": seconds(expires, "expires"),
        "deadline": seconds(deadline, "deadline"),
        "key": key,
        "key_period": seconds(key_period, "key_period"),
        "concurrency_key": concurrency_key,
        "concurrency_limit": concurrency_limit,
        "requires": pairs(require) or None,
        "fairness_key": fairness_key,
        "fairness_weight": fairness_weight,
        "slots": slots,
        "rate_tokens": rate_tokens,
        "notify": notify or None,
        "tags": tags or None,
    }
    options = job_options({name: value for name, value in fields.items() if value is not None})
    job, created = submit(session_of(context), app, job_type, arguments or [], payload, options)
    if as_json:
        from taskforge.cli.show import job_document, print_json

        print_json({**job_document(job), "created": created})
    else:
        print(job.id)
        if not created:
            from taskforge.cli.errors import note

            note(f"nothing new: this job has the key {job.key!r} and is {job.status.value}")
