"""``taskforge pauses``: stop handing out jobs of one type, with one tag or of one key, and go on."""

from typing import Annotated

import typer

from taskforge.cli.options import AsJson, By, Reason
from taskforge.cli.session import session_of

commands = typer.Typer(
    help="Pause jobs by type, tag or key (queues: `taskforge queues pause`).",
    no_args_is_help=True,
    rich_markup_mode=None,
)

ByType = Annotated[str | None, typer.Option("--type", metavar="TYPE", help="Jobs of this type.")]
ByKey = Annotated[
    str | None, typer.Option("--key", metavar="KEY", help="Jobs with this key or concurrency key.")
]
ByTag = Annotated[str | None, typer.Option("--tag", metavar="TAG", help="Jobs with this tag.")]


@commands.command("create")
def create(
    context: typer.Context,
    job_type: ByType = None,
    tag: ByTag = None,
    key: ByKey = None,
    reason: Reason = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Hand out no more such jobs; go on taking them. What runs goes on."""
    from taskforge.cli.options import person
    from taskforge.cli.pause_view import print_pause, what
    from taskforge.cli.show import print_json

    kind, value = what({"type": job_type, "tag": tag, "key": key})
    pause, is_new = session_of(context).ask(lambda desk: desk.pauses.create(kind, value, reason, person(by)))
    if as_json:
        print_json({**pause, "created": is_new})
    else:
        print_pause(pause, is_new)


@commands.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List what is paused: queues, types, tags, keys; by whom, since when and why."""
    from taskforge.cli.pause_view import print_pauses
    from taskforge.cli.show import print_json

    found = session_of(context).ask(lambda desk: desk.pauses.all())
    if as_json:
        print_json({"pauses": found})
    else:
        print_pauses(found)


@commands.command("remove")
def remove(
    context: typer.Context,
    job_type: ByType = None,
    tag: ByTag = None,
    key: ByKey = None,
    as_json: AsJson = False,
) -> None:
    """Hand out such jobs again."""
    from taskforge.cli.pause_view import what
    from taskforge.cli.show import print_json

    kind, value = what({"type": job_type, "tag": tag, "key": key})
    count = session_of(context).ask(lambda desk: desk.pauses.remove(kind, value))
    if as_json:
        print_json({"kind": kind, "value": value, "released": count})
    else:
        print(f"{kind.value} {value!r} is resumed; {count:,} waiting jobs are let go")
