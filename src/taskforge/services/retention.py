"""Forgetting: finished jobs that are old enough, with all that belongs to them, and nothing else.

Runs beside every worker, without a leader: whoever finds the work due takes it. Each batch is a transaction of its
own, guarded by status and age, so that it may be broken off anywhere and done by several at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from taskforge.domain.ids import born

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.retention import Retention
    from taskforge.ports.jobs import Outlook
    from taskforge.ports.retention import Archive, FinishedLine, RetentionStore
    from taskforge.services.partitions import Partitions

CHORE = "retention"
COUNT_BOUND = 100_000
OPERATIONS_DAYS = 30
"""For so long it is told what became of a bulk operation."""
TIDY_INTERVAL = 3600.0
"""Seconds after which a process looks beside the jobs again when it is its turn: mostly there is nothing. So long it rests
at most where nothing can be old enough before."""

logger = logging.getLogger("taskforge.retention")


@dataclass(slots=True)
class Pruned:
    """What one round did: jobs by queue (None: the queue is gone) and status, files written, partitions."""

    jobs: dict[tuple[str | None, str], int] = field(default_factory=dict)
    archived: list[str] = field(default_factory=list)
    made: int = 0
    dropped: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All jobs."""
        return sum(self.jobs.values())


class Pruning:
    """Looks after all projects of a database. ``interval`` is seconds, ``batch`` jobs.

    ``before`` is done before jobs are removed: what is to outlive them is copied.
    """

    def __init__(
        self,
        store: RetentionStore,
        retention: Retention,
        *,
        partitions: Partitions | None = None,
        archive: Archive | None = None,
        interval: float = 60.0,
        batch: int = 1000,
        before: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._store = store
        self._retention = retention
        self._partitions = partitions
        self._archive = archive
        self._interval = interval
        self._batch = batch
        self._before = before
        self._tidy_at = 0.0
        self._rests_until = 0.0
        self._configuration: int | None = None

    def hear(self, outlook: Outlook) -> None:
        """Of every look: where queues were changed, jobs may be kept for less time than was thought."""
        if outlook.configuration != self._configuration:
            self._configuration, self._rests_until = outlook.configuration, 0.0

    async def round(self) -> Pruned | None:
        """Prune what is old, if it is due and nobody else does it; None when not. Now and then, all that `prune` does."""
        if time.monotonic() < self._rests_until:
            return None
        if not await self._store.take_chore(CHORE, round(self._interval * 1_000_000)):
            return None
        if time.monotonic() < self._tidy_at:
            pruned = Pruned()
            await self._prune_jobs(pruned)
        else:
            pruned = await self.prune()
            self._tidy_at = time.monotonic() + TIDY_INTERVAL
        if pruned.total or pruned.dropped:
            logger.info("pruned %d jobs, dropped %d partitions", pruned.total, len(pruned.dropped))
        return pruned

    async def prune(self) -> Pruned:
        """Make partitions ahead, prune what is old, drop the days that nothing needs any more, and what lies beside jobs.

        Works half of the time at most. Raises ArchiveFailed: what could not be archived stays.
        """
        pruned = Pruned()
        if self._partitions is not None:
            pruned.made = await self._partitions.make_ahead()
        if self._before is not None:
            await self._before()
        await self._prune_jobs(pruned)
        if self._partitions is not None:
            ages = self._retention.least_ages(await self._store.queue_settings())
            pruned.dropped = await self._partitions.drop_old(await self._store.now(), ages)
        await self._store.forget_requests(round(OPERATIONS_DAYS * 86_400e6))
        return pruned

    async def _prune_jobs(self, pruned: Pruned) -> None:
        lines = await self._store.lines()
        now = await self._store.now()
        for line in lines:
            await self._prune_line(line, now, pruned)
        if pruned.total:
            await self._store.give_back_space()
        else:
            await self._rest(lines, now)

    async def _rest(self, lines: Sequence[FinishedLine], now: datetime) -> None:
        """Until something may be old enough: of what is there, which was made before it ended, or ends from now on."""
        left = [
            born(line.first) + self._retention.age(line.status, line.settings).total_seconds()
            for line in lines
            if line.first is not None
        ]
        seconds = min(left) - now.timestamp() if left else TIDY_INTERVAL
        if seconds > self._interval:
            ages = self._retention.least_ages(await self._store.queue_settings()).values()
            seconds = min(seconds, TIDY_INTERVAL, *(age.total_seconds() for age in ages))
            self._rests_until = time.monotonic() + seconds

    async def preview(self, bound: int = COUNT_BOUND) -> Pruned:
        """What `prune` would do now; jobs are counted up to ``bound`` for each queue and status."""
        found = Pruned()
        now = await self._store.now()
        for line in await self._store.lines():
            cutoff = now - self._retention.age(line.status, line.settings)
            after: UUID | None = None
            while True:
                page = await self._store.page(line, cutoff, after, self._batch)
                _count(found, line, len(page.ids))
                after = page.last
                if after is None or found.jobs.get((line.name, line.status.value), 0) >= bound:
                    break
        if self._partitions is not None:
            ages = self._retention.least_ages(await self._store.queue_settings())
            found.dropped = [leaf.name for leaf in await self._partitions.due(now, ages)]
        return found

    async def _prune_line(self, line: FinishedLine, now: datetime, pruned: Pruned) -> None:
        cutoff = now - self._retention.age(line.status, line.settings)
        after: UUID | None = None
        while True:
            began = time.monotonic()
            page = await self._store.page(line, cutoff, after, self._batch)
            if page.ids:
                if self._before is not None and not pruned.total:
                    await self._before()
                if self._archive is not None and page.project_id is not None:
                    records = await self._store.records(page.project_id, page.ids)
                    pruned.archived.append(await self._archive.write(records))
                _count(pruned, line, await self._store.prune(line.status, cutoff, page.ids))
            if page.last is None:
                return
            after = page.last
            await asyncio.sleep(time.monotonic() - began)


def _count(pruned: Pruned, line: FinishedLine, jobs: int) -> None:
    if jobs:
        key = line.name, line.status.value
        pruned.jobs[key] = pruned.jobs.get(key, 0) + jobs


def sorted_counts(pruned: Pruned) -> Sequence[tuple[str | None, str, int]]:
    """Queue, status and jobs, by name."""
    return sorted(((queue, status, jobs) for (queue, status), jobs in pruned.jobs.items()), key=str)
