"""Jobs that belong to a trace: what made them is written down before they are, and told to whoever claims them."""

from __future__ import annotations

import logging
from collections import deque
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import TaskforgeError
from taskforge.domain.ids import minted
from taskforge.ports.link import JobTrace
from taskforge.sdk.tracing import is_traced, note_id, sending, sending_all, tracing_api
from taskforge.services.direct_link import DirectLink
from taskforge.services.submission import Submission

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from uuid import UUID

    from taskforge.domain.job import Submitted
    from taskforge.domain.outcome import Report
    from taskforge.ports.link import Work
    from taskforge.ports.traces import TraceStore
    from taskforge.services.submission import Wanted

logger = logging.getLogger("taskforge.tracing")

_minted: ContextVar[deque[UUID] | None] = ContextVar("taskforge_minted", default=None)


class TracedSubmission(Submission):
    """Accepts jobs under ids that are known before, where they belong to a trace.

    A trace that cannot be written down keeps no job from being accepted.
    """

    def __init__(self, *arguments: Any, mint: Callable[[], UUID], traces: TraceStore, **named: Any) -> None:
        super().__init__(*arguments, mint=self._next, **named)
        self._fresh = mint
        self._traces = traces

    def submit(self, request: Wanted, *, declare: bool) -> Coroutine[Any, Any, Submitted]:
        if not is_traced():
            return super().submit(request, declare=declare)
        return self._submit_traced(request, declare=declare)

    async def _submit_traced(self, request: Wanted, *, declare: bool) -> Submitted:
        with sending(request.queue, request.job_type, 1) as trace:
            [job_id] = await self._noted(1, trace)
            token = _minted.set(deque([job_id]))
            try:
                submitted = await super().submit(request, declare=declare)
            finally:
                _minted.reset(token)
            note_id(submitted.id)
            return submitted

    async def submit_many(self, requests: Sequence[Wanted], *, declare: bool) -> list[Submitted]:
        if not requests or not is_traced():
            return await super().submit_many(requests, declare=declare)
        with sending_all(requests) as trace:
            token = _minted.set(deque(await self._noted(len(requests), trace)))
            try:
                return await super().submit_many(requests, declare=declare)
            finally:
                _minted.reset(token)

    async def _noted(self, count: int, trace: str | None) -> list[UUID]:
        ids = minted(self._fresh, count)
        if trace is not None:
            try:
                await self._traces.put(self._directory.project_id, ids, trace)
            except TaskforgeError as error:
                logger.warning("a trace ends here: %s", error)
        return ids

    def _next(self) -> UUID:
        known = _minted.get()
        return known.popleft() if known else self._fresh()

    def _ids(self, count: int) -> list[UUID]:
        return super()._ids(count) if _minted.get() else minted(self._fresh, count)


class TracedLink(DirectLink):
    """Tells a worker that traces which spans its jobs belong to. ``traced`` None: if this process does."""

    def __init__(self, *, traces: TraceStore, **named: Any) -> None:
        super().__init__(**named)
        self._traces = traces
        self.traced: bool | None = None

    async def claim(self, free: int, suspects: int) -> Work:
        work = await super().claim(free, suspects)
        if not work.attempts or not self._is_wanted:
            return work
        try:
            known = await self._traces.of_jobs(
                self._directory.project_id, [attempt.job.id for attempt in work.attempts]
            )
        except TaskforgeError as error:
            logger.warning("traces end here: %s", error)
            return work
        attempts = []
        for attempt in work.attempts:
            stored = known.get(attempt.job.id)
            creation, previous = (None, None) if stored is None else stored
            trace = JobTrace(creation, previous, self._endings.waited(attempt.job))
            attempts.append(attempt._replace(trace=trace))
        return work._replace(attempts=attempts)

    def stand_by(
        self, suspects: int, take: Callable[[Work | None, float], None]
    ) -> Callable[[], bool] | None:
        """What is claimed as it is stored has no trace yet."""
        return super().stand_by(suspects, take) if not self._is_wanted else None

    @property
    def _is_wanted(self) -> bool:
        return tracing_api() is not None if self.traced is None else self.traced

    async def settle(self, reports: Sequence[Report]) -> frozenset[UUID]:
        spans: dict[UUID, str] = {
            job.id: report.trace
            for report in reports
            if report.trace is not None and (job := self._held.get(report.execution_id)) is not None
        }
        if spans:
            try:
                await self._traces.note(self._directory.project_id, spans)
            except TaskforgeError as error:
                logger.warning("the next attempts are not linked: %s", error)
        return await super().settle(reports)
