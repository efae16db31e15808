"""Waiting for jobs to end: one question for all that are awaited, as often as it is worth it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from taskforge.domain.errors import (
    JobCancelled,
    JobFailed,
    NotFound,
    ResultTimeout,
    TaskforgeError,
    Unavailable,
)
from taskforge.domain.job import JobStatus
from taskforge.ports.signals import Topic

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.ports.history import Ending, HistoryStore
    from taskforge.ports.signals import Hint, Signals

SHORTEST_PAUSE = 0.005
LONGEST_PAUSE = 0.25
QUESTION_SIZE = 1000


class Results:
    """Answers when awaited jobs of one project have ended."""

    def __init__(self, history: HistoryStore, signals: Signals, project_id: ProjectId) -> None:
        self._history = history
        self._project_id = project_id
        self._signals = signals
        self._awaited: dict[UUID, asyncio.Future[Ending]] = {}
        self._waiters: Counter[UUID] = Counter()
        self._asker: asyncio.Task[None] | None = None
        self._nudge = asyncio.Event()
        self._pause = SHORTEST_PAUSE

    async def wait(self, job_id: UUID, timeout: float | None) -> str | None:
        """The output as JSON text. Raises JobFailed, JobCancelled, ResultTimeout, NotFound."""
        future = self._awaited.get(job_id)
        if future is None:
            future = self._awaited[job_id] = asyncio.get_running_loop().create_future()
        self._waiters[job_id] += 1
        self._pause = SHORTEST_PAUSE
        self._nudge.set()
        if self._asker is None or self._asker.done():
            self._asker = asyncio.get_running_loop().create_task(self._ask())
        try:
            async with asyncio.timeout(timeout):
                ending = await asyncio.shield(future)
        except TimeoutError:
            raise ResultTimeout.after(timeout, job_id) from None
        finally:
            self._waiters[job_id] -= 1
            if not self._waiters[job_id]:  # nobody waits for it any more
                del self._waiters[job_id]
                self._awaited.pop(job_id, None)
        return _output(ending)

    async def close(self) -> None:
        """Stop asking."""
        if self._asker is not None:
            self._asker.cancel()

    async def _ask(self) -> None:
        unsubscribe = self._signals.subscribe(self._heard, {Topic.FINISHED})
        try:
            while self._awaited:
                await self._look()
                if not self._awaited:
                    break
                try:
                    async with asyncio.timeout(self._pause):
                        await self._nudge.wait()
                except TimeoutError:
                    self._pause = min(LONGEST_PAUSE, self._pause * 1.5)
                self._nudge.clear()
        finally:
            unsubscribe()

    def _heard(self, hint: Hint | None) -> None:
        self._nudge.set()

    async def _look(self) -> None:
        awaited = list(self._awaited)
        for start in range(0, len(awaited), QUESTION_SIZE):
            asked = awaited[start : start + QUESTION_SIZE]
            try:
                endings = {
                    ending.job_id: ending for ending in await self._history.endings(self._project_id, asked)
                }
            except Unavailable:
                continue
            except TaskforgeError as error:
                for job_id in asked:
                    future = self._awaited.pop(job_id, None)
                    if future is not None and not future.done():
                        future.set_exception(error)
                continue
            for job_id in asked:
                ending = endings.get(job_id)
                if ending is not None and not ending.status.is_finished:
                    continue
                future = self._awaited.pop(job_id, None)
                if future is None or future.done():
                    continue
                if ending is None:
                    future.set_exception(NotFound(f"no job has the id {job_id}"))
                else:
                    future.set_result(ending)


def _output(ending: Ending) -> str | None:
    if ending.status is JobStatus.SUCCEEDED:
        return ending.output
    if ending.status is JobStatus.CANCELLED:
        raise JobCancelled(f"job {ending.job_id} was cancelled" + _detail(ending.error_message))
    raise JobFailed(
        f"job {ending.job_id} failed: {ending.error_type}" + _detail(ending.error_message),
        error_type=ending.error_type,
        traceback=ending.traceback,
    )


def _detail(message: str | None) -> str:
    return "" if not message else f": {message}"
