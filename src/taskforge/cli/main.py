"""``taskforge``: the commands, the global options, and the one place where errors become exit codes."""

import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from taskforge.cli.commands import Commands
from taskforge.cli.session import Session

HELP = """Durable background jobs for Python: one pip install on SQLite, a fleet on PostgreSQL.

Global options may stand anywhere on the line. Settings come from options, TASKFORGE_* variables,
taskforge.toml or [tool.taskforge]; `taskforge config` shows them."""

VALUED_OPTIONS = ("--database-url", "--project", "--server", "--key", "--log-format")
OWN_KEY = ("enqueue",)
"""Commands that have a --key of their own: there, the one of a server stands before the command."""
FLAGS = ("-v", "--verbose")

application = typer.Typer(
    name="taskforge",
    cls=Commands,
    help=HELP,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(value: bool) -> None:
    if value:
        from taskforge.version import VERSION

        print(f"taskforge {VERSION}")
        raise typer.Exit


@application.callback()
def global_options(
    context: typer.Context,
    database_url: Annotated[
        str | None,
        typer.Option(
            "--database-url", metavar="URL", help="sqlite:///file.db or postgresql://user@host/name."
        ),
    ] = None,
    project: Annotated[
        str | None, typer.Option("--project", metavar="NAME", help="The project that is meant.")
    ] = None,
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="Use this server; no database is opened."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="KEY", help="The API key for it: better by TASKFORGE_KEY."),
    ] = None,
    log_format: Annotated[
        str | None,
        typer.Option("--log-format", metavar="FORMAT", help="Of what processes log: console or json."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say more: debug logging, tracebacks of errors.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Keep what holds for every command."""
    context.obj = Session(database_url, project, verbose, server, key, log_format)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with a code of `exit_codes.ExitCode`."""
    sys.exit(run_command(sys.argv[1:] if arguments is None else arguments))


def run_command(arguments: Sequence[str]) -> int:
    """Run one command; answer its exit code. Errors are told on standard error, and nowhere else."""
    from taskforge.cli.errors import tell

    words = globals_first(arguments)
    try:
        application(words, prog_name="taskforge")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException as error:
        return int(tell(error, verbose=any(flag in words for flag in FLAGS)))
    return 0


def globals_first(arguments: Sequence[str]) -> list[str]:
    """The arguments with the global options moved to the front, where the parser wants them."""
    first: list[str] = []
    rest: list[str] = []
    words = iter(arguments)
    valued: tuple[str, ...] = VALUED_OPTIONS
    for word in words:
        if word == "--":
            rest += [word, *words]
        elif not rest and word in OWN_KEY:
            valued = tuple(name for name in VALUED_OPTIONS if name != "--key")
            rest.append(word)
        elif word in valued:
            first += [word, *[value for value in [next(words, None)] if value is not None]]
        elif word in FLAGS or word.startswith(tuple(f"{name}=" for name in valued)):
            first.append(word)
        else:
            rest.append(word)
    return first + rest
