"""Seeing one job through: by a worker that serves it, else by one of our own."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from taskforge.cli.errors import note
from taskforge.domain.errors import ResultTimeout
from taskforge.domain.ids import short

if TYPE_CHECKING:
    from taskforge.app import TaskForge
    from taskforge.sdk.backend import TaskCall


async def run_one(application: TaskForge, call: TaskCall[Any], *, timeout: float | None, here: bool) -> str:
    """The result of the call as JSON text. Raises JobFailed, JobCancelled, ResultTimeout.

    ``here`` allows a worker in this process, for this task alone, when no live one serves its queue.
    """
    async with application:
        platform = await application.platform()
        job_id, _ = await application.submit(call)
        if await platform.health.servants(call.queue):
            return await platform.results.wait(job_id, timeout) or "null"
        if not here:
            note(f"no live worker serves queue {call.queue!r}; job {short(job_id)} waits for one")
            return await platform.results.wait(job_id, timeout) or "null"
        note(f"no live worker serves queue {call.queue!r}: {call.job_type} is run in this process")
        try:
            # what the task prints must not mix with its result
            with contextlib.redirect_stdout(sys.stderr):
                session = application.worker(
                    queues=[call.queue], concurrency=1, only=[call.job_type], grace=0.0
                )
                async with session:
                    return await platform.results.wait(job_id, timeout) or "null"
        except ResultTimeout:
            raise ResultTimeout(
                f"job {job_id} has not ended within {timeout:g} s; it was handed back and waits",
                hint=f"start a worker, or: taskforge jobs cancel {short(job_id)}",
            ) from None
