"""The options that several commands share."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document, nothing else.")]

Application = Annotated[
    str | None,
    typer.Argument(
        metavar="[APP]",
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
        metavar="[ARGS]...",
        help="Arguments, each read as JSON, else as text; name=value goes by name.",
        show_default=False,
    ),
]

JobIds = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Ids, or at least 4 of their last characters.")
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
