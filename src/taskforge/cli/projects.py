"""``taskforge projects``: the projects of an organization."""

from typing import Annotated

import typer

from taskforge.cli.access_options import InOrganization
from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of

commands = typer.Typer(
    help="Manage the projects of an organization.", no_args_is_help=True, rich_markup_mode=None
)

Name = Annotated[str, typer.Argument(metavar="NAME")]


@commands.command("list")
def list_(context: typer.Context, organization: InOrganization = "default", as_json: AsJson = False) -> None:
    """List the projects by name."""
    from collections.abc import Sequence

    from taskforge.cli.access_options import organization_id
    from taskforge.cli.show import plain, print_json
    from taskforge.cli.tables import print_table
    from taskforge.domain.organization import Project
    from taskforge.platform import Platform

    async def look(platform: Platform) -> Sequence[Project]:
        return await platform.security.projects.list(await organization_id(platform, organization))

    found = session_of(context).run(look)
    if as_json:
        print_json({"projects": plain(found)})
        return
    print_table(("NAME", "ID"), [(each.name, each.id) for each in found], empty="there is no project")


@commands.command("create")
def create(
    context: typer.Context, name: Name, organization: InOrganization = "default", as_json: AsJson = False
) -> None:
    """Make a project."""
    from taskforge.cli.access_options import organization_id
    from taskforge.cli.show import plain, print_json
    from taskforge.domain.organization import Project
    from taskforge.platform import Platform

    async def make(platform: Platform) -> Project:
        return await platform.security.projects.create(await organization_id(platform, organization), name)

    made = session_of(context).run(make)
    if as_json:
        print_json(plain(made))
    else:
        print(f"project {organization}/{made.name} is made")


@commands.command("rename")
def rename(
    context: typer.Context,
    name: Name,
    new_name: Annotated[str, typer.Argument(metavar="NEW")],
    organization: InOrganization = "default",
) -> None:
    """Give a project another name; programs that name it have to follow."""
    from taskforge.cli.access_options import organization_id
    from taskforge.platform import Platform

    async def change(platform: Platform) -> None:
        which = await organization_id(platform, organization)
        found = await platform.security.projects.reach(which, name=name)
        await platform.security.projects.rename(which, found.id, new_name)

    session_of(context).run(change)
    print(f"project {organization}/{name} is now {organization}/{new_name}")


@commands.command("delete")
def delete(context: typer.Context, name: Name, organization: InOrganization = "default") -> None:
    """Delete a project without queues and workers, and the keys that are for it alone."""
    from taskforge.cli.access_options import organization_id
    from taskforge.platform import Platform

    async def remove(platform: Platform) -> None:
        which = await organization_id(platform, organization)
        found = await platform.security.projects.reach(which, name=name)
        await platform.security.projects.delete(which, found.id)

    session_of(context).run(remove)
    print(f"project {organization}/{name} is deleted")
