"""Running a scheduler process for the command `scheduler`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from taskforge.cli.errors import note
from taskforge.cli.logs import write_logs
from taskforge.cli.work import origin_of_database
from taskforge.runtime.process import run_until_complete
from taskforge.runtime.signals import on_stop_signals
from taskforge.storage.address import masked

if TYPE_CHECKING:
    from taskforge.app import TaskForge
    from taskforge.cli.session import Session


def run_scheduler(session: Session, reference: str | None) -> int:
    """Run until a signal comes; answers 0."""
    application = session.application(reference)
    write_logs(application.settings, verbose=session.verbose)
    return run_until_complete(_serve(application))


async def _serve(application: TaskForge) -> int:
    stopping = asyncio.Event()
    try:
        async with application.scheduler():
            url = masked(application.settings.database_url)
            note(f"scheduler: {len(application.schedules)} schedules in the application's code")
            note(f"database {url} (from {origin_of_database(application)})")
            with on_stop_signals(stopping.set):
                await stopping.wait()
    finally:
        await application.aclose()
    return 0
