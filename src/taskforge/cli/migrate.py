"""``taskforge migrate``: make or update the tables."""

from typing import TYPE_CHECKING, Annotated

import typer

from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of

if TYPE_CHECKING:
    from taskforge.storage.migrate import Migration


def migrate(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit with 6 when something is to be done.")
    ] = False,
    sql: Annotated[
        bool, typer.Option("--sql", help="Print the SQL of what is to be done, and change nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the database to the schema of this program. Safe to run by several processes at once."""
    import asyncio

    from taskforge.cli.errors import note
    from taskforge.cli.exit_codes import ExitCode
    from taskforge.cli.show import print_json
    from taskforge.domain.errors import InvalidInput
    from taskforge.storage.address import parse_address
    from taskforge.storage.migrate import LEDGER, record_of, schema_state
    from taskforge.storage.migrate import migrate as apply

    if sum((check, sql, as_json and sql)) > 1:
        raise InvalidInput("--check, --sql and --json --sql exclude each other")
    url = session_of(context).settings().database_url
    address = parse_address(url)
    state = asyncio.run(schema_state(url))
    if state.unknown:
        state.check()
    if sql:
        print(f"BEGIN;\n{LEDGER};")
        for step in state.pending:
            print(f"\n-- {_title(step)}\n{step.sql.strip()}\n{record_of(step)};")
        print("\nCOMMIT;")
        return
    if not check:
        address.make_folder()
        state = asyncio.run(apply(url))
    if as_json:
        pending = [_title(step) for step in state.pending]
        print_json(
            {
                "database": address.shown,
                "before": list(state.applied),
                "pending": pending if check else [],
                "applied": [] if check else pending,
            }
        )
    elif not state.pending:
        print(f"{address.shown} is up to date ({len(state.applied)} migrations)")
    else:
        for step in state.pending:
            print(f"{'pending' if check else 'applied'} {_title(step)}")
    if check and state.pending:
        note(f"{address.shown} needs `taskforge migrate`")
        raise typer.Exit(ExitCode.SCHEMA)


def _title(step: "Migration") -> str:
    return f"{step.version:04d} {step.name}"
