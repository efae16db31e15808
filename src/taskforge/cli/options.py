"""The options that several commands share."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, nothing else.")]

Application = Annotated[
    str | None,
    typer.Argument(
        metavar="APP",
        help="module:app or a file. Else the setting `app`, then tasks.py, app.py or main.py here.",
        show_default=False,
    ),
]

ApplicationOption = Annotated[
    str | None,
    typer.Option(
        "--app",
        metavar="APP",
        help="module:app or a file. Else the setting `app`, then tasks.py, app.py or main.py here.",
    ),
]

Arguments = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ARGS",
        help="Arguments, each read as JSON, else as text; name=value goes by name.",
        show_default=False,
    ),
]

OptionalJobIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID", help="Ids, or at least 4 of their last characters.", show_default=False),
]

InQueues = Annotated[
    list[str] | None, typer.Option("--queue", "-q", metavar="NAMES", help="In these queues.")
]

WithStatuses = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        help="pending, scheduled, processing, succeeded, failed, cancelled; or waiting, active, completed.",
    ),
]

OfType = Annotated[str | None, typer.Option("--type", metavar="TYPE", help="Of this job type.")]

WithTag = Annotated[str | None, typer.Option("--tag", metavar="TAG", help="With this tag.")]

Before = Annotated[
    str | None, typer.Option("--before", metavar="TIME", help="Made before this time (2026-01-31T09:00:00Z).")
]

After = Annotated[str | None, typer.Option("--after", metavar="TIME", help="Made at this time or later.")]

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many jobs that would be.")]

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

Hours = Annotated[
    float, typer.Option("--hours", metavar="N", help="The last so many hours; parts of an hour as well.")
]

JobIdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="The id, or at least 4 of its last characters.")
]

Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; it is shown to others.")]

By = Annotated[
    str | None, typer.Option("--by", metavar="WHO", help="Who does it; else the user of this system.")
]


def person(given: str | None) -> str | None:
    """Who does something: the one who was named, else the user of this system."""
    import getpass

    try:
        return given or getpass.getuser()
    except (KeyError, OSError):  # a user id without a name
        return None


FREE_ARGUMENTS = {"ignore_unknown_options": True}
"""For commands whose arguments may be negative numbers."""
