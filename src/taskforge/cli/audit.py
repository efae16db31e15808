"""``taskforge audit``: who did what to what; whether the record of it still is what was written."""

from typing import Annotated

import typer

from taskforge.cli.access_options import InOrganization
from taskforge.cli.options import After, AsJson, Before
from taskforge.cli.session import session_of

commands = typer.Typer(
    help="Read, export and verify the audit log.", no_args_is_help=True, rich_markup_mode=None
)

LINES = 1000


@commands.command("list")
def list_(
    context: typer.Context,
    organization: InOrganization = "default",
    action: Annotated[
        str | None,
        typer.Option("--action", metavar="ACTION", help="Such as queue.pause, or queue.* for all of queues."),
    ] = None,
    resource: Annotated[
        str | None, typer.Option("--resource", metavar="ID", help="The id of what was changed.")
    ] = None,
    after: After = None,
    before: Before = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=LINES, help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the entries, the newest first."""
    from collections.abc import Sequence

    from taskforge.cli.access_options import moment, organization_id
    from taskforge.cli.show import print_json
    from taskforge.cli.tables import print_table
    from taskforge.domain.audit import AuditEntry
    from taskforge.platform import Platform
    from taskforge.ports.audit import AuditFilter

    chosen = AuditFilter(
        action=action,
        resource_id=resource,
        since=moment(after, "--after"),
        until=moment(before, "--before"),
        limit=limit,
    )

    async def look(platform: Platform) -> Sequence[AuditEntry]:
        return await platform.audit.list(await organization_id(platform, organization), chosen)

    found = session_of(context).run(look)
    if as_json:
        print_json({"entries": [entry.document() for entry in found]})
        return
    print_table(
        ("WHEN", "WHO", "FROM", "DID", "TO", "BEFORE", "AFTER"),
        [
            (
                entry.happened_at.isoformat(timespec="seconds"),
                f"{entry.actor_kind} {entry.actor_label}",
                entry.address or "",
                entry.action,
                entry.resource_name or entry.resource_id or "",
                entry.before or "",
                entry.after or "",
            )
            for entry in found
        ],
        empty="nothing was done",
    )


@commands.command("export")
def export(
    context: typer.Context,
    organization: InOrganization = "default",
    after_entry: Annotated[
        int, typer.Option("--after-entry", metavar="NUMBER", min=0, help="Only those after this number.")
    ] = 0,
) -> None:
    """Print all entries with their seals, the oldest first, one JSON object a line."""
    import json

    from taskforge.cli.access_options import organization_id
    from taskforge.platform import Platform

    async def write(platform: Platform) -> None:
        which = await organization_id(platform, organization)
        async for entry in platform.audit.export(which, after=after_entry):
            print(json.dumps(entry.document()))

    session_of(context).run(write)


@commands.command("verify")
def verify(
    context: typer.Context,
    organization: Annotated[
        str | None, typer.Option("--organization", "-o", metavar="NAME", help="This chain only, else all.")
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option(
            "--expect", metavar="NUMBER:HASH", help="The end of that chain as it was verified before."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Walk the chains of hashes; ends with 1, and says where, when one does not hold."""
    from collections.abc import Sequence

    from taskforge.cli.access_options import organization_id
    from taskforge.cli.exit_codes import ExitCode
    from taskforge.cli.show import print_json
    from taskforge.domain.audit import Head
    from taskforge.domain.errors import InvalidInput
    from taskforge.platform import Platform
    from taskforge.services.audit import Verification

    expected = None
    if expect is not None:
        number, _, text = expect.partition(":")
        if organization is None or not number.isdecimal() or len(text) != 64:
            raise InvalidInput(
                "--expect is NUMBER:HASH, as `audit verify` prints it, and belongs to one --organization",
                field="--expect",
            )
        expected = Head(int(number), text)

    async def walk(platform: Platform) -> Sequence[Verification]:
        await platform.audit.seal_all()
        if organization is None:
            return await platform.audit.verify_all()
        return [await platform.audit.verify(await organization_id(platform, organization), expected=expected)]

    found = session_of(context).run(walk)
    if as_json:
        print_json({"chains": [{**_document(each)} for each in found]})
    else:
        for each in found:
            word = "holds" if each.holds else "DOES NOT HOLD"
            print(
                f"{each.organization_id}: {each.checked} entries, {word}, end {each.end.seq}:{each.end.hash}"
            )
            for fault in each.faults:
                print(f"  {fault}")
    if not all(each.holds for each in found):
        raise typer.Exit(ExitCode.FAILURE)


def _document(found: object) -> dict[str, object]:
    from taskforge.cli.show import plain
    from taskforge.services.audit import Verification

    holds = isinstance(found, Verification) and found.holds
    return {**plain(found), "holds": holds}
