"""``taskforge scaling``: how many workers queues should have."""

from typing import Annotated, Any

import typer

from taskforge.cli.options import Application, AsJson
from taskforge.cli.session import session_of

commands = typer.Typer(
    help="Say how many workers queues should have, and have it done.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

InQueue = Annotated[str, typer.Argument(metavar="QUEUE", help="The queue's name.", show_default=False)]
AnyQueue = Annotated[
    str | None, typer.Argument(metavar="QUEUE", help="The queue's name; else all.", show_default=False)
]
Values = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE...", help="Fields of the policy; KEY= goes back to the default."),
]


@commands.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the scaling policies by queue."""
    from taskforge.cli.scaling_work import print_policies

    _tell("policies", session_of(context).ask(lambda desk: desk.scaling.all()), print_policies, as_json)


@commands.command("show")
def show(context: typer.Context, queue: InQueue, as_json: AsJson = False) -> None:
    """Show the policy of a queue, and how it stands."""
    from taskforge.cli.scaling_work import policy_named, print_policy

    found = session_of(context).ask(lambda desk: desk.scaling.all())
    _tell(None, policy_named(found, queue), print_policy, as_json)


@commands.command("set")
def set_(context: typer.Context, queue: InQueue, values: Values = None, as_json: AsJson = False) -> None:
    """Give a queue a policy, or change it. Fields: min_workers, max_workers, target_queue_length,
    target_worker_utilization, target_age_seconds, scale_up_threshold, scale_down_threshold, scale_up_cooldown,
    scale_down_cooldown, provisioner (none, local, kubernetes, webhook), target, enabled.
    """
    from taskforge.cli.arguments import pairs
    from taskforge.cli.scaling_work import print_policy

    given = pairs(values)
    if "target" in given and given["target"] is not None:
        given["target"] = str(given["target"])
    made = session_of(context).ask(lambda desk: desk.scaling.put(queue, given))
    _tell(None, made, print_policy, as_json)


@commands.command("delete")
def delete(context: typer.Context, queue: InQueue, as_json: AsJson = False) -> None:
    """Remove the policy of a queue; its workers stay as they are."""
    from taskforge.cli.show import print_json

    session_of(context).ask(lambda desk: desk.scaling.remove(queue))
    if as_json:
        print_json({"queue_name": queue, "deleted": True})
    else:
        print(f"queue {queue!r} has no scaling policy any more")


@commands.command("evaluate")
def evaluate(context: typer.Context, queue: AnyQueue = None, as_json: AsJson = False) -> None:
    """Say what the policies recommend now, and why. It changes nothing."""
    from taskforge.cli.scaling_work import print_recommendations

    found = session_of(context).ask(lambda desk: desk.scaling.evaluate(queue))
    _tell("recommendations", found, print_recommendations, as_json)


@commands.command("execute")
def execute(context: typer.Context, queue: InQueue, as_json: AsJson = False) -> None:
    """Carry out what the policy of a queue recommends now; bounds and cooldowns hold."""
    from taskforge.cli.scaling_work import print_decisions, print_recommendations
    from taskforge.cli.show import print_json

    done = session_of(context).ask(lambda desk: desk.scaling.execute(queue))
    if as_json:
        print_json(done)
    elif done["decision"] is None:
        print_recommendations([done["recommendation"]])
    else:
        print_decisions([done["decision"]])


@commands.command("history")
def history(
    context: typer.Context,
    queue: AnyQueue = None,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, max=1000, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what was decided and carried out, the latest first."""
    from taskforge.cli.scaling_work import print_decisions

    found = session_of(context).ask(lambda desk: desk.scaling.history(queue, limit))
    _tell("decisions", found, print_decisions, as_json)


@commands.command("run")
def run(
    context: typer.Context,
    app: Application = None,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", "-c", metavar="N", min=1, max=1000, help="Jobs of a worker at a time."),
    ] = None,
    leaves_with_parent: Annotated[bool, typer.Option("--leaves-with-parent", hidden=True)] = False,
) -> None:
    """Start and stop workers of an application on this host, as policies with the provisioner local say.

    One such process leads, others wait to take over. Its workers leave when it ends. SIGTERM or Ctrl-C ends it.
    """
    from taskforge.cli.scaling_run import run_autoscaler

    session = session_of(context)
    if leaves_with_parent:
        from taskforge.cli.work import leave_with_parent

        leave_with_parent()
    raise typer.Exit(run_autoscaler(session, app, concurrency))


@commands.command("simulate")
def simulate(
    context: typer.Context,
    values: Values = None,
    trace: Annotated[
        str, typer.Option("--trace", metavar="FILE", help="Arrivals: seconds,jobs[,seconds of work] a line.")
    ] = "",
    queue: Annotated[
        str | None, typer.Option("--queue", "-q", metavar="NAME", help="Begin with the policy of this queue.")
    ] = None,
    slots: Annotated[int, typer.Option("--slots", metavar="N", min=1, max=1000, help="Of a worker.")] = 10,
    work: Annotated[
        float, typer.Option("--work", metavar="SECONDS", help="How long a job runs that does not say.")
    ] = 1.0,
    startup: Annotated[
        float, typer.Option("--startup", metavar="SECONDS", help="How long a worker takes to come.")
    ] = 5.0,
    interval: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", help="How often the policy is evaluated.")
    ] = 10.0,
    picture: Annotated[
        str | None, typer.Option("--picture", metavar="FILE", help="Draw workers, backlog and wait: an SVG.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Replay a trace of arrivals against a policy: workers, backlog and wait over time. Nothing real is touched."""
    from taskforge.cli.arguments import pairs
    from taskforge.cli.scaling_simulation import print_simulation, simulated
    from taskforge.cli.show import print_json
    from taskforge.domain.scaling_simulation import Fleet

    session = session_of(context)
    stored: list[dict[str, Any]] = []
    if queue is not None:
        stored = session.ask(lambda desk: desk.scaling.all())
    fleet = Fleet(slots=slots, startup=startup, interval=interval, work=work)
    document = simulated(trace, pairs(values), stored, queue, fleet, picture)
    if as_json:
        print_json(document)
    else:
        print_simulation(document)


def _tell(name: str | None, found: Any, print_it: Any, as_json: bool) -> None:
    from taskforge.cli.show import print_json

    if as_json:
        print_json(found if name is None else {name: found})
    else:
        print_it(found)
