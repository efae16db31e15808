"""``taskforge alerts rules``: what is watched."""

from typing import Annotated, Any

import typer

from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of

commands = typer.Typer(help="What is watched.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The rule's name.", show_default=False)]
Threshold = Annotated[
    float | None, typer.Option("--threshold", metavar="N", help="Bad while the value is above it.")
]
Queue = Annotated[
    str | None, typer.Option("--queue", "-q", metavar="NAME", help="Only this queue; else each by itself.")
]
Window = Annotated[str | None, typer.Option("--window", metavar="SPAN", help="Over the last so long: 5m.")]
MinAttempts = Annotated[
    int | None, typer.Option("--min-attempts", metavar="N", help="A failure rate of fewer is none.")
]
For = Annotated[
    str | None, typer.Option("--for", metavar="SPAN", help="So long it has to be bad until it fires.")
]
Recovery = Annotated[
    str | None, typer.Option("--recovery", metavar="SPAN", help="So long it has to be good to recover.")
]
To = Annotated[list[str] | None, typer.Option("--to", metavar="RECEIVER", help="Who is told. Repeatable.")]
Description = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="What to do about it.")
]


@commands.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the alert rules."""
    from taskforge.cli.alert_view import print_rules
    from taskforge.cli.show import print_json

    session = session_of(context)
    found = session.ask(lambda desk: desk.alerts.rules())
    if as_json:
        print_json({"rules": found})
    else:
        print_rules(found, session.ask(lambda desk: desk.alerts.receivers()) if found else [])


@commands.command("create")
def create(
    context: typer.Context,
    name: Name,
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="failure_rate, oldest_waiting, queue_length, dead_letters, no_worker, missed_tick, "
            "worker_unhealthy, error_group, scaling_at_maximum, breaker_open.",
            show_default=False,
        ),
    ],
    threshold: Threshold = None,
    queue: Queue = None,
    window: Window = None,
    min_attempts: MinAttempts = None,
    duration: For = None,
    recovery: Recovery = None,
    to: To = None,
    description: Description = None,
    as_json: AsJson = False,
) -> None:
    """Make a rule; what is not given has the kind's default."""
    values = _values(threshold, queue, window, min_attempts, duration, recovery, to, description)
    _tell(session_of(context).ask(lambda desk: desk.alerts.create_rule(name, kind, values)), as_json)


@commands.command("set")
def set_(
    context: typer.Context,
    name: Name,
    threshold: Threshold = None,
    queue: Queue = None,
    window: Window = None,
    min_attempts: MinAttempts = None,
    duration: For = None,
    recovery: Recovery = None,
    to: To = None,
    description: Description = None,
    enabled: Annotated[
        bool | None, typer.Option("--enabled/--disabled", help="Whether it is looked at.")
    ] = None,
    new_name: Annotated[str | None, typer.Option("--rename", metavar="NAME", help="Another name.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change a rule; what is not given stays."""
    values = _values(threshold, queue, window, min_attempts, duration, recovery, to, description)
    values |= {} if enabled is None else {"enabled": enabled}
    values |= {} if new_name is None else {"name": new_name}
    _tell(session_of(context).ask(lambda desk: desk.alerts.change_rule(name, values)), as_json)


@commands.command("delete")
def delete(context: typer.Context, name: Name) -> None:
    """Remove a rule; what fires of it is told as recovered."""
    session_of(context).ask(lambda desk: desk.alerts.delete_rule(name))
    print(f"rule {name!r} is removed")


def _values(
    threshold: float | None,
    queue: str | None,
    window: str | None,
    min_attempts: int | None,
    duration: str | None,
    recovery: str | None,
    to: list[str] | None,
    description: str | None,
) -> dict[str, Any]:
    from taskforge.cli.arguments import seconds, split

    given = {
        "threshold": threshold,
        "queue": queue,
        "window_seconds": seconds(window, "--window"),
        "min_attempts": min_attempts,
        "for_seconds": seconds(duration, "--for"),
        "recovery_seconds": seconds(recovery, "--recovery"),
        "receivers": split(to) if to else None,
        "description": description,
    }
    return {name: value for name, value in given.items() if value is not None}


def _tell(rule: dict[str, Any], as_json: bool) -> None:
    from taskforge.cli.alert_view import print_rule
    from taskforge.cli.show import print_json

    if as_json:
        print_json(rule)
    else:
        print_rule(rule)
