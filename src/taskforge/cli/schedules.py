"""``taskforge schedules``: make schedules, look at them, change them, run them."""

from typing import Annotated, Any

import typer

from taskforge.cli.options import ApplicationOption, AsJson
from taskforge.cli.session import session_of

commands = typer.Typer(
    help="Make schedules, look at them, change them, run them.", no_args_is_help=True, rich_markup_mode=None
)

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The schedule's name, or what follows its last dot.")
]
Cron = Annotated[
    str | None, typer.Option("--cron", metavar="EXPR", help="A cron expression, @daily, ...; quote it.")
]
Every = Annotated[str | None, typer.Option("--every", metavar="TIME", help="An interval: 30s, 15m, 1h30m.")]
At = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="Once, at this time: 2026-01-31T09:00:00+07:00.")
]
Zone = Annotated[str | None, typer.Option("--timezone", metavar="ZONE", help="Else the setting `timezone`.")]
Arguments = Annotated[
    str | None, typer.Option("--args", metavar="JSON", help="Arguments of the task, by name.")
]
Fields = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any other field, such as missed=all. Repeatable."),
]


@commands.command("preview")
def preview(
    context: typer.Context,
    expression: Annotated[
        str, typer.Argument(metavar="EXPR", help="A cron expression, @daily, or @every 15m; quote it.")
    ],
    timezone: Zone = None,
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


@commands.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the schedules of the project by name."""
    from taskforge.cli.schedule_view import print_schedules
    from taskforge.cli.show import print_json

    found = session_of(context).ask(lambda desk: desk.schedules.all())
    if as_json:
        print_json({"schedules": found})
    else:
        print_schedules(found)


@commands.command("show")
def show(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Show a schedule: what it says, who said it, when it is due, its latest run."""
    _tell(session_of(context).ask(lambda desk: desk.schedules.whole(name)), as_json)


@commands.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, unique in the project.")],
    task: Annotated[str, typer.Argument(metavar="TASK", help="The task, or what follows its last dot.")],
    cron: Cron = None,
    every: Every = None,
    at: At = None,
    timezone: Zone = None,
    arguments: Arguments = None,
    fields: Fields = None,
    app: ApplicationOption = None,
    as_json: AsJson = False,
) -> None:
    """Make a schedule. Fields for --set: queue, description, enabled, starts_at, ends_at, jitter_seconds, missed
    (skip, one, all), catch_up_seconds, catch_up_limit, overlap (skip, queue_one, allow, cancel_previous), calendars,
    on_holiday (skip, next_business_day), priority, max_attempts, retry_delay_seconds, timeout_seconds, tags,
    keep_days, keep_failed_days.
    """
    from taskforge.cli.schedule_work import arguments_of, fields_of, tasks_here

    session = session_of(context)
    options = _times(cron, every, at, timezone) | {"task": task, "arguments": arguments_of(arguments)}
    given = fields_of(options, fields)
    tasks = tasks_here(session, app)
    _tell(session.ask(lambda desk: desk.schedules.create(name, given, tasks)), as_json)


@commands.command("edit")
def edit(
    context: typer.Context,
    name: Name,
    values: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE...", help="What to change; KEY= goes back.")
    ] = None,
    cron: Cron = None,
    every: Every = None,
    at: At = None,
    timezone: Zone = None,
    arguments: Arguments = None,
    reset: Annotated[bool, typer.Option("--reset", help="Go back to what the code says.")] = False,
    as_json: AsJson = False,
) -> None:
    """Change a schedule. What code declares of it stays known, and a deploy does not undo the change.

    KEY= goes back to what the code says, or to the default.
    """
    from taskforge.cli.schedule_work import arguments_of, fields_of
    from taskforge.domain.errors import InvalidInput

    options = _times(cron, every, at, timezone) | {"arguments": arguments_of(arguments)}
    given = fields_of(options, values)
    if not given and not reset:
        raise InvalidInput("nothing is to be changed", hint="write KEY=VALUE, such as missed=all")
    _tell(session_of(context).ask(lambda desk: desk.schedules.edit(name, given, reset=reset)), as_json)


@commands.command("delete")
def delete(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Remove a schedule. One that code declares comes back when that code starts: disable it instead."""
    from taskforge.cli.show import print_json

    gone = session_of(context).ask(lambda desk: desk.schedules.delete(name))
    if as_json:
        print_json({"job_id": gone, "deleted": True})
    else:
        print(f"schedule {gone} is deleted")


@commands.command("enable")
def enable(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Let a schedule be due again, from now on."""
    _tell(session_of(context).ask(lambda desk: desk.schedules.enable(name)), as_json)


@commands.command("disable")
def disable(context: typer.Context, name: Name, as_json: AsJson = False) -> None:
    """Let a schedule be due no more until it is enabled, whatever code says."""
    _tell(session_of(context).ask(lambda desk: desk.schedules.disable(name)), as_json)


@commands.command("pause-all")
def pause_all(context: typer.Context, as_json: AsJson = False) -> None:
    """Let all schedules of the project rest, those that are made meanwhile as well."""
    _all(context, as_json, paused=True)


@commands.command("resume-all")
def resume_all(context: typer.Context, as_json: AsJson = False) -> None:
    """Let all schedules of the project go on, from now on."""
    _all(context, as_json, paused=False)


@commands.command("trigger")
def trigger(
    context: typer.Context,
    name: Name,
    wait: Annotated[
        str | None, typer.Option("--wait", metavar="TIME", help="Wait so long for its end: 30s.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a schedule now, also a disabled one. Ends with 1 when it was awaited and failed."""
    from taskforge.cli.arguments import seconds
    from taskforge.cli.show import print_json

    patience = seconds(wait, "wait")
    answer = session_of(context).ask(lambda desk: desk.schedules.trigger(name, patience))
    if as_json:
        print_json(answer)
    elif patience is None:
        print(f"schedule {name} runs as job {answer['queue_job_id']}")
    else:
        print(f"job {answer['queue_job_id']}: {'succeeded' if answer['success'] else answer['message']}")
    if answer["success"] is False:
        raise typer.Exit(1)


@commands.command("backfill")
def backfill(
    context: typer.Context,
    name: Name,
    since: Annotated[str, typer.Option("--from", metavar="TIME", help="The first due time.")],
    until: Annotated[str, typer.Option("--to", metavar="TIME", help="The last one; it has to be past.")],
    as_json: AsJson = False,
) -> None:
    """Run the due times of a past span that have not run. Interrupted, it stops; done again, it goes on."""
    from taskforge.cli.schedule_work import span_of
    from taskforge.cli.show import print_json

    span = span_of(since, until)
    answer = session_of(context).ask(lambda desk: desk.schedules.backfill(name, *span))
    if as_json:
        print_json(answer)
    else:
        print(f"{answer['run']} of {answer['due']} due times are run now")


@commands.command("history")
def history(
    context: typer.Context,
    name: Name,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="How many.")] = 20,
    outcome: Annotated[
        str | None, typer.Option("--outcome", metavar="fired|missed|skipped", help="Only these.")
    ] = None,
    success: Annotated[
        bool | None, typer.Option("--succeeded/--failed", help="Only runs that ended so.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the due times of a schedule that have come and what became of them, the latest first."""
    from taskforge.cli.schedule_view import print_runs
    from taskforge.cli.show import print_json
    from taskforge.domain.errors import InvalidInput
    from taskforge.domain.tick import TickOutcome

    if outcome is not None and outcome not in list(TickOutcome):
        raise InvalidInput(
            f"there is no outcome {outcome!r}", field="outcome", hint=f"one of: {', '.join(TickOutcome)}"
        )
    found = session_of(context).ask(lambda desk: desk.schedules.history(name, limit, outcome, success))
    if as_json:
        print_json({"history": found})
    else:
        print_runs(found)


@commands.command("calendars")
def calendars(context: typer.Context, as_json: AsJson = False) -> None:
    """List the calendars: named sets of days on which schedules do not run."""
    from taskforge.cli.schedule_view import print_calendars
    from taskforge.cli.show import print_json

    shown = session_of(context).ask(lambda desk: desk.schedules.calendars())
    if as_json:
        print_json({"calendars": shown})
    else:
        print_calendars(shown)


@commands.command("calendar")
def calendar(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The calendar's name.")],
    dates: Annotated[
        list[str] | None, typer.Option("--date", metavar="DATE", help="A day without runs. Repeatable.")
    ] = None,
    weekdays: Annotated[
        list[str] | None,
        typer.Option("--weekday", metavar="RULE", help="SAT,SUN, 5L (each last Friday), 1#1. Repeatable."),
    ] = None,
    file: Annotated[
        str | None, typer.Option("--ics", metavar="FILE", help="An iCalendar file: its whole days.")
    ] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Remove the calendar.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make or replace a calendar."""
    from pathlib import Path

    from taskforge.cli.schedule_view import print_calendars
    from taskforge.cli.show import print_json
    from taskforge.domain.icalendar import days_of

    session = session_of(context)
    if delete:
        session.ask(lambda desk: desk.schedules.delete_calendar(name))
        shown: dict[str, Any] = {}
    else:
        days = sorted(day.isoformat() for day in days_of(Path(file).read_text("utf-8"))) if file else []
        values = {"dates": [*(dates or ()), *days], "weekdays": list(weekdays or ())}
        shown = {name: session.ask(lambda desk: desk.schedules.put_calendar(name, values))}
    if as_json:
        print_json({"calendars": shown})
    elif delete:
        print(f"calendar {name} is deleted")
    else:
        print_calendars(shown)


def _times(cron: str | None, every: str | None, at: str | None, timezone: str | None) -> dict[str, Any]:
    from taskforge.cli.arguments import seconds

    return {"cron": cron, "interval_seconds": seconds(every, "every"), "run_at": at, "timezone": timezone}


def _all(context: typer.Context, as_json: bool, *, paused: bool) -> None:
    from taskforge.cli.show import print_json

    changed = session_of(context).ask(lambda desk: desk.schedules.rest(paused=paused))
    if as_json:
        print_json({"schedules": changed})
    else:
        print(f"every schedule {'rests' if paused else 'goes on'} now ({changed} changed)")


def _tell(document: dict[str, Any], as_json: bool) -> None:
    from taskforge.cli.schedule_view import print_schedule
    from taskforge.cli.show import print_json

    if as_json:
        print_json(document)
    else:
        print_schedule(document)
