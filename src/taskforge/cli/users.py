"""``taskforge users``: who may log in, and what they may do."""

from typing import Annotated

import typer

from taskforge.cli.access_options import Generate, InOrganization, OnlyProject, PasswordFromInput
from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of

commands = typer.Typer(help="Manage users and their roles.", no_args_is_help=True, rich_markup_mode=None)

Email = Annotated[str, typer.Argument(metavar="EMAIL")]
Role = Annotated[
    str,
    typer.Option(
        "--role",
        metavar="ROLE",
        help="owner, admin, operator, developer, viewer, worker, or one of the organization's own.",
    ),
]


@commands.command("list")
def list_(context: typer.Context, organization: InOrganization = "default", as_json: AsJson = False) -> None:
    """List the users by address."""
    from collections.abc import Sequence

    from taskforge.cli.access_options import organization_id
    from taskforge.cli.access_view import member_document
    from taskforge.cli.show import print_json
    from taskforge.cli.tables import print_table
    from taskforge.domain.people import Member
    from taskforge.platform import Platform

    async def look(platform: Platform) -> Sequence[Member]:
        return await platform.security.users.list(await organization_id(platform, organization))

    found = session_of(context).run(look)
    if as_json:
        print_json({"users": [member_document(each) for each in found]})
        return
    print_table(
        ("EMAIL", "NAME", "ROLE", "STATE", "ADMINISTRATOR"),
        [
            (
                each.email,
                each.name,
                each.grant.name,
                "disabled" if each.disabled_at else "active",
                "yes" if each.is_administrator else "",
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
    organization: InOrganization = "default",
    only_project: OnlyProject = None,
    administrator: Annotated[
        bool, typer.Option("--administrator", help="May also make organizations and set their limits.")
    ] = False,
    password_stdin: PasswordFromInput = False,
    generate: Generate = False,
    as_json: AsJson = False,
) -> None:
    """Make a user. The password is asked for, read from standard input, or generated."""
    from taskforge.cli.access_options import organization_id, password, project_id
    from taskforge.cli.access_view import member_document
    from taskforge.cli.show import print_json
    from taskforge.domain.people import Member
    from taskforge.platform import Platform

    secret, is_made = password(password_stdin, generate)

    async def make(platform: Platform) -> Member:
        which = await organization_id(platform, organization)
        return await platform.security.users.create(
            which,
            email,
            password=secret,
            role=role,
            name=name,
            project_id=await project_id(platform, which, only_project),
            administrator=administrator,
        )

    made = session_of(context).run(make)
    if as_json:
        print_json({**member_document(made), **({"password": secret} if is_made else {})})
        return
    print(f"{made.email} is {made.grant.name} in {organization}")
    if is_made:
        print(f"password: {secret}")


@commands.command("set-role")
def set_role(
    context: typer.Context,
    email: Email,
    role: Role,
    organization: InOrganization = "default",
    only_project: OnlyProject = None,
) -> None:
    """Give a user another role; it holds within five seconds, also for their keys."""
    from taskforge.cli.access_options import organization_id, project_id
    from taskforge.platform import Platform

    async def change(platform: Platform) -> None:
        which = await organization_id(platform, organization)
        users = platform.security.users
        member = await users.with_email(which, email)
        scope = await project_id(platform, which, only_project)
        await users.set_role(which, member.id, role, project_id=scope)

    session_of(context).run(change)
    print(f"{email} is {role} in {organization}")


@commands.command("set-password")
def set_password(
    context: typer.Context,
    email: Email,
    organization: InOrganization = "default",
    password_stdin: PasswordFromInput = False,
    generate: Generate = False,
) -> None:
    """Give a user another password; all their sessions end."""
    from taskforge.cli.access_options import organization_id, password
    from taskforge.platform import Platform

    secret, is_made = password(password_stdin, generate)

    async def change(platform: Platform) -> None:
        which = await organization_id(platform, organization)
        member = await platform.security.users.with_email(which, email)
        await platform.security.users.set_password(which, member.id, secret)

    session_of(context).run(change)
    print(f"password: {secret}" if is_made else f"{email} has another password")


@commands.command("disable")
def disable(context: typer.Context, email: Email, organization: InOrganization = "default") -> None:
    """Let a user, and the keys they made, prove nothing."""
    _switch(context, email, organization, disabled=True)


@commands.command("enable")
def enable(context: typer.Context, email: Email, organization: InOrganization = "default") -> None:
    """Take that back."""
    _switch(context, email, organization, disabled=False)


@commands.command("remove")
def remove(context: typer.Context, email: Email, organization: InOrganization = "default") -> None:
    """Take a user out of the organization, with their sessions and keys."""
    from taskforge.cli.access_options import organization_id
    from taskforge.platform import Platform

    async def take_out(platform: Platform) -> None:
        which = await organization_id(platform, organization)
        member = await platform.security.users.with_email(which, email)
        await platform.security.users.remove(which, member.id)

    session_of(context).run(take_out)
    print(f"{email} is removed from {organization}")


def _switch(context: typer.Context, email: str, organization: str, *, disabled: bool) -> None:
    from taskforge.cli.access_options import organization_id
    from taskforge.platform import Platform

    async def change(platform: Platform) -> None:
        which = await organization_id(platform, organization)
        member = await platform.security.users.with_email(which, email)
        await platform.security.users.update(which, member.id, disabled=disabled)

    session_of(context).run(change)
    print(f"{email} is {'disabled' if disabled else 'enabled'}")
