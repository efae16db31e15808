"""Running a scheduler process for the command `scheduler`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from taskforge.cli.errors import note
from taskforge.cli.logs import write_logs
from taskforge.cli.work import origin_of_database
from taskforge.runtime.liveness import Liveness, LivenessOptions
from taskforge.runtime.process import run_until_complete
from taskforge.runtime.signals import on_stop_signals
from taskforge.runtime.systemd import STOPPING, Systemd
from taskforge.storage.address import masked

if TYPE_CHECKING:
    from pathlib import Path

    from taskforge.app import TaskForge
    from taskforge.cli.session import Session


def run_scheduler(session: Session, reference: str | None, liveness_file: Path | None) -> int:
    """Run until a signal comes; answers 0. The file is touched while due times can be seen to."""
    application = session.application(reference)
    write_logs(application.settings, verbose=session.verbose)
    liveness = LivenessOptions(file=liveness_file, limit=application.settings.liveness_seconds)
    return run_until_complete(_serve(application, liveness, Systemd()))


async def _serve(application: TaskForge, liveness: LivenessOptions, systemd: Systemd) -> int:
    stopping = asyncio.Event()

    def stop() -> None:
        systemd.tell(STOPPING)
        stopping.set()

    try:
        async with application.scheduler() as session:
            url = masked(application.settings.database_url)
            note(f"scheduler: {len(application.schedules)} schedules in the application's code")
            note(f"database {url} (from {origin_of_database(application)})")
            with on_stop_signals(stop):
                async with Liveness(liveness, systemd, session.stalled):
                    await stopping.wait()
    finally:
        await application.aclose()
    return 0
