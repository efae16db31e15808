"""``taskforge worker --processes N``: a process that keeps N workers running."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

from taskforge.cli.errors import note
from taskforge.cli.exit_codes import ExitCode
from taskforge.cli.reload import worker_command
from taskforge.cli.work import liveness_of
from taskforge.domain.names import check_name
from taskforge.runtime.standard_streams import never_blocking
from taskforge.runtime.supervisor import Supervisor, WorkerCommand
from taskforge.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from taskforge.cli.session import Session

PERMANENT = (ExitCode.USAGE, ExitCode.NOT_FOUND, ExitCode.SCHEMA)
"""Ends of a worker that will be the same the next time."""


def supervise(
    session: Session,
    reference: str | None,
    processes: int,
    *,
    options: Mapping[str, object],
    name: str | None = None,
    liveness: Mapping[str, Any] | None = None,
) -> int:
    """Run workers with these options until they are told to stop; answer the exit code."""
    settings = load_settings({**session.arguments, **(liveness or {})})
    base = name or f"{socket.gethostname()}-{os.getpid()}"
    names = [check_name(f"{base}-{number}", "worker name") for number in range(1, processes + 1)]
    workers = [
        WorkerCommand(
            one,
            worker_command(session, reference, name=one, **options),
            metrics_port=settings.metrics_port and settings.metrics_port + index,
        )
        for index, one in enumerate(names)
    ]
    liveness_options = replace(liveness_of(settings), metrics_port=None)
    supervisor = Supervisor(workers, liveness=liveness_options, permanent=PERMANENT, tell=note)
    with never_blocking():
        note(f"{processes} workers: {names[0]} to {names[-1]}")
        return asyncio.run(supervisor.run())
