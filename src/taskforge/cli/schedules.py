"""``taskforge schedules``: when schedules are due."""

from typing import Annotated

import typer

from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of

commands = typer.Typer(help="Look at schedules.", no_args_is_help=True, rich_markup_mode=None)


@commands.callback()
def _group() -> None:
    """Makes a group of the one command."""


@commands.command("preview")
def preview(
    context: typer.Context,
    expression: Annotated[
        str, typer.Argument(metavar="EXPR", help="A cron expression, @daily, or @every 15m; quote it.")
    ],
    timezone: Annotated[
        str | None, typer.Option("--timezone", metavar="ZONE", help="Else the setting `timezone`.")
    ] = None,
    after: Annotated[
        str | None, typer.Option("--after", metavar="TIME", help="Due times later than this; else than now.")
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", metavar="N", min=1, max=1000, help="How many.")] = 10,
    language: Annotated[str, typer.Option("--language", metavar="en|id", help="Of the description.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Print when an expression is due, and what a change of the clock does to it."""
    from taskforge.cli.arguments import moment
    from taskforge.cli.schedule_view import preview_document, print_preview
    from taskforge.cli.show import print_json

    zone = timezone or session_of(context).settings().timezone
    document = preview_document(expression, zone, moment(after, "after"), count, language)
    if as_json:
        print_json(document)
    else:
        print_preview(document)
