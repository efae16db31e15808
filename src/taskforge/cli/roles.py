"""``taskforge roles``: what the built-in roles allow, and roles of an organization's own."""

from typing import Annotated

import typer

from taskforge.cli.access_options import InOrganization
from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of

commands = typer.Typer(help="Look at roles, make own ones.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME")]
Permissions = Annotated[list[str], typer.Argument(metavar="PERMISSION...", help="Such as job:read.")]


@commands.command("list")
def list_(context: typer.Context, organization: InOrganization = "default", as_json: AsJson = False) -> None:
    """List all roles with what they allow."""
    from collections.abc import Sequence

    from taskforge.cli.access_options import organization_id
    from taskforge.cli.show import print_json
    from taskforge.cli.tables import print_table
    from taskforge.domain.access import ROLES
    from taskforge.domain.people import Role
    from taskforge.platform import Platform

    async def look(platform: Platform) -> Sequence[Role]:
        return await platform.security.roles.list(await organization_id(platform, organization))

    own = session_of(context).run(look)
    rows = [(str(role), "built-in", sorted(allowed)) for role, allowed in ROLES.items()]
    rows += [(role.name, "own", sorted(role.permissions)) for role in own]
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
    context: typer.Context, name: Name, permissions: Permissions, organization: InOrganization = "default"
) -> None:
    """Make a role that allows this."""
    from taskforge.cli.access_options import organization_id
    from taskforge.platform import Platform

    async def make(platform: Platform) -> None:
        which = await organization_id(platform, organization)
        await platform.security.roles.create(which, name, permissions)

    session_of(context).run(make)
    print(f"role {name!r} is made")


@commands.command("set")
def set_(
    context: typer.Context, name: Name, permissions: Permissions, organization: InOrganization = "default"
) -> None:
    """Let a role allow this from now on."""
    from taskforge.cli.access_options import organization_id
    from taskforge.platform import Platform

    async def change(platform: Platform) -> None:
        which = await organization_id(platform, organization)
        role = await platform.security.roles.named(which, name)
        await platform.security.roles.update(which, role.id, allowed=permissions)

    session_of(context).run(change)
    print(f"role {name!r} is changed")


@commands.command("delete")
def delete(context: typer.Context, name: Name, organization: InOrganization = "default") -> None:
    """Delete a role that nobody has."""
    from taskforge.cli.access_options import organization_id
    from taskforge.platform import Platform

    async def remove(platform: Platform) -> None:
        which = await organization_id(platform, organization)
        role = await platform.security.roles.named(which, name)
        await platform.security.roles.delete(which, role.id)

    session_of(context).run(remove)
    print(f"role {name!r} is deleted")
