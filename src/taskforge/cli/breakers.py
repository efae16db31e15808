"""``taskforge breakers``: types whose jobs wait while too many of them fail."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskforge.cli.options import AsJson, Reason
from taskforge.cli.session import session_of

if TYPE_CHECKING:
    from taskforge.cli.desk import BreakerDesk

commands = typer.Typer(
    help="Hold the jobs of a type while too many of them fail.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

OfType = Annotated[str, typer.Argument(metavar="TYPE", help="The job type.", show_default=False)]
Values = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE...", help="Settings of the breaker; KEY= goes back to the default."),
]


@commands.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the breakers, how they stand, and what they judge by now."""
    from taskforge.cli.breaker_work import print_breakers
    from taskforge.cli.show import print_json

    found = session_of(context).ask(lambda desk: desk.breakers.all())
    if as_json:
        print_json({"breakers": found})
    else:
        print_breakers(found)


@commands.command("show")
def show(context: typer.Context, job_type: OfType, as_json: AsJson = False) -> None:
    """Show the breaker of a type."""
    _ask(context, lambda breakers: breakers.show(job_type), as_json)


@commands.command("set")
def set_(context: typer.Context, job_type: OfType, values: Values = None, as_json: AsJson = False) -> None:
    """Give a type a breaker, or change it. Settings: failure_rate (0.5: every second attempt), minimum_attempts,
    window_seconds, open_seconds, probes.
    """
    from taskforge.cli.arguments import pairs

    given = pairs(values)
    _ask(context, lambda breakers: breakers.put(job_type, given), as_json)


@commands.command("open")
def open_(
    context: typer.Context,
    job_type: OfType,
    reason: Reason = None,
    seconds: Annotated[
        int | None,
        typer.Option("--for", metavar="SECONDS", help="Then try some jobs; without it: until it is closed."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hand out no more jobs of the type."""
    _ask(context, lambda breakers: breakers.open(job_type, reason, seconds), as_json)


@commands.command("close")
def close(context: typer.Context, job_type: OfType, reason: Reason = None, as_json: AsJson = False) -> None:
    """Hand out the jobs of the type again; what has failed before counts no more."""
    _ask(context, lambda breakers: breakers.close(job_type, reason), as_json)


@commands.command("remove")
def remove(context: typer.Context, job_type: OfType, as_json: AsJson = False) -> None:
    """Remove the breaker of a type; jobs that it held are handed out."""
    from taskforge.cli.show import print_json

    session_of(context).ask(lambda desk: desk.breakers.remove(job_type))
    if as_json:
        print_json({"job_type": job_type, "removed": True})
    else:
        print(f"type {job_type!r} has no breaker any more")


def _ask(
    context: typer.Context, act: Callable[["BreakerDesk"], Awaitable[dict[str, Any]]], as_json: bool
) -> None:
    from taskforge.cli.breaker_work import print_breaker
    from taskforge.cli.show import print_json

    found = session_of(context).ask(lambda desk: act(desk.breakers))
    if as_json:
        print_json(found)
    else:
        print_breaker(found)
