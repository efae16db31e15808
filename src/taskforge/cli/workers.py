"""``taskforge workers``: the processes that run jobs."""

from typing import TYPE_CHECKING, Annotated

import typer

from taskforge.cli.options import AsJson, Hours
from taskforge.cli.session import session_of

if TYPE_CHECKING:
    from taskforge.cli.desk import Desk
    from taskforge.domain.worker import Worker

commands = typer.Typer(
    help="Look at the workers, and have them leave.", no_args_is_help=True, rich_markup_mode=None
)


@commands.command("list")
def list_(
    context: typer.Context,
    everyone: Annotated[bool, typer.Option("--all", help="Also those that have left.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the workers of the project, the newest first."""
    from taskforge.cli.show import print_json, worker_document
    from taskforge.cli.tables import print_table
    from taskforge.cli.text import ago
    from taskforge.domain.ids import short

    now, found = session_of(context).ask(lambda desk: desk.workers(stopped=everyone))
    if as_json:
        print_json({"workers": [worker_document(worker, status) for worker, status in found]})
        return
    print_table(
        ("ID", "NAME", "STATUS", "TYPE", "QUEUES", "JOBS", "HEARTBEAT", "HOST", "PID"),
        [
            (
                short(worker.id),
                worker.name,
                status.value,
                worker.type.value,
                ",".join(worker.queues),
                f"{worker.active_jobs}/{worker.max_concurrent_jobs}",
                ago(worker.last_heartbeat, now),
                worker.process.host,
                worker.process.pid,
            )
            for worker, status in found
        ],
        empty="no worker runs; start one with `taskforge worker` or `taskforge dev`",
        right=("JOBS", "PID"),
    )


Named = Annotated[str, typer.Argument(metavar="WORKER", help="Its name, or its short id.")]


@commands.command("drain")
def drain(context: typer.Context, worker: Named) -> None:
    """Have a worker take no more jobs, end what it runs, and leave."""
    name = _set_drain(context, worker, takes_no_more=True)
    print(f"{name} takes no more jobs, and leaves when it has ended those it runs")


@commands.command("undrain")
def undrain(context: typer.Context, worker: Named) -> None:
    """Take a drain back; a worker that has heard of it leaves all the same."""
    name = _set_drain(context, worker, takes_no_more=False)
    print(f"{name} goes on, unless it has heard of the drain already")


@commands.command("deregister")
def deregister(context: typer.Context, worker: Named) -> None:
    """Forget a worker that runs no job: its id stays in the record. If its process lives, it leaves."""

    async def work(desk: "Desk") -> str:
        found = await _found(desk, worker)
        await desk.deregister(found.id)
        return found.name

    print(f"{session_of(context).ask(work)} is deregistered")


def _set_drain(context: typer.Context, wanted: str, *, takes_no_more: bool) -> str:
    async def work(desk: "Desk") -> str:
        found = await _found(desk, wanted)
        await desk.drain(found.id, takes_no_more=takes_no_more)
        return found.name

    return session_of(context).ask(work)


async def _found(desk: "Desk", wanted: str) -> "Worker":
    from taskforge.domain.errors import NotFound
    from taskforge.domain.ids import short

    _, present = await desk.workers(stopped=False)
    found = next((w for w, _ in present if wanted in (w.name, short(w.id), str(w.id))), None)
    if found is None:
        raise NotFound(f"no worker is named {wanted!r}", hint="taskforge workers list")
    return found


@commands.command("metrics")
def metrics(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One worker, with its restarts; else all.")
    ] = None,
    hours: Hours = 24.0,
    as_json: AsJson = False,
) -> None:
    """What the workers did, how long it took, which part of the machine they used."""
    from taskforge.cli.metrics import worker_metrics

    worker_metrics(session_of(context), name, hours, as_json=as_json)
