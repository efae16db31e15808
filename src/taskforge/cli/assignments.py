"""``taskforge assignments``: which workers serve which queues, and with which weight."""

from typing import Annotated

import typer

from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of

commands = typer.Typer(
    help="Say which workers serve which queues.", no_args_is_help=True, rich_markup_mode=None
)

InQueue = Annotated[str, typer.Argument(metavar="QUEUE", help="The queue's name.", show_default=False)]
ByWorker = Annotated[
    str,
    typer.Argument(
        metavar="WORKER", help="The worker's name, or a pattern with * and ?.", show_default=False
    ),
]
Weight = Annotated[int, typer.Option("--weight", "-w", metavar="1-100", help="Its part beside the others.")]


@commands.command("list")
def list_(
    context: typer.Context,
    queue: Annotated[str | None, typer.Option("--queue", "-q", metavar="NAME", help="Of this queue.")] = None,
    worker: Annotated[
        str | None, typer.Option("--worker", metavar="NAME", help="That name this worker, also by a pattern.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the assignments by queue and worker."""
    from taskforge.cli.assignment_work import print_assignments
    from taskforge.cli.show import print_json

    found = session_of(context).ask(lambda desk: desk.assignments.all(queue, worker))
    if as_json:
        print_json({"assignments": found})
    else:
        print_assignments(found)


@commands.command("create")
def create(
    context: typer.Context,
    queue: InQueue,
    worker: ByWorker,
    weight: Weight = 1,
    inactive: Annotated[
        bool, typer.Option("--inactive", help="Make it, but do not let it count yet.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let workers of a name or pattern serve a queue. From then on only assigned workers do."""
    from taskforge.cli.assignment_work import print_assignment

    made = session_of(context).ask(
        lambda desk: desk.assignments.create(queue, worker, weight, is_active=not inactive)
    )
    print_assignment(made, as_json=as_json)


@commands.command("set")
def set_(
    context: typer.Context, queue: InQueue, worker: ByWorker, weight: Weight, as_json: AsJson = False
) -> None:
    """Change the weight of an assignment."""
    from taskforge.cli.assignment_work import print_assignment

    changed = session_of(context).ask(lambda desk: desk.assignments.change(queue, worker, {"weight": weight}))
    print_assignment(changed, as_json=as_json)


@commands.command("activate")
def activate(context: typer.Context, queue: InQueue, worker: ByWorker, as_json: AsJson = False) -> None:
    """Let its workers serve the queue again."""
    from taskforge.cli.assignment_work import print_assignment

    changed = session_of(context).ask(
        lambda desk: desk.assignments.change(queue, worker, {"is_active": True})
    )
    print_assignment(changed, as_json=as_json)


@commands.command("deactivate")
def deactivate(context: typer.Context, queue: InQueue, worker: ByWorker, as_json: AsJson = False) -> None:
    """Let its workers take no more jobs of the queue; what they run goes on."""
    from taskforge.cli.assignment_work import print_assignment

    changed = session_of(context).ask(
        lambda desk: desk.assignments.change(queue, worker, {"is_active": False})
    )
    print_assignment(changed, as_json=as_json)


@commands.command("remove")
def remove(context: typer.Context, queue: InQueue, worker: ByWorker, as_json: AsJson = False) -> None:
    """Remove an assignment; a queue without any is served by every worker that subscribes to it."""
    from taskforge.cli.show import print_json

    removed = session_of(context).ask(lambda desk: desk.assignments.remove(queue, worker))
    if as_json:
        print_json({**removed, "removed": True})
    else:
        print(f"queue {queue}: the assignment of {worker} is removed")


@commands.command("workers")
def workers(context: typer.Context, queue: InQueue, as_json: AsJson = False) -> None:
    """List the workers that serve a queue, those with the least load first."""
    from taskforge.cli.assignment_work import print_servants
    from taskforge.cli.show import print_json

    found = session_of(context).ask(lambda desk: desk.assignments.workers_of(queue))
    if as_json:
        print_json({"queue": queue, "workers": found})
    else:
        print_servants(queue, found)


@commands.command("queues")
def queues(
    context: typer.Context,
    worker: Annotated[
        str, typer.Argument(metavar="WORKER", help="The name of a live worker.", show_default=False)
    ],
    as_json: AsJson = False,
) -> None:
    """List the queues that a worker serves."""
    from taskforge.cli.assignment_work import print_services
    from taskforge.cli.show import print_json

    found = session_of(context).ask(lambda desk: desk.assignments.queues_of(worker))
    if as_json:
        print_json({"worker": worker, "queues": found})
    else:
        print_services(worker, found)


@commands.command("matrix")
def matrix(context: typer.Context, as_json: AsJson = False) -> None:
    """Show all queues and workers: who serves what, with which weight."""
    from taskforge.cli.assignment_work import print_matrix
    from taskforge.cli.show import print_json

    found = session_of(context).ask(lambda desk: desk.assignments.matrix())
    if as_json:
        print_json(found)
    else:
        print_matrix(found)
