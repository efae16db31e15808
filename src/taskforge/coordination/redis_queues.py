"""Ready queues in Redis (``ports.dispatch``): for each queue its ready jobs by rank, scheduled ones by time, types of both.

All of a project lies in one slot of a cluster. What is done to a queue is one script.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.coordination.hints import CHANNEL, written
from taskforge.domain.ids import QueueId, uuid_of
from taskforge.ports.dispatch import Pulled, Waiting
from taskforge.ports.signals import Hint, Topic

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from taskforge.coordination.redis_server import RedisServer
    from taskforge.domain.ids import ProjectId
    from taskforge.ports.dispatch import Offer

DUE_SECONDS = 1.0
"""For so long a due job is left to the worker that was told of it first."""
LOOK_AT = 2000
WAITING_SECONDS = 15.0
"""For so long after it has asked in vain a worker may be handed a job; it asks again every poll interval."""
AGAIN_SECONDS = 0.01
CHUNK = 500
ID_LENGTH = 32
PLACE_US = 1_000_000
"""A rank that differs by less is not worth a correction: a producer's is estimated."""


class RedisReadyQueues:
    """Implements ``ReadyQueues``."""

    def __init__(self, server: RedisServer, *, due_seconds: float = DUE_SECONDS) -> None:
        self._server = server
        self._due_us = round(due_seconds * 1_000_000)
        self._offer = server.script("offer_jobs")
        self._pull = server.script("pull_jobs")
        self._place = server.script("place_jobs")
        self._look = server.script("look_at_jobs")

    @property
    def is_answering(self) -> bool:
        return self._server.is_answering

    async def offer(self, project_id: ProjectId, queue_id: QueueId, offers: Sequence[Offer]) -> bool:
        keys = self._keys(project_id, queue_id)
        notice = written(Hint(Topic.OFFERED, project_id, queue_id), "offer")
        is_handed = 0
        for chunk in _chunks(offers):
            args: list[Any] = [self._server.channel(CHANNEL), notice, f"{project_id} {queue_id} "]
            for offer in chunk:
                due = "" if offer.due_us is None else offer.due_us
                args += (offer.job_id.hex, offer.job_type, due, offer.delay_us, offer.lead_us)
            is_handed = await self._server.run(self._offer, keys, args)
        return len(offers) == 1 and bool(is_handed)

    async def pull(
        self,
        project_id: ProjectId,
        queue_ids: Sequence[QueueId],
        job_types: Sequence[str],
        wanted: int,
        *,
        waits: bool = True,
    ) -> Pulled:
        if handed := self._handed(project_id, queue_ids, job_types, wanted):
            return Pulled(0, handed, {}, None, [], False)
        keys = [key for queue_id in queue_ids for key in self._keys(project_id, queue_id)]
        inbox = self._server.inbox if waits else ""
        args = [wanted, LOOK_AT, self._due_us, inbox, round(WAITING_SECONDS * 1_000_000), *job_types]
        answer = await self._server.run(self._pull, keys, args)
        now, next_due, broken, due, jobs, gave_up = answer
        due_by_queue: dict[QueueId, list[UUID]] = {}
        for number, text in zip(due[::2], due[1::2], strict=True):
            due_by_queue.setdefault(queue_ids[number - 1], []).append(UUID(text))
        return Pulled(
            int(now),
            [uuid_of(int(jobs[at : at + ID_LENGTH], 16)) for at in range(0, len(jobs), ID_LENGTH)],
            due_by_queue,
            int(next_due) if next_due else None,
            [queue_ids[number - 1] for number in broken],
            bool(gave_up),
        )

    def _handed(
        self, project_id: ProjectId, queue_ids: Sequence[QueueId], job_types: Sequence[str], wanted: int
    ) -> list[UUID]:
        """Jobs that are here already. Who was handed some waits no longer, and asks again when they have begun."""
        handed = self._server.handed
        found = [
            job
            for job in handed
            if job.project_id == project_id and job.queue_id in queue_ids and job.job_type in job_types
        ][:wanted]
        for job in found:
            handed.remove(job)
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._server.look_again, job)
        return [job.job_id for job in found]

    async def place(
        self,
        project_id: ProjectId,
        queue_id: QueueId,
        waiting: Sequence[Waiting],
        gone: Collection[UUID] = (),
        *,
        whole: bool = False,
    ) -> None:
        keys = self._keys(project_id, queue_id)
        moves: list[tuple[str, str, str, int]] = [
            (job.job_id.hex, job.job_type, "ready", job.rank)
            if job.due_us is None
            else (job.job_id.hex, job.job_type, "scheduled", job.due_us)
            for job in waiting
        ]
        moves += [(job_id.hex, "", "gone", 0) for job_id in gone]
        for chunk in _chunks(moves):
            await self._server.run(self._place, keys, ["0", *(value for move in chunk for value in move)])
        if whole:
            await self._server.run(self._place, keys, ["1"])
            known = self._server.key(project_id, "queues")
            await self._server.ask(lambda client: client.sadd(known, str(queue_id)))

    async def lacking(
        self, project_id: ProjectId, queue_id: QueueId, waiting: Sequence[Waiting]
    ) -> Sequence[Waiting]:
        if not waiting:
            return []
        ready, scheduled, _ = self._keys(project_id, queue_id)
        lacking: list[Waiting] = []
        for key, jobs in (
            (ready, [job for job in waiting if job.due_us is None]),
            (scheduled, [job for job in waiting if job.due_us is not None]),
        ):
            if jobs:
                scores = await self._scores(key, [job.job_id.hex for job in jobs])
                lacking += [job for job, score in zip(jobs, scores, strict=True) if not _is_there(job, score)]
        return lacking

    async def head(self, project_id: ProjectId, queue_id: QueueId, limit: int) -> Sequence[UUID]:
        ready = self._keys(project_id, queue_id)[0]
        found: Any = await self._server.ask(lambda client: client.zrange(ready, 0, limit))
        return [UUID(text) for text in found if text]

    async def size(self, project_id: ProjectId, queue_id: QueueId) -> int:
        ready = self._keys(project_id, queue_id)[0]
        return int(await self._server.ask(lambda client: client.zcount(ready, "(-inf", "+inf")))

    async def incomplete(self, project_id: ProjectId, queue_ids: Sequence[QueueId]) -> Sequence[QueueId]:
        return (await self._look_at(project_id, queue_ids))[0]

    async def are_empty(self, project_id: ProjectId, queue_ids: Sequence[QueueId]) -> bool:
        incomplete, jobs = await self._look_at(project_id, queue_ids)
        return not (incomplete or jobs)

    async def _look_at(
        self, project_id: ProjectId, queue_ids: Sequence[QueueId]
    ) -> tuple[Sequence[QueueId], int]:
        if not queue_ids:
            return [], 0
        keys = [key for queue_id in queue_ids for key in self._keys(project_id, queue_id)]
        broken, jobs = await self._server.run(self._look, keys, [])
        return [queue_ids[number - 1] for number in broken], jobs

    async def drop(self, project_id: ProjectId, queue_id: QueueId) -> None:
        keys, known = self._keys(project_id, queue_id), self._server.key(project_id, "queues")
        await self._server.ask(lambda client: client.unlink(*keys))
        await self._server.ask(lambda client: client.srem(known, str(queue_id)))

    async def others(self, project_id: ProjectId, queue_ids: Collection[QueueId]) -> Sequence[QueueId]:
        known = self._server.key(project_id, "queues")
        found: Any = await self._server.ask(lambda client: client.smembers(known))
        return [QueueId(UUID(text)) for text in found if UUID(text) not in queue_ids]

    async def is_news(self, project_id: ProjectId, version: int) -> bool:
        key = self._server.key(project_id, "configuration")
        noted: Any = await self._server.ask(lambda client: client.getset(key, version))
        return noted is not None and str(noted) != str(version)

    async def turn(self, project_id: ProjectId, name: str, seconds: float) -> bool:
        key, milliseconds = self._server.key(project_id, "turn", name), max(1, round(seconds * 1000))
        return bool(await self._server.ask(lambda client: client.set(key, "1", nx=True, px=milliseconds)))

    async def end_turn(self, project_id: ProjectId, name: str) -> None:
        key = self._server.key(project_id, "turn", name)
        await self._server.ask(lambda client: client.delete(key))

    def _keys(self, project_id: ProjectId, queue_id: QueueId) -> list[str]:
        return [self._server.key(project_id, kind, str(queue_id)) for kind in ("ready", "scheduled", "types")]

    async def _scores(self, key: str, members: list[str]) -> Sequence[float | None]:
        scores: Sequence[float | None] = await self._server.ask(lambda client: client.zmscore(key, members))
        return scores


def _is_there(job: Waiting, score: float | None) -> bool:
    return score is not None and abs(score - (job.rank if job.due_us is None else job.due_us)) < PLACE_US


def _chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
