"""``taskforge audit``: who did what to what; whether the record of it still is what was written."""

from typing import TYPE_CHECKING, Annotated

import typer

from taskforge.cli.access_options import OfOrganization
from taskforge.cli.options import After, AsJson, Before
from taskforge.cli.session import session_of

if TYPE_CHECKING:
    from taskforge.cli.desk import Desk

commands = typer.Typer(
    help="Read, export and verify the audit log.", no_args_is_help=True, rich_markup_mode=None
)

LINES = 1000


@commands.command("list")
def list_(
    context: typer.Context,
    organization: OfOrganization = None,
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
    import json

    from taskforge.cli.access_options import moment
    from taskforge.cli.record_desk import EntryFilter
    from taskforge.cli.show import print_json
    from taskforge.cli.tables import print_table
    from taskforge.cli.text import stamp

    chosen = EntryFilter(action, resource, moment(after, "--after"), moment(before, "--before"), limit)
    found = session_of(context).ask(lambda desk: desk.audit(organization).entries(chosen))
    if as_json:
        print_json({"entries": found})
        return
    print_table(
        ("WHEN", "WHO", "FROM", "DID", "TO", "BEFORE", "AFTER"),
        [
            (
                stamp(entry["happened_at"]),
                f"{entry['actor']['kind']} {entry['actor']['label']}",
                entry["address"] or "",
                entry["action"],
                entry["resource"]["name"] or entry["resource"]["id"] or "",
                *("" if entry[state] is None else json.dumps(entry[state]) for state in ("before", "after")),
            )
            for entry in found
        ],
        empty="nothing was done",
    )


@commands.command("export")
def export(
    context: typer.Context,
    organization: OfOrganization = None,
    after_entry: Annotated[
        int, typer.Option("--after-entry", metavar="NUMBER", min=0, help="Only those after this number.")
    ] = 0,
) -> None:
    """Print all entries with their seals, the oldest first, one JSON object a line."""
    import json

    async def write(desk: "Desk") -> None:
        async for entry in desk.audit(organization).export(after_entry):
            print(json.dumps(entry))

    session_of(context).ask(write)


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
    from taskforge.cli.exit_codes import ExitCode
    from taskforge.cli.show import print_json
    from taskforge.domain.audit import Head

    kept = None if expect is None else Head.parse(expect, "--expect")
    found = session_of(context).ask(lambda desk: desk.audit(organization).verify(kept))
    if as_json:
        print_json({"chains": found})
    else:
        for each in found:
            word = "holds" if each["holds"] else "DOES NOT HOLD"
            end = f"{each['end']['seq']}:{each['end']['hash']}"
            print(f"{each['organization_id']}: {each['checked']} entries, {word}, end {end}")
            for fault in each["faults"]:
                print(f"  {fault}")
    if not all(each["holds"] for each in found):
        raise typer.Exit(ExitCode.FAILURE)
