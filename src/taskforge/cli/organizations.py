"""``taskforge organizations``: the tenants of the installation."""

from typing import Annotated, Any

import typer

from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of

commands = typer.Typer(help="Manage organizations.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The organization's name.")]


@commands.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the organizations by name."""
    from taskforge.cli.show import print_json
    from taskforge.cli.tables import print_table

    found = session_of(context).ask(lambda desk: desk.organizations.all())
    if as_json:
        print_json({"organizations": found})
        return
    print_table(
        ("NAME", "STATE", "ID"),
        [(each["name"], "suspended" if each["is_suspended"] else "active", each["id"]) for each in found],
        empty="there is no organization",
    )


@commands.command("create")
def create(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Make an organization with a default project."""
    from taskforge.cli.show import print_json

    made = session_of(context).ask(lambda desk: desk.organizations.create(name))
    if as_json:
        print_json(made)
    else:
        print(f"organization {made['name']!r} is made, with a project 'default'")


@commands.command("set")
def set_(
    context: typer.Context,
    name: Name,
    values: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE...",
            help="name, queued_jobs, workers, schedules, requests_per_second, suspended, redacted_keys (a,b); none lifts.",
        ),
    ],
    as_json: AsJson = False,
) -> None:
    """Change the name, the limits or what is redacted; suspend it (suspended=true), and let it go on."""
    from taskforge.cli.show import print_json

    changes = _changes(values)
    changed = session_of(context).ask(lambda desk: desk.organizations.change(name, changes))
    if as_json:
        print_json(changed)
    else:
        print(f"organization {changed['name']!r} is changed")


@commands.command("delete")
def delete(context: typer.Context, name: Name) -> None:
    """Delete an organization whose projects have no queues and no workers."""
    session_of(context).ask(lambda desk: desk.organizations.remove(name))
    print(f"organization {name!r} is deleted")


def _changes(values: list[str]) -> dict[str, Any]:
    from taskforge.domain.errors import InvalidInput
    from taskforge.domain.organization import Limits

    changes: dict[str, Any] = {}
    limits: dict[str, int | None] = {}
    for pair in values:
        key, sign, value = pair.partition("=")
        if not sign:
            raise InvalidInput(f"{pair!r} is not KEY=VALUE", field=key)
        if key == "name":
            changes["name"] = value
        elif key == "suspended":
            if value not in ("true", "false"):
                raise InvalidInput(f"suspended is true or false, not {value!r}", field=key)
            changes["suspended"] = value == "true"
        elif key == "redacted_keys":
            changes[key] = [] if value == "none" else value.split(",")
        elif key in Limits().to_json():
            if value != "none" and not value.isdecimal():
                raise InvalidInput(f"{key} is a whole number or none, not {value!r}", field=key)
            limits[key] = None if value == "none" else int(value)
        else:
            known = ", ".join(["name", "suspended", "redacted_keys", *Limits().to_json()])
            raise InvalidInput(f"an organization has no {key!r}", field=key, hint=f"one of: {known}")
    return {**changes, "limits": limits} if limits else changes
