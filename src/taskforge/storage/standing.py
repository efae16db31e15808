"""Claims that stand by: the next single job that this process accepts is claimed in the transaction that stores it."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING

from taskforge.storage.codec import to_json
from taskforge.storage.engine import One

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from taskforge.domain.job import NewJob
    from taskforge.ports.jobs import ClaimBatch, ClaimRequest, ClaimTaker
    from taskforge.storage.engine import Engine, Rows, Script


class _Standing:
    """One that waits for its job."""

    def __init__(self, request: ClaimRequest, take: ClaimTaker) -> None:
        lists = {"queue_ids": to_json(request.queue_ids), "job_types": to_json(request.job_types)}
        self.claim = One("claim_jobs", {**request._asdict(), **lists})  # made while the worker waits
        self.queue_ids = frozenset(request.queue_ids)
        self.job_types = frozenset(request.job_types)
        self.is_answered = False
        self._take = take

    def fits(self, job: NewJob) -> bool:
        """Whether the worker may run it now."""
        is_due = job.delay_us is None and job.scheduled_for is None
        return is_due and job.queue_id in self.queue_ids and job.job_type in self.job_types

    def answer(self, batch: ClaimBatch | None, asked: float) -> None:
        """At once: what begins by it goes before what follows for whoever enqueued."""
        self.is_answered = True
        try:
            self._take(batch, asked)
        except Exception as error:  # whoever enqueued has nothing to do with it
            message = "what was claimed as it was stored could not be begun"
            loop = asyncio.get_running_loop()
            loop.call_exception_handler({"message": message, "exception": error})


class StandingClaims:
    """Of one event loop, on a database where a further statement costs less than a further commit."""

    def __init__(self, engine: Engine, read: Callable[[Rows], ClaimBatch]) -> None:
        self._engine = engine
        self._read = read
        self._standing: list[_Standing] = []
        self._late: set[asyncio.Task[None]] = set()

    def stand_by(self, request: ClaimRequest, take: ClaimTaker) -> Callable[[], bool]:
        """``JobStore.stand_by``."""
        standing = _Standing(request, take)
        self._standing.append(standing)
        return partial(self._withdraw, standing)

    def accept(self, change: One, job: NewJob) -> Awaitable[Rows]:
        """Store a job; a claim that stands by for such a one is made with it, and commits or fails with it."""
        standing = self._fitting(job) if self._standing else None
        return self._engine.call(change) if standing is None else self._claimed(change, standing)

    async def _claimed(self, change: One, standing: _Standing) -> Rows:
        batch: ClaimBatch | None = None

        def script() -> Script[Rows]:
            nonlocal batch
            stored = yield change
            batch = self._read((yield standing.claim))
            return stored

        asked = time.monotonic()
        try:
            stored = await self._engine.run(script)
        except asyncio.CancelledError:
            # it may be stored and claimed yet: what follows it in the writer's line comes after
            late = asyncio.get_running_loop().create_task(self._answer_late(standing, asked))
            self._late.add(late)
            late.add_done_callback(self._late.discard)
            raise
        except BaseException:
            standing.answer(None, asked)
            raise
        standing.answer(batch, asked)
        return stored

    async def _answer_late(self, standing: _Standing, asked: float) -> None:
        try:
            await self._engine.run(_nothing)
        finally:
            standing.answer(None, asked)

    def _fitting(self, job: NewJob) -> _Standing | None:
        for standing in self._standing:
            if standing.fits(job):
                self._standing.remove(standing)
                return standing
        return None

    def _withdraw(self, standing: _Standing) -> bool:
        if standing in self._standing:
            self._standing.remove(standing)
            return True
        return standing.is_answered


def _nothing() -> Script[None]:
    yield from ()
