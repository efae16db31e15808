"""``taskforge queues``: make, look at and change queues."""

from typing import Annotated, Any

import typer

from taskforge.cli.options import AsJson, By, DryRun, Hours, Reason, Yes
from taskforge.cli.session import session_of

commands = typer.Typer(
    help="Make queues, look at them, change them.", no_args_is_help=True, rich_markup_mode=None
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The queue's name.")]


@commands.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the queues of the project by name, with their jobs by status."""
    from taskforge.cli.show import print_json, queue_document
    from taskforge.cli.tables import print_table

    found = session_of(context).ask(lambda desk: desk.all_queues())
    if as_json:
        print_json({"queues": [queue_document(queue, counts) for queue, counts in found]})
        return
    statuses = list(found[0][1]) if found else []
    heads = [status.value.upper() for status in statuses]
    print_table(
        ("NAME", "STATE", "PRIORITY", *heads),
        [
            (q.name, q.state.value, q.priority, *(counts.shown(status) for status in statuses))
            for q, counts in found
        ],
        empty="there are no queues yet; the first job of a task makes its queue",
        right=("PRIORITY", *heads),
    )


@commands.command("create")
def create(
    context: typer.Context,
    name: Name,
    priority: Annotated[int, typer.Option("--priority", metavar="0-9", help="Higher is served first.")] = 0,
    description: Annotated[
        str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting, as for `queues set`. Repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a queue."""
    from taskforge.cli.arguments import pairs
    from taskforge.cli.queue_work import print_queue

    values = {"priority": priority, "description": description, **pairs(settings)}
    queue = session_of(context).ask(lambda desk: desk.make_queue(name, values))
    print_queue(queue, as_json=as_json)


@commands.command("show")
def show(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show a queue: its settings, its jobs by status, its dead letters."""
    from taskforge.cli.queue_work import print_queue

    queue, counts, dead_letters = session_of(context).ask(lambda desk: desk.whole_queue(name))
    print_queue(queue, counts, dead_letters, as_json=as_json)


@commands.command("metrics")
def metrics(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One queue, with its job types; else all.")
    ] = None,
    hours: Hours = 24.0,
    as_json: AsJson = False,
) -> None:
    """How many attempts succeeded and failed, how long they waited and took."""
    from taskforge.cli.metrics import queue_metrics

    queue_metrics(session_of(context), name, hours, as_json=as_json)


@commands.command("set")
def set_(
    context: typer.Context,
    name: Name,
    values: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE...", help="What to change.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="The same as an option. Repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change a queue; KEY= goes back to the default.

    Keys: state (active, paused, closed), priority, description, dead_letter_queue (a name), and the settings
    max_concurrent_jobs, max_retries, timeout_seconds, retry_delay_seconds, max_retry_delay_seconds,
    backoff_multiplier, dead_letter_queue_id, rate_limit, aging_seconds, priority_delays, notify, notify_on.
    """
    from taskforge.cli.arguments import pairs
    from taskforge.cli.options import person
    from taskforge.domain.errors import InvalidInput

    given = pairs([*(values or ()), *(settings or ())])
    if not given:
        raise InvalidInput("nothing is to be changed", hint="write KEY=VALUE, such as max_concurrent_jobs=3")
    _change(context, name, {"by": person(None), **given}, as_json)


@commands.command("pause")
def pause(
    context: typer.Context, name: Name, reason: Reason = None, by: By = None, as_json: AsJson = False
) -> None:
    """Hand out no more jobs; go on taking them."""
    from taskforge.cli.options import person

    _change(context, name, {"state": "paused", "reason": reason, "by": person(by)}, as_json)


@commands.command("resume")
def resume(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Take and hand out jobs again."""
    _change(context, name, {"state": "active"}, as_json)


@commands.command("notify")
def notify(
    context: typer.Context,
    name: Name,
    to: Annotated[
        list[str] | None,
        typer.Option("--to", metavar="RECEIVER", help="Who is told. Repeatable; without it nobody is."),
    ] = None,
    on: Annotated[
        list[str] | None,
        typer.Option(
            "--on", metavar="STATUS", help="Only of succeeded, failed or cancelled jobs. Repeatable."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Have receivers told when a job of the queue ends."""
    from taskforge.domain.errors import InvalidInput

    if on and not to:
        raise InvalidInput("--on says of which ends, and --to who is told", field="to")
    _change(context, name, {"notify": to or None, "notify_on": on or None}, as_json)


@commands.command("purge")
def purge(
    context: typer.Context, name: Name, dry_run: DryRun = False, yes: Yes = False, as_json: AsJson = False
) -> None:
    """Delete the jobs that wait in a queue; running and finished ones stay."""
    from taskforge.cli.bulk import purge as purge_queue

    purge_queue(session_of(context), name, dry_run=dry_run, yes=yes, as_json=as_json)


@commands.command("delete")
def delete(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Remove a queue in which no job waits or runs."""
    from taskforge.cli.show import print_json

    session_of(context).ask(lambda desk: desk.delete_queue(name))
    if as_json:
        print_json({"name": name, "deleted": True})
    else:
        print(f"queue {name} is deleted")


@commands.command("redrive")
def redrive(
    context: typer.Context,
    name: Name,
    target: Annotated[
        str | None, typer.Option("--to", metavar="NAME", help="Another queue than the one they came from.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most so many.")] = None,
    as_json: AsJson = False,
) -> None:
    """Retry the dead letters that a dead-letter queue lists."""
    from taskforge.cli.show import print_json

    count = session_of(context).ask(lambda desk: desk.redrive(name, target, limit))
    if as_json:
        print_json({"redriven": count})
    else:
        print(f"{count} dead letters are retried")


def _change(context: typer.Context, name: str, values: dict[str, Any], as_json: bool) -> None:
    from taskforge.cli.queue_work import print_queue

    queue = session_of(context).ask(lambda desk: desk.change_queue(name, values))
    print_queue(queue, as_json=as_json)
