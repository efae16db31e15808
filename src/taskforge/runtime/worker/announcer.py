"""Tells an application's listeners how attempts ended, once the record has it. A listener can harm nothing but itself."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from typing import TYPE_CHECKING

from taskforge.domain.outcome import Cancelled, Failed, Released, Snoozed, Succeeded
from taskforge.sdk.hooks import JobEnded

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from taskforge.runtime.worker.running import Running
    from taskforge.sdk.hooks import Hooks, Listener

logger = logging.getLogger(__name__)

MOST_WAITING = 10_000
"""So many events wait at most for slow listeners; those that come then are told to nobody."""
LISTENER_SECONDS = 30.0
"""How long one call of a listener may take."""


class Announcer:
    """One event after the other, in one task of the worker's event loop; plain listeners in a thread."""

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks
        self._waiting: deque[JobEnded] = deque()
        self._telling: asyncio.Task[None] | None = None
        self._left_out = 0

    def take(self, batch: Sequence[Running], lost: frozenset[UUID]) -> None:
        """These are settled, but for the lost ones."""
        listeners = self._hooks.listeners
        if not listeners:
            return
        for running in batch:
            if running.attempt.job.execution_id in lost or _name(running) not in listeners:
                continue
            if len(self._waiting) >= MOST_WAITING:
                self._left_out += 1
                continue
            self._waiting.append(_event(running))
        if self._waiting and self._telling is None:
            self._telling = asyncio.get_running_loop().create_task(self._tell(), name="taskforge listeners")

    async def close(self, seconds: float) -> None:
        """Tell what waits, for so long at most."""
        telling = self._telling
        if telling is None:
            return
        done, _ = await asyncio.wait({telling}, timeout=seconds)
        if not done:
            logger.warning("%d events are not told any more: listeners are too slow", len(self._waiting) + 1)
            self._waiting.clear()
            telling.cancel()
            await asyncio.wait({telling}, timeout=seconds)

    async def _tell(self) -> None:
        try:
            while self._waiting:
                event = self._waiting.popleft()
                for listener in tuple(self._hooks.listeners.get(event.name, ())):
                    await self._call(listener, event)
            if self._left_out:
                logger.warning("%d events were told to nobody: listeners are too slow", self._left_out)
                self._left_out = 0
        finally:
            self._telling = None

    async def _call(self, listener: Listener, event: JobEnded) -> None:
        try:
            async with asyncio.timeout(LISTENER_SECONDS):
                if inspect.iscoroutinefunction(listener):
                    await listener(event)
                else:
                    await asyncio.to_thread(listener, event)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            logger.exception("a listener of %s was cancelled", event.name)
        except BaseException:  # also SystemExit: a listener does not end a worker
            logger.exception("a listener of %s failed at job %s", event.name, event.id)


def _name(running: Running) -> str:
    outcome = running.outcome
    match outcome:
        case Succeeded():
            return "job.succeeded"
        case Failed(final=final):
            attempt = running.attempt
            is_last = final or attempt.job.attempt >= attempt.max_attempts
            return "job.failed" if is_last else "job.retrying"
        case Cancelled():
            return "job.cancelled"
        case Snoozed():
            return "job.snoozed"
        case Released() | None:
            return "job.released"
        case _:
            return ""


def _event(running: Running) -> JobEnded:
    attempt, outcome = running.attempt, running.outcome
    job = attempt.job
    error = outcome.error if isinstance(outcome, Failed) else None
    duration = running.finished - running.started
    return JobEnded(
        name=_name(running),
        id=job.id,
        execution_id=job.execution_id,
        task=job.job_type,
        queue=attempt.queue_name,
        attempt=job.attempt,
        max_attempts=attempt.max_attempts,
        duration=max(0.0, duration) if duration == duration else 0.0,
        error_type=None if error is None else error.type,
        error=None if error is None else error.message,
        traceback=None if error is None else error.traceback,
    )
