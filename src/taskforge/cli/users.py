"""``taskforge users``: who may log in, and what they may do."""

from typing import Annotated

import typer

from taskforge.cli.access_options import Generate, OfOrganization, OnlyProject, PasswordFromInput
from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of

commands = typer.Typer(help="Manage users and their roles.", no_args_is_help=True, rich_markup_mode=None)

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The address by which the user logs in.")]
Role = Annotated[
    str,
    typer.Option(
        "--role",
        metavar="ROLE",
        help="owner, admin, operator, developer, viewer, worker, or one of the organization's own.",
    ),
]


@commands.command("list")
def list_(context: typer.Context, organization: OfOrganization = None, as_json: AsJson = False) -> None:
    """List the users by address."""
    from taskforge.cli.show import print_json
    from taskforge.cli.tables import print_table

    found = session_of(context).ask(lambda desk: desk.access(organization).users())
    if as_json:
        print_json({"users": found})
        return
    print_table(
        ("EMAIL", "NAME", "ROLE", "STATE", "ADMINISTRATOR"),
        [
            (
                each["email"],
                each["name"],
                each["role"],
                "disabled" if each["disabled_at"] else "active",
                "yes" if each["is_administrator"] else "",
            )
            for each in found
        ],
        empty="there is no user; make one: `taskforge users create EMAIL --role owner --administrator`",
    )


@commands.command("create")
def create(
    context: typer.Context,
    email: Email,
    role: Role = "viewer",
    name: Annotated[str | None, typer.Option("--name", help="How they are called.")] = None,
    organization: OfOrganization = None,
    only_project: OnlyProject = None,
    administrator: Annotated[
        bool, typer.Option("--administrator", help="May also make organizations and set their limits.")
    ] = False,
    password_stdin: PasswordFromInput = False,
    generate: Generate = False,
    as_json: AsJson = False,
) -> None:
    """Make a user. The password is asked for, read from standard input, or generated."""
    from taskforge.cli.access_desk import NewUser
    from taskforge.cli.access_options import password, within
    from taskforge.cli.show import print_json

    secret, is_made = password(password_stdin, generate)
    wanted = NewUser(email, secret, role, name, only_project, administrator)
    made = session_of(context).ask(lambda desk: desk.access(organization).create_user(wanted))
    if as_json:
        print_json({**made, **({"password": secret} if is_made else {})})
        return
    print(f"{made['email']} is {made['role']}{within(organization)}")
    if is_made:
        print(f"password: {secret}")


@commands.command("set-role")
def set_role(
    context: typer.Context,
    email: Email,
    role: Role,
    organization: OfOrganization = None,
    only_project: OnlyProject = None,
) -> None:
    """Give a user another role; it holds within five seconds, also for their keys."""
    from taskforge.cli.access_options import within

    session_of(context).ask(lambda desk: desk.access(organization).set_role(email, role, only_project))
    print(f"{email} is {role}{within(organization)}")


@commands.command("set-password")
def set_password(
    context: typer.Context,
    email: Email,
    organization: OfOrganization = None,
    password_stdin: PasswordFromInput = False,
    generate: Generate = False,
) -> None:
    """Give a user another password; all their sessions end."""
    from taskforge.cli.access_options import password

    secret, is_made = password(password_stdin, generate)
    session_of(context).ask(lambda desk: desk.access(organization).set_password(email, secret))
    print(f"password: {secret}" if is_made else f"{email} has another password")


@commands.command("disable")
def disable(context: typer.Context, email: Email, organization: OfOrganization = None) -> None:
    """Let a user, and the keys they made, prove nothing."""
    session_of(context).ask(lambda desk: desk.access(organization).switch(email, disabled=True))
    print(f"{email} is disabled")


@commands.command("enable")
def enable(context: typer.Context, email: Email, organization: OfOrganization = None) -> None:
    """Take that back."""
    session_of(context).ask(lambda desk: desk.access(organization).switch(email, disabled=False))
    print(f"{email} is enabled")


@commands.command("remove")
def remove(context: typer.Context, email: Email, organization: OfOrganization = None) -> None:
    """Take a user out of the organization, with their sessions and keys."""
    session_of(context).ask(lambda desk: desk.access(organization).remove_user(email))
    print(f"{email} is removed")
