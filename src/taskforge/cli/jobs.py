"""``taskforge jobs``: look at jobs and steer them."""

from typing import Annotated

import typer

from taskforge.cli.options import (
    After,
    AsJson,
    Before,
    DryRun,
    Hours,
    InQueues,
    JobIdArgument,
    OfType,
    OptionalJobIds,
    WithStatuses,
    WithTag,
    Yes,
)
from taskforge.cli.session import session_of

commands = typer.Typer(help="Look at jobs and steer them.", no_args_is_help=True, rich_markup_mode=None)

TIME = "TIME"


@commands.command("list")
def list_(
    context: typer.Context,
    queues: InQueues = None,
    statuses: WithStatuses = None,
    job_type: OfType = None,
    tag: WithTag = None,
    dead_letter_queue: Annotated[
        str | None, typer.Option("--dead-letter-queue", metavar="NAME", help="Dead letters of this queue.")
    ] = None,
    created_from: Annotated[
        str | None, typer.Option("--created-from", metavar=TIME, help="Made at this time or later.")
    ] = None,
    created_to: Annotated[
        str | None, typer.Option("--created-to", metavar=TIME, help="Made before this time.")
    ] = None,
    scheduled_from: Annotated[
        str | None, typer.Option("--scheduled-from", metavar=TIME, help="Due at this time or later.")
    ] = None,
    scheduled_to: Annotated[
        str | None, typer.Option("--scheduled-to", metavar=TIME, help="Due before this time.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=1000, help="At most so many.")
    ] = 20,
    cursor: Annotated[
        str | None, typer.Option("--cursor", metavar="CURSOR", help="Go on where a list ended.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest first. Times are like 2026-01-31T09:00:00Z."""
    from taskforge.cli.arguments import moment, split
    from taskforge.cli.arguments import statuses as parse_statuses
    from taskforge.cli.job_reading import JobQuery
    from taskforge.cli.job_view import print_jobs
    from taskforge.cli.show import job_document, print_json

    query = JobQuery(
        queues=split(queues),
        statuses=parse_statuses(statuses),
        job_type=job_type,
        tag=tag,
        dead_letter_queue=dead_letter_queue,
        created_from=moment(created_from, "--created-from"),
        created_to=moment(created_to, "--created-to"),
        scheduled_from=moment(scheduled_from, "--scheduled-from"),
        scheduled_to=moment(scheduled_to, "--scheduled-to"),
        limit=limit,
        cursor=cursor,
    )
    found, next_cursor = session_of(context).ask(lambda desk: desk.jobs(query))
    if as_json:
        print_json({"jobs": [job_document(job) for job in found], "next_cursor": next_cursor})
    else:
        print_jobs(found, next_cursor)


@commands.command("metrics")
def metrics(
    context: typer.Context,
    queue: Annotated[str | None, typer.Option("--queue", "-q", metavar="NAME", help="In one queue.")] = None,
    hours: Hours = 24.0,
    as_json: AsJson = False,
) -> None:
    """The same figures as `queues metrics`, for each job type."""
    from taskforge.cli.metrics import type_metrics

    type_metrics(session_of(context), queue, hours, as_json=as_json)


@commands.command("show")
def show(context: typer.Context, job: JobIdArgument, as_json: AsJson = False) -> None:
    """Show all of a job: payload, status, result, attempts."""
    from taskforge.cli.job_view import print_whole_job
    from taskforge.cli.show import print_json, whole_job_document

    found = session_of(context).ask(lambda desk: desk.whole_job(job))
    if as_json:
        print_json(whole_job_document(*found))
    else:
        print_whole_job(found)


@commands.command("why")
def why(context: typer.Context, job: JobIdArgument, as_json: AsJson = False) -> None:
    """Say why a job has not run: what stands in its way, the weightiest first."""
    from taskforge.cli.job_view import print_explanation
    from taskforge.cli.show import explanation_document, print_json

    found = session_of(context).ask(lambda desk: desk.why(job))
    if as_json:
        print_json(explanation_document(found))
    else:
        print_explanation(found)


@commands.command("logs")
def logs(
    context: typer.Context,
    job: JobIdArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the job has ended.")] = False,
    levels: Annotated[
        list[str] | None, typer.Option("--level", metavar="LEVELS", help="trace, debug, info, warn, error.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print the log of all attempts at a job, oldest line first."""
    from taskforge.cli.arguments import split
    from taskforge.cli.desk import Desk
    from taskforge.cli.job_reading import check_levels
    from taskforge.cli.job_view import print_line
    from taskforge.cli.show import line_document, print_json
    from taskforge.domain.errors import InvalidInput

    if follow and as_json:
        raise InvalidInput("--follow has no end, so there is no one JSON document of it", field="--follow")
    chosen = check_levels(split(levels))
    documents = []

    async def read(desk: Desk) -> None:
        async for line in desk.lines(job, levels=chosen, follow=follow):
            if as_json:
                documents.append(line_document(line))
            else:
                print_line(line)

    session_of(context).ask(read)
    if as_json:
        print_json({"logs": documents})


@commands.command("cancel")
def cancel(
    context: typer.Context,
    ids: OptionalJobIds = None,
    queues: InQueues = None,
    statuses: WithStatuses = None,
    job_type: OfType = None,
    tag: WithTag = None,
    before: Before = None,
    after: After = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Cancel waiting jobs at once, and ask running ones to stop: those with these ids, or all of a filter."""
    from taskforge.cli.bulk import Choice, carry_out
    from taskforge.cli.job_acting import act, report
    from taskforge.domain.job import JobStatus

    choice = Choice(queues, statuses, job_type, tag, before, after)
    if choice.is_given(ids):
        carry_out(session_of(context), "cancel", choice, dry_run=dry_run, yes=yes, as_json=as_json)
        return
    done = session_of(context).ask(lambda desk: act(desk, ids or [], desk.cancel))
    report(done, as_json=as_json, words={JobStatus.PROCESSING: "is asked to stop"})


@commands.command("retry")
def retry(
    context: typer.Context,
    ids: OptionalJobIds = None,
    queues: Annotated[
        list[str] | None,
        typer.Option("--queue", "-q", metavar="NAMES", help="In these queues; with ids: the same as --to."),
    ] = None,
    target: Annotated[
        str | None, typer.Option("--to", metavar="NAME", help="Retry in this queue, not in their own.")
    ] = None,
    statuses: WithStatuses = None,
    job_type: OfType = None,
    tag: WithTag = None,
    before: Before = None,
    after: After = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Give failed or cancelled jobs their attempts once more: those with these ids, or all of a filter."""
    from taskforge.cli.bulk import Choice, carry_out
    from taskforge.cli.job_acting import act, report

    if ids and queues and target is None:
        target, queues = queues[0], None
    choice = Choice(queues, statuses, job_type, tag, before, after)
    if choice.is_given(ids):
        carry_out(session_of(context), "retry", choice, target, dry_run=dry_run, yes=yes, as_json=as_json)
        return

    done = session_of(context).ask(lambda desk: act(desk, ids or [], lambda job: desk.retry(job, target)))
    report(done, as_json=as_json)


@commands.command("delete")
def delete(
    context: typer.Context,
    ids: OptionalJobIds = None,
    queues: InQueues = None,
    statuses: WithStatuses = None,
    job_type: OfType = None,
    tag: WithTag = None,
    before: Before = None,
    after: After = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove jobs with all that is recorded of them: those with these ids, or all of a filter.

    A running one is refused, or passed over by a filter: cancel it first.
    """
    from taskforge.cli.bulk import Choice, carry_out
    from taskforge.cli.job_acting import act, report

    choice = Choice(queues, statuses, job_type, tag, before, after)
    if choice.is_given(ids):
        carry_out(session_of(context), "delete", choice, dry_run=dry_run, yes=yes, as_json=as_json)
        return
    done = session_of(context).ask(lambda desk: act(desk, ids or [], desk.delete_job))
    report(done, as_json=as_json)


@commands.command("move")
def move(
    context: typer.Context,
    target: Annotated[str, typer.Option("--to", metavar="NAME", help="Into this queue.")],
    queues: InQueues = None,
    statuses: WithStatuses = None,
    job_type: OfType = None,
    tag: WithTag = None,
    before: Before = None,
    after: After = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Put the waiting jobs of a filter into another queue; the time they have waited counts there."""
    from taskforge.cli.bulk import Choice, carry_out

    choice = Choice(queues, statuses, job_type, tag, before, after)
    choice.is_given(None)
    carry_out(session_of(context), "move", choice, target, dry_run=dry_run, yes=yes, as_json=as_json)
