"""``taskforge keys``: API keys, each shown once."""

from typing import Annotated

import typer

from taskforge.cli.access_options import InOrganization, OnlyProject
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
    organization: InOrganization = "default",
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
    from taskforge.cli.access_options import moment, project_id
    from taskforge.cli.access_view import key_document
    from taskforge.cli.show import print_json
    from taskforge.domain.api_key import ApiKey
    from taskforge.platform import Platform

    ends = moment(expires, "--expires")

    async def make(platform: Platform) -> tuple[ApiKey, str]:
        which = (await platform.security.organizations.ensure(organization)).id
        project = await project_id(platform, which, only_project)
        return await platform.security.keys.create(
            which,
            name,
            role=role,
            allowed=permission,
            project_id=project,
            queue_ids=await platform.security.keys.queues(project, only_queue),
            expires_at=ends,
        )

    key, text = session_of(context).run(make)
    if as_json:
        print_json({**key_document(key), "organization": organization, "key": text})
    else:
        print(text)


@commands.command("list")
def list_(
    context: typer.Context,
    organization: InOrganization = "default",
    everyone: Annotated[bool, typer.Option("--all", help="Also revoked ones.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the keys, the newest first; never their secrets."""
    from collections.abc import Sequence

    from taskforge.cli.access_options import organization_id
    from taskforge.cli.access_view import key_document
    from taskforge.cli.show import print_json
    from taskforge.cli.tables import print_table
    from taskforge.domain.api_key import ApiKey
    from taskforge.domain.ids import short
    from taskforge.platform import Platform

    async def look(platform: Platform) -> Sequence[ApiKey]:
        which = await organization_id(platform, organization)
        return await platform.security.keys.list(which, revoked=everyone)

    found = session_of(context).run(look)
    if as_json:
        print_json({"keys": [key_document(each) for each in found]})
        return
    print_table(
        ("ID", "NAME", "ALLOWS", "EXPIRES", "LAST USED", "FROM", "STATE"),
        [
            (
                short(each.id),
                each.name,
                each.role or f"{len(each.permissions)} permissions",
                "" if each.expires_at is None else each.expires_at.isoformat(timespec="minutes"),
                "never" if each.last_used_at is None else each.last_used_at.isoformat(timespec="minutes"),
                each.last_used_from or "",
                "revoked" if each.revoked_at else "active",
            )
            for each in found
        ],
        empty="there is no key; make one: `taskforge keys create --role admin`",
    )


@commands.command("revoke")
def revoke(
    context: typer.Context,
    key: Annotated[str, typer.Argument(metavar="ID", help="The id, or its last characters.")],
    organization: InOrganization = "default",
) -> None:
    """End a key, and all that it made; within five seconds it proves nothing anywhere."""
    from collections.abc import Sequence
    from uuid import UUID

    from taskforge.cli.access_options import organization_id
    from taskforge.platform import Platform

    async def end(platform: Platform) -> Sequence[UUID]:
        which = await organization_id(platform, organization)
        found = await platform.security.keys.with_suffix(which, key)
        return await platform.security.keys.revoke(which, found.id)

    revoked = session_of(context).run(end)
    print(f"{len(revoked)} keys are revoked" if revoked else "it was revoked already")
