"""``taskforge roles``: what the built-in roles allow, and roles of an organization's own."""

from typing import Annotated

import typer

from taskforge.cli.access_options import OfOrganization
from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of

commands = typer.Typer(help="Look at roles, make own ones.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The role's name.")]
Permissions = Annotated[list[str], typer.Argument(metavar="PERMISSION", help="Such as job:read.")]


@commands.command("list")
def list_(context: typer.Context, organization: OfOrganization = None, as_json: AsJson = False) -> None:
    """List all roles with what they allow."""
    from taskforge.cli.show import print_json
    from taskforge.cli.tables import print_table
    from taskforge.domain.access import ROLES

    own = session_of(context).ask(lambda desk: desk.access(organization).roles())
    rows = [(str(role), "built-in", sorted(allowed)) for role, allowed in ROLES.items()]
    rows += [(role["name"], "own", role["permissions"]) for role in own]
    if as_json:
        names = ("name", "kind", "permissions")
        print_json({"roles": [dict(zip(names, row, strict=True)) for row in rows]})
        return
    print_table(
        ("NAME", "KIND", "PERMISSIONS"),
        [(name, kind, " ".join(allowed)) for name, kind, allowed in rows],
        empty="",
    )


@commands.command("create")
def create(
    context: typer.Context, name: Name, permissions: Permissions, organization: OfOrganization = None
) -> None:
    """Make a role that allows this."""
    session_of(context).ask(lambda desk: desk.access(organization).create_role(name, permissions))
    print(f"role {name!r} is made")


@commands.command("set")
def set_(
    context: typer.Context, name: Name, permissions: Permissions, organization: OfOrganization = None
) -> None:
    """Let a role allow this from now on."""
    session_of(context).ask(lambda desk: desk.access(organization).change_role(name, permissions))
    print(f"role {name!r} is changed")


@commands.command("delete")
def delete(context: typer.Context, name: Name, organization: OfOrganization = None) -> None:
    """Delete a role that nobody has."""
    session_of(context).ask(lambda desk: desk.access(organization).delete_role(name))
    print(f"role {name!r} is deleted")
