"""``taskforge errors``: failures that are the same, together: look at them, judge them, run their jobs once more."""

from typing import TYPE_CHECKING, Annotated

import typer

from taskforge.cli.options import AsJson, OfType, Yes
from taskforge.cli.session import session_of

if TYPE_CHECKING:
    from taskforge.cli.desk import Desk, RedriveProgress
    from taskforge.domain.error_group import ErrorStatus

commands = typer.Typer(
    help="Failures that are the same, together: judge them, retry their jobs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Id = Annotated[str, typer.Argument(metavar="ID", help="The id, or at least 4 of its last characters.")]


@commands.command("list")
def list_(
    context: typer.Context,
    status: Annotated[
        list[str] | None,
        typer.Option("--status", metavar="STATUS", help="new, returned, resolved, muted. Repeatable."),
    ] = None,
    job_type: OfType = None,
    as_json: AsJson = False,
) -> None:
    """List error groups, those that failed last first."""
    from taskforge.cli.error_view import print_groups
    from taskforge.cli.show import print_json

    chosen = _statuses(status)
    found = session_of(context).ask(lambda desk: desk.errors.all(chosen, job_type))
    if as_json:
        print_json({"errors": found})
    else:
        print_groups(found)


@commands.command("show")
def show(context: typer.Context, group: Id, as_json: AsJson = False) -> None:
    """Show a group: what fails and where, since when, what it affects, and a traceback."""
    _tell(session_of(context).ask(lambda desk: desk.errors.whole(group)), as_json)


@commands.command("resolve")
def resolve(context: typer.Context, group: Id, as_json: AsJson = False) -> None:
    """Say that it is mended; a later failure brings it back as `returned`."""
    _judge(context, group, "resolved", as_json)


@commands.command("mute")
def mute(
    context: typer.Context,
    group: Id,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Until then (2026-01-31T09:00:00Z).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say that it is known: it counts on, and nobody need hear of it."""
    _judge(context, group, "muted", as_json, until)


@commands.command("reopen")
def reopen(context: typer.Context, group: Id, as_json: AsJson = False) -> None:
    """Make it new again."""
    _judge(context, group, "new", as_json)


@commands.command("redrive")
def redrive(
    context: typer.Context,
    group: Id,
    rate: Annotated[
        int | None, typer.Option("--rate", metavar="N", min=1, help="So many jobs a second at most.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--to", metavar="QUEUE", help="Into this queue; else each into its own.")
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Retry its failed jobs, dead letters among them. Ctrl-C stops it; what is done stays done."""
    from contextlib import aclosing

    from taskforge.cli.show import print_json

    if not yes:
        _ask(context, group)

    async def work(desk: "Desk") -> "RedriveProgress | None":
        last = None
        async with aclosing(desk.errors.redrive(group, target, rate)) as steps:
            async for progress in steps:
                last = progress
        return last

    progress = session_of(context).ask(work)
    if progress is None:
        return
    if as_json:
        print_json(progress._asdict())
    else:
        print(f"{progress.done:,} of {progress.counted:,} jobs retried, {progress.skipped:,} skipped")


def _judge(context: typer.Context, group: str, status: str, as_json: bool, until: str | None = None) -> None:
    from taskforge.cli.arguments import moment
    from taskforge.domain.error_group import ErrorStatus

    end = moment(until, "--until")
    _tell(session_of(context).ask(lambda desk: desk.errors.judge(group, ErrorStatus(status), end)), as_json)


def _ask(context: typer.Context, group: str) -> None:
    import sys

    from taskforge.domain.errors import InvalidInput

    found = session_of(context).ask(lambda desk: desk.errors.whole(group))
    what = f"retry the failed jobs of {found['error_type']} ({found['count']:,} failures)"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise InvalidInput(
            f"this would {what}, and there is no terminal to ask at", field="--yes", hint="add --yes to do it"
        )
    print(f"{what}? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise typer.Exit(0)


def _statuses(words: list[str] | None) -> "list[ErrorStatus] | None":
    from taskforge.cli.arguments import split
    from taskforge.domain.error_group import ErrorStatus
    from taskforge.domain.errors import InvalidInput

    chosen = split(words)
    known = [status.value for status in ErrorStatus]
    for word in chosen:
        if word not in known:
            raise InvalidInput(
                f"there is no status {word!r}", field="--status", hint=f"one of: {', '.join(known)}"
            )
    return [ErrorStatus(word) for word in chosen] or None


def _tell(group: dict[str, object], as_json: bool) -> None:
    from taskforge.cli.error_view import print_group
    from taskforge.cli.show import print_json

    if as_json:
        print_json(group)
    else:
        print_group(group)
