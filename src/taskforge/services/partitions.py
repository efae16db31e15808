"""Days of executions and log lines: made ahead, and dropped whole when nothing needs them any more.

A day of a class is dropped when the youngest of its rows is older than what that class is kept for anywhere. Before,
the rows whose job is still there are moved away, page by page: those of queues that keep longer, of jobs that ended
later, and the lines of what did not succeed. So no execution goes before its job.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from taskforge.domain.retention import PRUNED, end_of_day

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from taskforge.domain.job import JobStatus
    from taskforge.ports.partitions import Kept, Partition, PartitionStore

DAYS_AHEAD = 4
"""For so many days, today first, there are partitions."""
SLACK = timedelta(hours=1)
"""A day is dropped so long after its last row may go: jobs that ran over midnight are pruned by then."""
PAGE = 2_000
TRIES, PAUSE_SECONDS = 20, 0.1
"""A drop that would make others wait is tried again so often, and then in the next round."""
KEPT = "kept"

logger = logging.getLogger("taskforge.retention")


class Partitions:
    """The partitions of a database that has them."""

    def __init__(self, store: PartitionStore) -> None:
        self._store = store

    async def make_ahead(self) -> int:
        """See that the next days have their partitions; answers how many were made."""
        return await self._store.make(DAYS_AHEAD)

    async def due(self, now: datetime, ages: Mapping[JobStatus, timedelta]) -> Sequence[Partition]:
        """Those whose rows are all older than their class is kept."""
        return [
            leaf
            for leaf in await self._store.all()
            if leaf.day is not None and end_of_day(leaf.day) + ages[leaf.outcome] + SLACK <= now
        ]

    async def drop_old(self, now: datetime, ages: Mapping[JobStatus, timedelta]) -> list[str]:
        """Drop what is due, as far as nobody has to wait for it; answers the names."""
        days: defaultdict[tuple[date, JobStatus], list[Partition]] = defaultdict(list)
        for leaf in await self.due(now, ages):
            if leaf.day is not None:
                days[leaf.day, leaf.outcome].append(leaf)
        dropped: list[str] = []
        for (day, outcome), leaves in sorted(days.items()):
            until = end_of_day(day)
            if await self._store.is_still_written(until):
                logger.info("executions of %s are still running: its partitions stay", day)
                return dropped
            start = until - timedelta(days=1)
            await self._keep(outcome, start, until)
            # lines first: they find their executions
            ordered = sorted(leaves, key=lambda leaf: leaf.table, reverse=True)
            dropped += [leaf.name for leaf in ordered if await self._drop(leaf.name)]
        return dropped

    async def _keep(self, outcome: JobStatus, start: datetime, until: datetime) -> None:
        await _walk(lambda after: self._store.keep_executions(outcome, start, until, after, PAGE))
        for to in [*(other.value for other in PRUNED[PRUNED.index(outcome) + 1 :]), KEPT]:

            async def page(after: UUID | None, to: str = to) -> Kept:
                return await self._store.keep_lines(outcome, to, start, until, after, PAGE)

            await _walk(page)

    async def _drop(self, name: str) -> bool:
        for _ in range(TRIES):
            if await self._store.drop(name):
                logger.info("dropped partition %s", name)
                return True
            await asyncio.sleep(PAUSE_SECONDS)
        logger.info("partition %s is in use: it is dropped another time", name)
        return False


async def _walk(page: Callable[[UUID | None], Awaitable[Kept]]) -> None:
    after: UUID | None = None
    while True:
        after = (await page(after)).last
        if after is None:
            return
