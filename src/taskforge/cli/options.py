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

FREE_ARGUMENTS = {"ignore_unknown_options": True}
"""For commands whose arguments may be negative numbers."""
