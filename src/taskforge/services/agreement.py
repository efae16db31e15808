"""Ready queues beside the record, and what makes them agree with it: job by job, at their heads, or as a whole.

Nothing depends on it for truth. What the record has and the queues have not is found when it would be next: at the head.
A worker that runs only some types may have its next job behind many of others, whose workers are slow or away: so what is
behind a full head is compared too, a part at each look.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from taskforge.domain.queue import QueueState
from taskforge.ports.jobs import Chore
from taskforge.ports.signals import Hint, Topic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.ports.dispatch import DispatchStore, Heads, ReadyQueues, Waiting
    from taskforge.ports.jobs import Outlook
    from taskforge.ports.queues import QueueStore
    from taskforge.ports.signals import Signals

HEAD = 100
PAGE = 1000
PAGES_BEHIND = 2
SCHEDULED_AT_MOST = 10_000
"""So many scheduled jobs of a queue are brought at a time, those that are due first; the rest follows in time."""
FILL_SECONDS = 60.0
UNDER_WAY_SECONDS = 0.2
"""For so long a job that a worker has pulled may be on its way to be claimed, or to be given back."""

logger = logging.getLogger("taskforge.dispatch")


class Agreement:
    """Makes the ready queues of one project agree with the record."""

    def __init__(
        self,
        store: DispatchStore,
        ready: ReadyQueues,
        queues: QueueStore,
        signals: Signals,
        project_id: ProjectId,
        *,
        under_way: float = UNDER_WAY_SECONDS,
    ) -> None:
        self._store = store
        self._ready = ready
        self._queues = queues
        self._signals = signals
        self._project_id = project_id
        self._under_way = under_way
        self._version = -1
        self._plain: frozenset[QueueId] = frozenset()
        self._served: Sequence[QueueId] = ()
        self._is_asked = True
        self._configuration = 0
        self._behind: dict[QueueId, Waiting] = {}

    async def on(
        self, queue_id: QueueId, job_ids: Sequence[UUID], *, due_us: int | None = None
    ) -> tuple[int, int]:
        """Put these jobs, of which this queue knows or should know, where the record has them.

        Scheduled ones that were due by ``due_us`` stay where they are: the record's clock is behind. Answers how many are
        ready now, and how many do not wait in this queue. Raises Unavailable.
        """
        found = await self._store.waiting(self._project_id, job_ids)
        by_queue: dict[QueueId, list[Waiting]] = {queue_id: []}
        for job in found:
            by_queue.setdefault(job.queue_id, []).append(job)
        here = {job.job_id for job in by_queue[queue_id]}
        gone = [job_id for job_id in job_ids if job_id not in here]
        for its_queue, jobs in by_queue.items():
            moving = [job for job in jobs if job.due_us is None or due_us is None or job.due_us > due_us]
            await self._ready.place(
                self._project_id, its_queue, moving, gone if its_queue == queue_id else ()
            )
        return sum(1 for job in found if job.due_us is None), len(gone)

    async def prune(self, queue_id: QueueId) -> int:
        """Take out of the queue's head what does not wait any more; answers how many. Raises Unavailable."""
        head = await self._ready.head(self._project_id, queue_id, PAGE)
        return (await self.on(queue_id, head))[1] if head else 0

    async def state(self) -> tuple[int, int]:
        """How many queues could be served from ready queues, and how many of them are not whole there. Raises Unavailable."""
        served = [
            queue.id
            for queue in await self._queues.list(self._project_id)
            if not queue.has_rule and queue.state is not QueueState.PAUSED
        ]
        return len(served), len(await self._ready.incomplete(self._project_id, served))

    def concerns(self, outlook: Outlook) -> bool:
        """Whether the record has something to compare, by what recovery was told: then the next `look` does it."""
        is_news = outlook.configuration != self._configuration
        self._configuration = outlook.configuration
        self._is_asked = self._is_asked or is_news or Chore.COMPARE in outlook.chores
        return self._is_asked

    async def look(self, interval: float) -> int | None:
        """A `round`, unless the record was not heard to have something to compare and ready queues have nothing either:
        then the record is asked nothing. Raises what `round` raises.
        """
        if not self._is_asked and (
            not self._ready.is_answering or await self._ready.are_empty(self._project_id, self._served)
        ):
            return None
        asked, self._is_asked = self._is_asked, False
        moved: int | None = None
        try:
            moved = await self.round(interval)
        finally:
            self._is_asked = self._is_asked or (asked and moved is None)
        return moved

    async def round(self, interval: float) -> int | None:
        """Compare all queues; how many jobs moved. None: another process did so within ``interval`` seconds, or they are away.

        Workers are told of what was missing, of jobs that the record hands out itself, and of a new configuration, since
        idle ones do not ask the record for its version. Raises what record and queues raise.
        """
        project = self._project_id
        if not self._ready.is_answering or not await self._ready.turn(project, "compare", interval):
            return None
        heads = await self._read_heads()
        if await self._ready.is_news(project, heads.version):
            self._signals.publish(Hint(Topic.QUEUE, project))
        for queue_id in await self._ready.others(project, self._plain):
            await self._ready.drop(project, queue_id)  # it is gone, or has a rule
        moved = 0
        broken = frozenset(await self._ready.incomplete(project, self._served))
        for queue_id in broken:
            moved += await self._fill(queue_id)
        moved += await self._compare([queue_id for queue_id in self._served if queue_id not in broken], heads)
        if moved:
            self._signals.publish(Hint(Topic.OFFERED, project))
        if heads.has_suspects:
            self._signals.publish(Hint(Topic.READY, project))
        return moved

    async def _read_heads(self) -> Heads:
        """One statement, unless the configuration is another one than that which was read last."""
        heads = await self._store.heads(self._project_id, self._served, HEAD)
        while heads.version != self._version:
            self._version = heads.version
            plain = [queue for queue in await self._queues.list(self._project_id) if not queue.has_rule]
            self._plain = frozenset(queue.id for queue in plain)
            self._served = [queue.id for queue in plain if queue.state is not QueueState.PAUSED]
            heads = await self._store.heads(self._project_id, self._served, HEAD)
        return heads

    async def _compare(self, queue_ids: Sequence[QueueId], heads: Heads) -> int:
        """Bring what is missing at the heads, and take out what should not be there."""
        pages: dict[QueueId, list[Waiting]] = {queue_id: [] for queue_id in queue_ids}
        for job in heads.waiting:
            if job.queue_id in pages:
                pages[job.queue_id].append(job)
        moved = 0
        missing: dict[QueueId, Sequence[Waiting]] = {}
        for queue_id, page in pages.items():
            missing[queue_id] = await self._missing(queue_id, page)
            head = await self._ready.head(self._project_id, queue_id, HEAD)
            known = {job.job_id for job in page if job.due_us is None}
            strange = [job_id for job_id in head if job_id not in known]
            if strange:
                moved += (await self.on(queue_id, strange))[1]
        if any(missing.values()):
            await asyncio.sleep(self._under_way)
        for queue_id, jobs in missing.items():
            moved += await self._bring_back(queue_id, jobs, pages[queue_id]) if jobs else 0
        return moved

    async def _missing(self, queue_id: QueueId, head: Sequence[Waiting]) -> Sequence[Waiting]:
        """What the ready queue lacks of the record's head and, unless it lacks most of that, of what is looked at behind it."""
        missing = await self._ready.lacking(self._project_id, queue_id, head)
        ready = [job for job in head if job.due_us is None]
        if len(ready) < HEAD:
            self._behind.pop(queue_id, None)
        elif not _is_most_of_a_head(missing):
            return [*missing, *await self._missing_behind(queue_id, max(ready, key=_place))]
        return missing

    async def _missing_behind(self, queue_id: QueueId, last_of_head: Waiting) -> Sequence[Waiting]:
        """What is missing in the next pages, after those of the look before; at the end, from the head anew.

        Not at a process's first look, which comes while its first jobs are handed out.
        """
        if queue_id not in self._behind:
            self._behind[queue_id] = last_of_head
            return []
        after = max(self._behind.pop(queue_id), last_of_head, key=_place)
        missing: list[Waiting] = []
        for _ in range(PAGES_BEHIND):
            page = await self._page(queue_id, after)
            missing += await self._ready.lacking(self._project_id, queue_id, page)
            after = page[-1] if len(page) == PAGE else last_of_head
            if after is last_of_head:
                break
        self._behind[queue_id] = after
        return missing

    async def _bring_back(
        self, queue_id: QueueId, missing: Sequence[Waiting], head: Sequence[Waiting]
    ) -> int:
        """What is missing, and more if most of the head is: without what a worker had just pulled and has claimed by now. If that
        came back, it would be claimed in vain.
        """
        waiting = await self._store.waiting(self._project_id, [job.job_id for job in missing])
        here = [job for job in waiting if job.queue_id == queue_id]
        lost = await self._ready.lacking(self._project_id, queue_id, here)
        await self._ready.place(self._project_id, queue_id, lost)
        ready = [job for job in head if job.due_us is None]
        if len(ready) == HEAD and _is_most_of_a_head(lost):
            return len(lost) + await self._bring(queue_id, max(ready, key=_place))
        return len(lost)

    async def _fill(self, queue_id: QueueId) -> int:
        """Bring all that waits. Until then the record hands it out.

        Where as many are there already, their producers have told of them: what is missing all the same shows at the head.
        """
        if not await self._ready.turn(self._project_id, f"fill {queue_id}", FILL_SECONDS):
            return 0
        before = await self._ready.size(self._project_id, queue_id)
        waiting = await self._store.count_ready(self._project_id, queue_id)
        after = await self._ready.size(self._project_id, queue_id)
        lacks_some = max(before, after) < waiting  # workers take some out meanwhile, producers put some in
        brought = await self._bring(queue_id, None, all_of_them=lacks_some)
        scheduled = await self._store.scheduled_head(self._project_id, [queue_id], SCHEDULED_AT_MOST)
        await self._ready.place(self._project_id, queue_id, scheduled, whole=True)
        await self._ready.end_turn(self._project_id, f"fill {queue_id}")
        logger.info("queue %s is served from its ready queue, with %d jobs", queue_id, brought)
        return brought + len(scheduled)

    async def _bring(self, queue_id: QueueId, after: Waiting | None, *, all_of_them: bool = False) -> int:
        """Bring ready jobs page by page, to the end or until most of a page was there already."""
        brought = 0
        while True:
            page = await self._page(queue_id, after)
            missing = await self._ready.lacking(self._project_id, queue_id, page)
            await self._ready.place(self._project_id, queue_id, missing)
            brought += len(missing)
            if len(page) < PAGE or not (all_of_them or len(missing) * 2 > PAGE):
                return brought
            after = page[-1]

    async def _page(self, queue_id: QueueId, after: Waiting | None) -> Sequence[Waiting]:
        """The ready jobs after that one, in order."""
        return sorted(await self._store.ready_page(self._project_id, [queue_id], after, PAGE), key=_place)


def _is_most_of_a_head(jobs: Sequence[Waiting]) -> bool:
    return len([job for job in jobs if job.due_us is None]) * 2 > HEAD


def _place(job: Waiting) -> tuple[int, UUID]:
    return job.rank, job.job_id
