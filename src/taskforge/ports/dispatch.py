"""How ready jobs come to workers. The record may hand them out itself, or a faster place beside it that may be lost.

Such a place holds *hints* of which jobs are ready and in which order. What it hands out is claimed by a guarded
statement of the record; what it lacks is brought by whoever compares the two. So whatever it forgets, repeats or makes
up costs time only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.domain.job import NewJob
    from taskforge.ports.jobs import ClaimBatch, ClaimRequest, ClaimTaker
    from taskforge.ports.signals import Hint


class Dispatch(Protocol):
    """Where a worker gets its jobs from."""

    async def claim(self, request: ClaimRequest) -> ClaimBatch:
        """Take what may run, in the order of queue priority, rank, id. Raises what the record raises."""
        ...

    def stand_by(self, request: ClaimRequest, take: ClaimTaker) -> Callable[[], bool] | None:
        """``JobStore.stand_by``, where the record hands out its jobs."""
        ...

    def heard(self, hint: Hint | None) -> None:
        """Something may have changed."""
        ...

    def returned(self, queue_id: QueueId, job_ids: Sequence[UUID]) -> bool:
        """Jobs whose attempt ended wait again in this queue. Whether it sees to it that workers are told."""
        ...

    async def leave(self) -> None:
        """The worker claims no more."""
        ...


class Offers(Protocol):
    """Where accepted jobs are told of."""

    def offer(self, jobs: Sequence[NewJob]) -> None:
        """These were stored and committed: whoever can run them is told, soon. Never waits and never raises."""
        ...


class Offer(NamedTuple):
    """A job as its producer knows it: due at a moment, or after a delay; ``lead_us`` is how far priority brings it forward.

    All times are microseconds, moments since 1970.
    """

    job_id: UUID
    job_type: str
    due_us: int | None
    delay_us: int
    lead_us: int


class Waiting(NamedTuple):
    """A waiting job as the record has it. ``due_us`` None: it is ready, in the order of ``rank``; else scheduled."""

    job_id: UUID
    queue_id: QueueId
    job_type: str
    rank: int
    due_us: int | None


class Heads(NamedTuple):
    """What the record has at the heads of some queues.

    ``version`` is that of the project's configuration; ``has_suspects``: jobs that have lost a worker wait there, which the
    record hands out itself.
    """

    waiting: Sequence[Waiting]
    version: int
    has_suspects: bool


class Pulled(NamedTuple):
    """What ready queues handed out.

    ``due`` are scheduled jobs whose time has come, by queue: to be promoted; others get them again if that is not done.
    ``incomplete`` are queues that are not all there; while there are any, nothing is handed out. ``gave_up``: so many
    jobs of other types stand in front that it stopped looking.
    """

    now_us: int
    jobs: Sequence[UUID]
    due: Mapping[QueueId, Sequence[UUID]]
    next_due_us: int | None
    incomplete: Sequence[QueueId]
    gave_up: bool


class ReadyQueues(Protocol):
    """The place beside the record. Every method but the property raises Unavailable when it does not answer."""

    @property
    def is_answering(self) -> bool:
        """Whether it is worth asking now."""
        ...

    async def offer(self, project_id: ProjectId, queue_id: QueueId, offers: Sequence[Offer]) -> bool:
        """Put jobs where they belong by its own clock, and tell other processes (``Topic.OFFERED``).

        Answers whether the only one was handed to a worker that waited for it: then nobody is told.
        """
        ...

    async def pull(
        self,
        project_id: ProjectId,
        queue_ids: Sequence[QueueId],
        job_types: Sequence[str],
        wanted: int,
        *,
        waits: bool = True,
    ) -> Pulled:
        """Take up to ``wanted`` jobs out of these queues, which are in the order in which they are served.

        Who ``waits`` and gets less may be handed the next one.
        """
        ...

    async def place(
        self,
        project_id: ProjectId,
        queue_id: QueueId,
        waiting: Sequence[Waiting],
        gone: Collection[UUID] = (),
        *,
        whole: bool = False,
    ) -> None:
        """Put jobs where the record has them, and take out those that do not wait there. ``whole``: now all are there."""
        ...

    async def lacking(
        self, project_id: ProjectId, queue_id: QueueId, waiting: Sequence[Waiting]
    ) -> Sequence[Waiting]:
        """Those that are missing, or stand in a place that is not theirs."""
        ...

    async def head(self, project_id: ProjectId, queue_id: QueueId, limit: int) -> Sequence[UUID]:
        """The ready jobs that would be handed out first."""
        ...

    async def size(self, project_id: ProjectId, queue_id: QueueId) -> int:
        """How many ready jobs it has."""
        ...

    async def incomplete(self, project_id: ProjectId, queue_ids: Sequence[QueueId]) -> Sequence[QueueId]:
        """Those of these queues that are not all there."""
        ...

    async def are_empty(self, project_id: ProjectId, queue_ids: Sequence[QueueId]) -> bool:
        """Whether all of these queues are all there, and have no ready job."""
        ...

    async def drop(self, project_id: ProjectId, queue_id: QueueId) -> None:
        """Forget a queue."""
        ...

    async def others(self, project_id: ProjectId, queue_ids: Collection[QueueId]) -> Sequence[QueueId]:
        """The queues that it has beside these."""
        ...

    async def is_news(self, project_id: ProjectId, version: int) -> bool:
        """Note the version of the project's configuration; whether another one was noted before."""
        ...

    async def turn(self, project_id: ProjectId, name: str, seconds: float) -> bool:
        """Whether it is the caller's turn: one of all who ask within that time is told so."""
        ...

    async def end_turn(self, project_id: ProjectId, name: str) -> None:
        """Let the next one have it."""
        ...


class DispatchStore(Protocol):
    """What the record does for another dispatcher."""

    async def claim_these(self, request: ClaimRequest, job_ids: Sequence[UUID]) -> ClaimBatch:
        """Claim those of these jobs that the request could claim; ``next_due_at`` is not looked up."""
        ...

    async def waiting(self, project_id: ProjectId, job_ids: Sequence[UUID]) -> Sequence[Waiting]:
        """Those of these jobs that may be claimed, or are scheduled."""
        ...

    async def ready_page(
        self, project_id: ProjectId, queue_ids: Sequence[QueueId], after: Waiting | None, limit: int
    ) -> Sequence[Waiting]:
        """The first ``limit`` jobs of each queue that may be claimed, after that one."""
        ...

    async def count_ready(self, project_id: ProjectId, queue_id: QueueId) -> int:
        """How many jobs of a queue may be claimed. It counts them one by one."""
        ...

    async def scheduled_head(
        self, project_id: ProjectId, queue_ids: Sequence[QueueId], limit: int
    ) -> Sequence[Waiting]:
        """The first ``limit`` scheduled jobs of each queue."""
        ...

    async def heads(self, project_id: ProjectId, queue_ids: Sequence[QueueId], limit: int) -> Heads:
        """The first ``limit`` ready and scheduled jobs of each queue."""
        ...
