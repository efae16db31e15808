"""``taskforge projects``: the projects of an organization."""

from typing import Annotated

import typer

from taskforge.cli.access_options import OfOrganization
from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of

commands = typer.Typer(
    help="Manage the projects of an organization.", no_args_is_help=True, rich_markup_mode=None
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The project's name.")]


@commands.command("list")
def list_(context: typer.Context, organization: OfOrganization = None, as_json: AsJson = False) -> None:
    """List the projects by name."""
    from taskforge.cli.show import print_json
    from taskforge.cli.tables import print_table

    found = session_of(context).ask(lambda desk: desk.access(organization).projects())
    if as_json:
        print_json({"projects": found})
        return
    print_table(("NAME", "ID"), [(each["name"], each["id"]) for each in found], empty="there is no project")


@commands.command("create")
def create(
    context: typer.Context, name: Name, organization: OfOrganization = None, as_json: AsJson = False
) -> None:
    """Make a project."""
    from taskforge.cli.access_options import within
    from taskforge.cli.show import print_json

    made = session_of(context).ask(lambda desk: desk.access(organization).create_project(name))
    if as_json:
        print_json(made)
    else:
        print(f"project {made['name']!r} is made{within(organization)}")


@commands.command("rename")
def rename(
    context: typer.Context,
    name: Name,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="The new one.")],
    organization: OfOrganization = None,
) -> None:
    """Give a project another name; programs that name it have to follow."""
    session_of(context).ask(lambda desk: desk.access(organization).rename_project(name, new_name))
    print(f"project {name!r} is now {new_name!r}")


@commands.command("delete")
def delete(context: typer.Context, name: Name, organization: OfOrganization = None) -> None:
    """Delete a project without queues and workers, and the keys that are for it alone."""
    session_of(context).ask(lambda desk: desk.access(organization).delete_project(name))
    print(f"project {name!r} is deleted")
