"""``taskforge alerts``: what is wrong now, what was, when nobody is told, and what was told to whom."""

from typing import Annotated

import typer

from taskforge.cli import alert_rules, receivers
from taskforge.cli.alert_desk import NEWEST
from taskforge.cli.options import AsJson, By, Reason
from taskforge.cli.session import session_of

commands = typer.Typer(
    help="Alerts: rules, silences, receivers, deliveries.", no_args_is_help=True, rich_markup_mode=None
)
commands.add_typer(alert_rules.commands, name="rules")
commands.add_typer(receivers.commands, name="receivers")

OfRule = Annotated[str | None, typer.Option("--rule", metavar="NAME", help="Of this rule.")]
Id = Annotated[
    str,
    typer.Argument(metavar="ID", help="The id, or at least 4 of its last characters.", show_default=False),
]


Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=NEWEST, help="At most so many.")]


@commands.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List what is pending, fires, or has recovered within the last hour."""
    from taskforge.cli.alert_view import print_alerts
    from taskforge.cli.show import print_json

    found = session_of(context).ask(lambda desk: desk.alerts.alerts())
    if as_json:
        print_json({"alerts": found})
    else:
        print_alerts(found)


@commands.command("events")
def events(context: typer.Context, rule: OfRule = None, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List what fired and recovered within 30 days, the latest first."""
    from taskforge.cli.alert_view import print_events
    from taskforge.cli.show import print_json

    found = session_of(context).ask(lambda desk: desk.alerts.events(rule, limit))
    if as_json:
        print_json({"events": found})
    else:
        print_events(found)


@commands.command("silence")
def silence(
    context: typer.Context,
    span: Annotated[
        str, typer.Argument(metavar="SPAN", help="For how long: 30m, 2h, 1h30m.", show_default=False)
    ],
    rule: OfRule = None,
    subject: Annotated[
        str | None, typer.Option("--subject", metavar="TEXT", help="Only this queue, type, worker ...")
    ] = None,
    reason: Reason = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Tell nobody of alerts from now on for a while: of all rules, or of one."""
    from datetime import UTC, datetime, timedelta

    from taskforge.cli.arguments import seconds
    from taskforge.cli.options import person
    from taskforge.cli.show import print_json

    ends_at = datetime.now(UTC) + timedelta(seconds=seconds(span, "SPAN") or 0.0)
    made = session_of(context).ask(
        lambda desk: desk.alerts.silence(ends_at, rule, subject, reason, person(by))
    )
    if as_json:
        print_json(made)
    else:
        print(f"silent until {made['ends_at']}: {made['id']}")


@commands.command("silences")
def silences(context: typer.Context, as_json: AsJson = False) -> None:
    """List silences, those that end last first."""
    from taskforge.cli.alert_view import print_silences
    from taskforge.cli.show import print_json

    session = session_of(context)
    found = session.ask(lambda desk: desk.alerts.silences())
    if as_json:
        print_json({"silences": found})
    else:
        print_silences(found, session.ask(lambda desk: desk.alerts.rules()) if found else [])


@commands.command("unsilence")
def unsilence(context: typer.Context, silence: Id) -> None:
    """End a silence."""
    session_of(context).ask(lambda desk: desk.alerts.end_silence(silence))
    print("ended")


@commands.command("deliveries")
def deliveries(
    context: typer.Context,
    receiver: Annotated[
        str | None, typer.Option("--receiver", metavar="NAME", help="To this receiver.")
    ] = None,
    status: Annotated[
        str | None,
        typer.Option("--status", metavar="STATUS", help="waiting, delivered, failed, cancelled."),
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List what was told within 30 days, or is to be, newest first."""
    from taskforge.cli.alert_view import print_deliveries
    from taskforge.cli.show import print_json

    found = session_of(context).ask(lambda desk: desk.alerts.deliveries(receiver, status, limit))
    if as_json:
        print_json({"deliveries": found})
    else:
        print_deliveries(found)


@commands.command("resend")
def resend(context: typer.Context, delivery: Id, as_json: AsJson = False) -> None:
    """Try a delivery again that has failed or was cancelled."""
    from taskforge.cli.show import print_json

    sent = session_of(context).ask(lambda desk: desk.alerts.resend(delivery))
    if as_json:
        print_json(sent)
    else:
        print(f"{sent['id']} is {sent['status']}")
