"""``taskforge alerts receivers``: who is told."""

from typing import Annotated, Any

import typer

from taskforge.cli.options import AsJson, By
from taskforge.cli.session import session_of

commands = typer.Typer(help="Who is told.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The receiver's name.", show_default=False)]
Url = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="Of a webhook, or the one that Slack gave you.")
]
To = Annotated[
    list[str] | None, typer.Option("--to", metavar="ADDRESS", help="An e-mail address. Repeatable.")
]


@commands.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the receivers, without their secrets."""
    from taskforge.cli.alert_view import print_receivers
    from taskforge.cli.show import print_json

    found = session_of(context).ask(lambda desk: desk.alerts.receivers())
    if as_json:
        print_json({"receivers": found})
    else:
        print_receivers(found)


@commands.command("create")
def create(
    context: typer.Context,
    name: Name,
    kind: Annotated[str, typer.Argument(metavar="KIND", help="webhook, slack, email.", show_default=False)],
    url: Url = None,
    to: To = None,
    as_json: AsJson = False,
) -> None:
    """Make a receiver. The secret of a webhook is shown now and never again."""
    from taskforge.cli.errors import note
    from taskforge.cli.show import print_json

    made = session_of(context).ask(lambda desk: desk.alerts.create_receiver(name, kind, url, to))
    if as_json:
        print_json(made)
        return
    print(f"{made['receiver']['kind']} {name!r}: {made['receiver']['address']}")
    if made["secret"] is not None:
        note("its secret is shown now and never again:")
        print(made["secret"])


@commands.command("set")
def set_(
    context: typer.Context,
    name: Name,
    url: Url = None,
    to: To = None,
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Whether it is told anything.")
    ] = None,
    new_name: Annotated[str | None, typer.Option("--rename", metavar="NAME", help="Another name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change a receiver; what is not given stays."""
    from taskforge.cli.show import print_json

    given: dict[str, Any] = {"url": url, "to": to or None, "enabled": enabled, "name": new_name}
    values = {field: value for field, value in given.items() if value is not None}
    changed = session_of(context).ask(lambda desk: desk.alerts.change_receiver(name, values))
    if as_json:
        print_json(changed)
    else:
        print(f"{changed['kind']} {changed['name']!r}: {changed['address']}")


@commands.command("rotate")
def rotate(context: typer.Context, name: Name) -> None:
    """Give a webhook a new secret, shown now and never again; the old one signs beside it for a day."""
    print(session_of(context).ask(lambda desk: desk.alerts.rotate(name)))


@commands.command("test")
def try_(context: typer.Context, name: Name, by: By = None, as_json: AsJson = False) -> None:
    """Send it something; a running worker or server does. `taskforge alerts deliveries` shows what comes of it."""
    from taskforge.cli.options import person
    from taskforge.cli.show import print_json

    delivery = session_of(context).ask(lambda desk: desk.alerts.test(name, person(by) or ""))
    if as_json:
        print_json(delivery)
    else:
        print(f"{delivery['id']} is {delivery['status']}")


@commands.command("delete")
def delete(context: typer.Context, name: Name) -> None:
    """Remove a receiver, and what was to be told to it."""
    session_of(context).ask(lambda desk: desk.alerts.delete_receiver(name))
    print(f"receiver {name!r} is removed")
