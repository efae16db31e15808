"""``taskforge top``: what goes on, looked at again and again."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from taskforge.cli.options import AsJson
from taskforge.cli.session import session_of

if TYPE_CHECKING:
    from collections import Counter, defaultdict
    from collections.abc import Sequence
    from uuid import UUID

    from rich.console import Console

    from taskforge.cli.desk import Desk

    Document = dict[str, Any]

LEAST_SECONDS, MOST_SECONDS = 0.5, 60.0
MINUTE = 1 / 60
"""In hours: so far back the rates look."""

MOST_RUNNING = 100
"""So many jobs that run are looked at, the newest, to tell what each worker runs."""

COUNTS = ("ready", "held", "scheduled", "processing")
RATES = ("done_per_minute", "failed_per_minute")


def top(
    context: typer.Context,
    interval: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", help="How often it looks: 0.5 to 60.")
    ] = 2.0,
    queues: Annotated[
        list[str] | None, typer.Option("--queue", "-q", metavar="NAMES", help="Of the queues only these.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Watch the queues, busiest first, and what workers run, until Ctrl-C; once where output is no terminal."""
    import sys

    from taskforge.cli.arguments import split
    from taskforge.cli.show import print_json
    from taskforge.cli.tables import console
    from taskforge.cli.top_view import print_once
    from taskforge.domain.errors import InvalidInput

    if not LEAST_SECONDS <= interval <= MOST_SECONDS:
        limits = f"{LEAST_SECONDS:g} to {MOST_SECONDS:g} seconds"
        raise InvalidInput(f"--interval is {limits}, not {interval:g}", field="--interval")
    chosen, out = split(queues), console()
    if sys.stdout.isatty() and out.is_terminal and not out.is_dumb_terminal and not as_json:
        session_of(context).ask(lambda desk: _watch(desk, chosen, interval, out))
        return
    found = session_of(context).ask(lambda desk: _look(desk, chosen))
    if as_json:
        print_json(found)
    else:
        print_once(found)


async def _watch(desk: "Desk", chosen: "Sequence[str]", interval: float, out: "Console") -> None:
    """Until it is interrupted, which Ctrl-C tells by its exit code, and SIGTERM does not."""
    import asyncio
    import signal

    own, loop = asyncio.current_task(), asyncio.get_running_loop()
    watching = asyncio.create_task(_look_again(desk, chosen, interval, out))
    signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(watching.cancel))
    try:
        await watching
    except asyncio.CancelledError:
        if own is not None and own.cancelling():
            raise


async def _look_again(desk: "Desk", chosen: "Sequence[str]", interval: float, out: "Console") -> None:
    """That something is away after the first look is told, and it is asked again."""
    import asyncio

    from rich.live import Live

    from taskforge.cli.top_view import screen
    from taskforge.domain.errors import Unavailable

    found, said = await _look(desk, chosen), ""
    with Live(console=out, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            live.update(screen(found, out.size, said), refresh=True)
            await asyncio.sleep(interval)
            try:
                found, said = await _look(desk, chosen), ""
            except Unavailable as away:
                said = f"these figures are old: {away.message}"


async def _look(desk: "Desk", chosen: "Sequence[str]") -> "Document":
    """All figures of one moment, as ``--json`` prints them."""
    from taskforge.cli.show import worker_document
    from taskforge.domain.errors import NotFound
    from taskforge.services.directory import near

    figures = {found["queue_name"]: found for found in await desk.metrics.queues(MINUTE)}
    for name in chosen:
        if name not in figures:
            raise NotFound(f"no queue is named {name!r}", hint=near(name, list(figures)))
    depths = {depth["queue_id"]: depth for depth in await desk.metrics.depths()}
    now, workers = await desk.workers(stopped=False)
    runs = await _runs(desk)
    queues = [
        _queue(found, depths[found["queue_id"]], now.timestamp())
        for name, found in figures.items()
        if found["queue_id"] in depths and (not chosen or name in chosen)
    ]
    queues.sort(key=lambda queue: (-queue["processing"], -queue["ready"], queue["name"]))
    return {
        "at": now.isoformat(),
        "totals": {
            **{name: round(sum(queue[name] for queue in queues), 1) for name in (*COUNTS, *RATES)},
            "workers": len(workers),
            "active_jobs": sum(worker.active_jobs for worker, _ in workers),
            "slots": sum(worker.max_concurrent_jobs for worker, _ in workers),
        },
        "queues": queues,
        "workers": [
            {**worker_document(worker, status), "runs": dict(runs[worker.id].most_common())}
            for worker, status in workers
        ],
    }


async def _runs(desk: "Desk") -> "defaultdict[UUID, Counter[str]]":
    """How many jobs of which type each worker runs."""
    from collections import Counter, defaultdict

    from taskforge.cli.job_reading import JobQuery
    from taskforge.domain.job import JobStatus

    found: defaultdict[UUID, Counter[str]] = defaultdict(Counter)
    jobs, _ = await desk.jobs(JobQuery(MOST_RUNNING, statuses=[JobStatus.PROCESSING]))
    for job in jobs:
        if job.worker_id is not None:
            found[job.worker_id][job.job_type] += 1
    return found


def _queue(figures: "Document", depth: "Document", now: float) -> "Document":
    """Very many attempts are counted by whole minutes, of which the last may not be over."""
    from datetime import datetime

    start, end = (datetime.fromisoformat(figures[f"period_{edge}"]).timestamp() for edge in ("start", "end"))
    minutes = max(1.0, (min(end, now) - start) / 60)
    return {
        "id": depth["queue_id"],
        "name": figures["queue_name"],
        "state": depth["state"],
        **{name: depth[name] for name in COUNTS},
        "oldest_ready_seconds": depth["latency_seconds"] if depth["ready"] else None,
        "done_per_minute": round(figures["successful_executions"] / minutes, 1),
        "failed_per_minute": round(figures["failed_executions"] / minutes, 1),
    }
