"""``taskforge keys``: API keys, each shown once."""

from datetime import datetime
from typing import Annotated

import typer

from taskforge.cli.access_options import OfOrganization, OnlyProject
from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of

commands = typer.Typer(help="Manage API keys.", no_args_is_help=True, rich_markup_mode=None)


@commands.command("create")
def create(
    context: typer.Context,
    role: Annotated[
        str | None,
        typer.Option("--role", metavar="ROLE", help="owner, admin, operator, developer, viewer or worker."),
    ] = None,
    permission: Annotated[
        list[str] | None,
        typer.Option("--permission", metavar="PERMISSION", help="Instead of a role, each such as job:read."),
    ] = None,
    name: Annotated[str, typer.Option("--name", help="What it is for.")] = "made at the command line",
    organization: OfOrganization = None,
    only_project: OnlyProject = None,
    only_queue: Annotated[
        list[str] | None,
        typer.Option("--only-queue", metavar="NAME", help="In this queue of that project only."),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="TIME", help="Until when it holds (2027-01-31T09:00:00Z)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, once. An organization that is not there is made, with a default project."""
    from taskforge.cli.access_desk import NewKey
    from taskforge.cli.access_options import moment
    from taskforge.cli.show import print_json

    wanted = NewKey(name, role, permission, only_project, only_queue, moment(expires, "--expires"))
    key, text = session_of(context).ask(lambda desk: desk.access(organization).create_key(wanted))
    if as_json:
        print_json({**key, "key": text})
    else:
        print(text)


@commands.command("list")
def list_(
    context: typer.Context,
    organization: OfOrganization = None,
    everyone: Annotated[bool, typer.Option("--all", help="Also revoked ones.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the keys, the newest first; never their secrets."""
    from uuid import UUID

    from taskforge.cli.show import print_json
    from taskforge.cli.tables import print_table
    from taskforge.domain.ids import short

    found = session_of(context).ask(lambda desk: desk.access(organization).keys(revoked=everyone))
    if as_json:
        print_json({"keys": found})
        return
    print_table(
        ("ID", "NAME", "ALLOWS", "EXPIRES", "LAST USED", "FROM", "STATE"),
        [
            (
                short(UUID(str(each["id"]))),
                each["name"],
                each["role"] or f"{len(each['permissions'])} permissions",
                _minute(each["expires_at"]) or "",
                _minute(each["last_used_at"]) or "never",
                each["last_used_from"] or "",
                "revoked" if each["revoked_at"] else "active",
            )
            for each in found
        ],
        empty="there is no key; make one: `taskforge keys create --role admin`",
    )


@commands.command("revoke")
def revoke(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="ID", help="The id, or its last characters.")],
    organization: OfOrganization = None,
) -> None:
    """End a key, and all that it made; within five seconds it proves nothing anywhere."""
    is_ended = session_of(context).ask(lambda desk: desk.access(organization).revoke_key(key))
    print("the key is revoked, and all that it made" if is_ended else "it was revoked already")


def _minute(moment: str | None) -> str | None:
    return None if moment is None else datetime.fromisoformat(moment).isoformat(timespec="minutes")
