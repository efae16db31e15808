"""Seeing one job through by a server: its workers run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.cli.submit import full_name, submit
from taskforge.domain.errors import NotFound
from taskforge.domain.job_options import JobOptions
from taskforge.services.directory import near

if TYPE_CHECKING:
    from collections.abc import Sequence

    from taskforge.cli.desk import Desk
    from taskforge.cli.session import Session


def run_afar(
    session: Session, reference: str | None, task: str, arguments: Sequence[str], *, timeout: float | None
) -> str:
    """The result as JSON text. Raises NotFound for a task that neither an application here nor the server knows."""

    async def check(desk: Desk) -> None:
        known = await desk.tasks()
        if full_name(task, known) is None:
            raise NotFound(f"no task is named {task!r}", hint=near(task, list(known)))

    session.ask(check)
    job, _ = submit(session, reference, task, arguments, None, JobOptions())
    return session.ask(lambda desk: desk.result(job.id, timeout))
