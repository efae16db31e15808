"""Deliveries and the jobs that carry them out, for whoever has a transaction: both are there, or neither is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.delivery import CONCURRENCY, DELIVER, MOST_TRIES, QUEUE, RETRIES, TRY_SECONDS
from taskforge.domain.job import NewJob
from taskforge.domain.keys import JobKeys
from taskforge.storage.codec import to_json
from taskforge.storage.engine import One, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from taskforge.domain.delivery import DeliveryCause
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.receiver import Message
    from taskforge.storage.jobs import SqlJobStore
    from taskforge.storage.queues import SqlQueueStore


class Telling:
    """Writes down what is to be told to whom."""

    def __init__(self, jobs: SqlJobStore, queues: SqlQueueStore, mint: Callable[[], UUID]) -> None:
        self._jobs = jobs
        self._queues = queues
        self._mint = mint

    def tell(
        self,
        project_id: ProjectId,
        receivers: Sequence[UUID],
        message: Message,
        cause: DeliveryCause,
        cause_id: UUID | None = None,
    ) -> Script[list[UUID]]:
        """One delivery to each receiver, which has the id of its job. Raises QueueClosed."""
        return (yield from self.tell_all(project_id, [(receivers, message, cause_id)], cause))

    def tell_all(
        self,
        project_id: ProjectId,
        told: Sequence[tuple[Sequence[UUID], Message, UUID | None]],
        cause: DeliveryCause,
    ) -> Script[list[UUID]]:
        """`tell` for several messages, each with its receivers and what it is about."""
        if not any(receivers for receivers, _, _ in told):
            return []
        queue = yield from self._queues.declared(project_id, QUEUE)
        jobs: list[NewJob] = []
        keys: dict[UUID, JobKeys] = {}
        for receivers, message, cause_id in told:
            content = to_json(message.to_json())
            for receiver_id in receivers:
                delivery_id = self._mint()
                yield One(
                    "insert_delivery",
                    {
                        "delivery_id": delivery_id,
                        "project_id": project_id,
                        "receiver_id": receiver_id,
                        "cause": cause.value,
                        "cause_id": cause_id,
                        "message": content,
                    },
                )
                jobs.append(
                    NewJob(
                        delivery_id,
                        queue.id,
                        DELIVER,
                        to_json({"type": message.type, "receiver_id": str(receiver_id)}),
                        max_attempts=MOST_TRIES,
                        retry_policy=to_json(RETRIES),
                        timeout_ms=round(TRY_SECONDS * 1000),
                    )
                )
                # so that one that is slow keeps nobody else waiting, and is not run over
                keys[delivery_id] = JobKeys(
                    concurrency_key=f"{QUEUE} {receiver_id}", concurrency_limit=CONCURRENCY
                )
        yield from self._jobs.accepting(project_id, jobs, keys, [])
        return [job.id for job in jobs]
