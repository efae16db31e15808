"""Running an autoscaler process for the commands `scaling run`, `worker --autoscale` and `dev --autoscale`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from taskforge.cli.errors import note
from taskforge.cli.logs import write_logs
from taskforge.cli.reload import worker_command
from taskforge.cli.work import origin_of_database
from taskforge.runtime.process import run_until_complete
from taskforge.runtime.signals import on_stop_signals
from taskforge.runtime.standard_streams import never_blocking
from taskforge.storage.address import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskforge.app import TaskForge
    from taskforge.cli.session import Session


def command_of_workers(
    session: Session, reference: str | None, concurrency: int | None
) -> Callable[[str, str], Sequence[str]]:
    """Gives the command line of a worker of a name, for one queue."""

    def command(name: str, queue: str) -> Sequence[str]:
        return worker_command(session, reference, name=name, queues=[queue], concurrency=concurrency)

    return command


def run_autoscaler(session: Session, reference: str | None, concurrency: int | None) -> int:
    """Run until a signal comes; answers 0."""
    with never_blocking():
        application = session.application(reference)
        write_logs(application.settings, verbose=session.verbose)
        command = command_of_workers(session, reference, concurrency)
        return run_until_complete(_scale(application, command))


async def _scale(application: TaskForge, command: Callable[[str, str], Sequence[str]]) -> int:
    stopping = asyncio.Event()
    try:
        with on_stop_signals(stopping.set):
            async with application.autoscaler(command):
                url = masked(application.settings.database_url)
                note(
                    f"autoscaler: looks at scaling policies every {application.settings.scaling_interval_seconds:g} s"
                )
                note(f"database {url} (from {origin_of_database(application)})")
                await stopping.wait()
    finally:
        await application.aclose()
    return 0
