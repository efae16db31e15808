"""What a worker pulls from ready queues. While full claims follow each other, the next jobs while the record claims those before."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from taskforge.domain.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from taskforge.domain.ids import QueueId
    from taskforge.ports.dispatch import Pulled, ReadyQueues
    from taskforge.ports.jobs import ClaimRequest

PAUSE_SECONDS = 0.1
"""After a longer pause a claim does not follow the one before. Meanwhile the handlers of that one begin."""
FULL_CLAIMS = 3
"""So many in a row fill a worker more than once: its jobs end as fast as they come."""
CLAIMS_AHEAD = 2
"""For so many jobs are pulled at once, when no more are left than the next one takes."""
KEPT_SECONDS = 0.15
"""For so long jobs are kept for the next claim; if it does not come, they are given back, before they are missed by comparing."""

logger = logging.getLogger("taskforge.dispatch")


class Pulling:
    """One worker's. ``give_back`` gets jobs that nobody came for; if the process dies with them, comparing finds them.

    ``in_step`` is awaited before each pull: what the record has just handed out itself is not to be pulled as well.
    """

    def __init__(
        self,
        ready: ReadyQueues,
        give_back: Callable[[QueueId, Sequence[UUID]], None],
        in_step: Callable[[], Awaitable[object]],
    ) -> None:
        self._ready = ready
        self._give_back = give_back
        self._in_step = in_step
        self._full_claims = 0
        self._ended_at = 0.0
        self._kept: list[Pulled] = []
        self._queue_ids: Sequence[QueueId] = ()
        self._coming: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_ahead(self) -> bool:
        """Whether there are jobs for the next claim, or some are coming."""
        return bool(self._kept) or self._coming is not None

    def begin(self) -> None:
        """A claim begins."""
        if time.monotonic() - self._ended_at > PAUSE_SECONDS:
            self._full_claims = 0

    def end(
        self, request: ClaimRequest, queue_ids: Sequence[QueueId], *, is_full: bool, goes_ahead: bool
    ) -> None:
        """It has its answer. Where the next ones are as good as certain to come at once, pull what they will take.

        That is asked for before the handlers of this one begin, and while there are jobs for the next one: a loop that is
        busy with handlers hears an answer late.
        """
        self._full_claims = self._full_claims + 1 if is_full else 0
        self._ended_at = time.monotonic()
        are_few = sum(len(pulled.jobs) for pulled in self._kept) <= request.free
        if goes_ahead and self._full_claims >= FULL_CLAIMS and self._coming is None and are_few:
            self._queue_ids = queue_ids
            ahead = self._pull_ahead(request, queue_ids, request.free * CLAIMS_AHEAD)
            self._coming = asyncio.get_running_loop().create_task(ahead)

    async def next(self, request: ClaimRequest, queue_ids: Sequence[QueueId]) -> tuple[Pulled | None, bool]:
        """What to claim, and whether it was pulled before, so that there may be more. None: the record has to be asked."""
        if self._coming is not None and not self._kept:
            await asyncio.wait({self._coming})
        if self._kept:
            return self._take(request.free), True
        await self._in_step()
        try:
            pulled = await self._ready.pull(request.project_id, queue_ids, request.job_types, request.free)
        except Unavailable as error:
            logger.debug("the database hands out jobs: %s", error)
            return None, False
        return None if pulled.incomplete else pulled, False

    async def leave(self) -> None:
        """There is no further claim."""
        if self._coming is not None:
            await asyncio.wait({self._coming})
        self._return()

    async def _pull_ahead(self, request: ClaimRequest, queue_ids: Sequence[QueueId], wanted: int) -> None:
        try:
            await self._in_step()
            pulled = await self._ready.pull(
                request.project_id, queue_ids, request.job_types, wanted, waits=False
            )
        except Unavailable as error:
            logger.debug("nothing was pulled ahead: %s", error)
        else:
            self._keep(pulled)
        finally:
            self._coming = None

    def _keep(self, pulled: Pulled) -> None:
        if pulled.jobs or pulled.due:
            self._kept.append(pulled)
            self._wait_for_claim()

    def _take(self, most: int) -> Pulled:
        """What was pulled first, up to so many jobs."""
        pulled = self._kept.pop(0)
        if len(pulled.jobs) > most:
            self._kept.insert(0, pulled._replace(jobs=pulled.jobs[most:], due={}))
            pulled = pulled._replace(jobs=pulled.jobs[:most])
        self._wait_for_claim()
        return pulled

    def _wait_for_claim(self) -> None:
        self._stop_waiting()
        if self._kept:
            self._timer = asyncio.get_running_loop().call_later(KEPT_SECONDS, self._return)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _return(self) -> None:
        self._stop_waiting()
        self._full_claims = 0
        kept, self._kept = self._kept, []
        if job_ids := [job_id for pulled in kept for job_id in pulled.jobs]:
            self._give_back(self._queue_ids[0], job_ids)
