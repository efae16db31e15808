"""The live side of the store: jobs that are accepted, claimed, run and settled."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias
from uuid import UUID

from taskforge.domain.execution import LogLine

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from taskforge.domain.ids import JobId, ProjectId, QueueId, WorkerId
    from taskforge.domain.job import ClaimedJob, JobStatus, NewJob
    from taskforge.domain.keys import ConcurrencyKey, JobKeys
    from taskforge.domain.lifecycle import Transition
    from taskforge.domain.queue import QueueBound
    from taskforge.domain.worker import Incidents, ProcessIdentity, Usage

FencedLine: TypeAlias = tuple[UUID, int, UUID, LogLine]
"""A line for the log of an execution: job id, claim_seq and execution id, then the line."""


class Fence(NamedTuple):
    """The proof of a lease: both the number and the id, since a restored database can repeat a number."""

    job_id: UUID
    claim_seq: int
    execution_id: UUID


Overdue: TypeAlias = Literal["due", "late", "held"]
"""Jobs that recovery moves: scheduled ones that are due, those that waited too long, those held in vain."""


class Accepted(NamedTuple):
    """What stands now: each job's own id, or that of the job that had its key. ``dropped``: jobs that made room."""

    standing: Mapping[UUID, UUID]
    dropped: int


class ClaimRequest(NamedTuple):
    """What a worker asks for: up to ``free`` jobs of these queues and types, of them ``suspects`` at most
    that have lost a worker before.

    ``ruled`` are those of the queues that are known to have a rule; one that has a rule and is not among
    them is left out. Where there are any, ``queue_ids`` are in the order in which they are served.
    ``needs`` are requirements of jobs that the worker meets, ``second_best`` those of jobs that prefer others.
    ``fair``: those of the ruled ones whose lines take turns, as far as is known.
    """

    project_id: ProjectId
    worker_id: WorkerId
    queue_ids: Sequence[QueueId]
    job_types: Sequence[str]
    free: int
    suspects: int
    lease_us: int
    ruled: Sequence[QueueId] = ()
    needs: Sequence[str] = ()
    second_best: Sequence[str] = ()
    is_expected: bool = True
    fair: Sequence[QueueId] = ()


class ClaimBatch(NamedTuple):
    """What it got, and when to ask again.

    ``next_due_at`` is the first scheduled job of these queues, ``next_start_at`` the moment at which a rate
    that is used up allows a start again (``now``: another claimer was at the gate of one of them). ``news``: queues where
    jobs are kept for other workers, who should hear of it. ``wanted``: as many slots have to be free for the next job;
    0 when it does not lack slots. ``is_expected``: a queue may keep turns for the claimer, which has said it has room.
    """

    jobs: Sequence[ClaimedJob]
    now: datetime
    next_due_at: datetime | None
    config_version: int
    next_start_at: datetime | None = None
    news: Sequence[QueueId] = ()
    wanted: int = 0
    is_expected: bool = True


ClaimTaker: TypeAlias = Callable[[ClaimBatch | None, float], None]
"""Gets what a claim that stood by was answered, and a moment of the monotonic clock before its leases began.

None: it failed, or nobody knows; something may have been claimed.
"""


class Settlement(NamedTuple):
    """A decided Transition with the fence that guards it and what the worker measured.

    ``wait_us`` is from the claim to the handler's begin, ``waited_us`` from when the job was due.
    ``lost_only`` guards a loss once more: the lease must have run out, or its worker be among the dead.
    With a ``concurrency_key`` the end of the attempt gives the job's place to who waits longest.
    ``is_watched``: the job's queue may have somebody told of its end.
    """

    job_id: UUID
    claim_seq: int
    execution_id: UUID
    transition: Transition
    wait_us: int | None
    duration_us: int | None
    lines: Sequence[LogLine] = ()
    state: str | None = None
    lost_only: bool = False
    concurrency_key: ConcurrencyKey | None = None
    waited_us: int | None = None
    job_type: str | None = None
    is_watched: bool = False


class Beat(NamedTuple):
    """A sign of life of one execution. ``signed``: the handler itself gave it (heartbeat or progress)."""

    job_id: UUID
    claim_seq: int
    execution_id: UUID
    started: bool
    signed: bool
    progress: str | None
    state: str | None


class BeatAnswer(NamedTuple):
    """Which executions are still this worker's, which of these someone wants cancelled, and whether to leave.

    ``capacity``: how many jobs it may run at once by now; None of a worker that is not known.
    """

    alive: frozenset[UUID]
    cancel: frozenset[UUID]
    drain: bool
    capacity: int | None = None


class ExpiredLease(NamedTuple):
    """A processing job whose worker is gone, as recovery reads it before it decides."""

    job_id: UUID
    project_id: ProjectId
    queue_id: QueueId
    claim_seq: int
    execution_id: UUID
    worker_id: UUID
    attempt: int
    losses: int
    max_attempts: int | None
    manual_retries: int
    cancel_requested: bool
    has_suspect_neighbour: bool
    concurrency_key: str | None = None
    job_type: str | None = None


class Chore(StrEnum):
    """What every process looks after beside recovery."""

    FOLD = "fold"
    SEAL = "seal"
    ALERT = "alert"
    DELIVER = "deliver"
    COMPARE = "compare"
    SAMPLE = "sample"


class Question(NamedTuple):
    """What ``JobStore.outlook`` is asked; one that nobody waits for an answer to is asked for as little as there is."""

    machine: str = ""
    silence_us: int = 10**15
    soon_us: int = 0


class IdleBeat(NamedTuple):
    """The heartbeat of a worker without jobs. ``usage`` (without tasks) is a sample to be stored with it."""

    worker_id: WorkerId
    incidents: Incidents | None = None
    usage: Usage | None = None


class Outlook(NamedTuple):
    """What recovery would find: which kinds of work there are, and who is registered on this machine; and which
    chores wait.

    ``configuration`` is another number whenever that of a project has changed. ``ready``: jobs that might be claimed,
    now or soon. ``answer`` is that to the heartbeat that asked.
    """

    expired_leases: bool
    due: bool
    late: bool
    held: bool
    unfinished_pauses: bool
    silent_workers: bool
    keyed: bool
    has_breakers: bool
    present: Sequence[tuple[WorkerId, ProcessIdentity]]
    chores: frozenset[Chore] = frozenset()
    configuration: int = 0
    ready: bool = True
    answer: BeatAnswer | None = None


class JobStore(Protocol):
    """Verbs are transitions, guarded by expected status and fence; there is no general update."""

    @property
    def has_one_writer(self) -> bool:
        """Whether statements that write wait for each other, and not only where they write the same."""
        ...

    async def accept(
        self, project_id: ProjectId, jobs: Sequence[NewJob], *, hint: str | None = None
    ) -> frozenset[UUID]:
        """Store each job that its queue takes, in one statement; answer the ids that are stored now.

        ``hint`` (``Signals.inline``) is sent with the commit.
        Idempotent by job id. An id is missing when its queue is gone or closed.
        """
        ...

    async def accept_all(self, project_id: ProjectId, jobs: Sequence[NewJob]) -> None:
        """Store all jobs in one transaction, or none. Raises QueueClosed or NotFound for the first refused."""
        ...

    async def accept_ruled(
        self,
        project_id: ProjectId,
        jobs: Sequence[NewJob],
        *,
        keys: Mapping[UUID, JobKeys],
        bounds: Sequence[QueueBound],
    ) -> Accepted:
        """`accept_all` for jobs with keys (by job id), or of bounded queues (those that the jobs go to).

        A job whose key is taken is not stored: the answer names the job that has it. Also raises QueueFull.
        """
        ...

    async def claim(self, request: ClaimRequest) -> ClaimBatch:
        """Promote what is due, then take what may run, in the order of queue priority, rank, id."""
        ...

    async def rehearse(self, request: ClaimRequest) -> None:
        """Nothing is to be claimed: use the moment to make the next claims and settlements as quick as they can be."""
        ...

    def stand_by(self, request: ClaimRequest, take: ClaimTaker) -> Callable[[], bool] | None:
        """Claim a single job that is accepted here in the transaction that stores it: once, for queues without rules.

        ``take`` is called soon after it. Answers the way to withdraw, which says whether that is
        certain: False while a job is being stored, ``take`` is yet to be called. None where that is no gain.
        """
        ...

    async def settle(
        self, settlements: Sequence[Settlement], *, dead_workers: Sequence[WorkerId] = ()
    ) -> frozenset[UUID]:
        """End attempts in one transaction; answer the execution ids that still held their fence."""
        ...

    async def beat(
        self,
        worker_id: WorkerId,
        beats: Sequence[Beat],
        lease_us: int,
        incidents: Incidents | None = None,
    ) -> BeatAnswer:
        """Renew leases, and the worker's own sign of life, in one statement.

        ``incidents`` takes the place of those it told before; None leaves them.
        """
        ...

    async def append_lines(self, lines: Sequence[FencedLine]) -> frozenset[UUID]:
        """Add lines to the logs of live executions; answer which of these are live and this worker's."""
        ...

    async def held(
        self, project_id: ProjectId, worker_id: WorkerId, job_ids: Sequence[UUID]
    ) -> Sequence[ClaimedJob]:
        """Those of these jobs that are this worker's at present, as it claimed them, but without payload."""
        ...

    async def outlook(
        self, machine: str, silence_us: int, soon_us: int = 0, beat: IdleBeat | None = None
    ) -> Outlook:
        """What there is to recover: mostly nothing. In one statement, which is the ``beat`` of an idle worker that asks.

        Workers are silent when they have not beaten for ``silence_us``. Jobs that are due within ``soon_us`` count as ready.
        """
        ...

    async def promote(
        self,
        project_id: ProjectId | None,
        limit: int,
        *,
        skip: Collection[UUID] = (),
        only: UUID | None = None,
        touched: set[ProjectId] | None = None,
    ) -> int:
        """Make due scheduled jobs pending, but not those of ``skip``; answer how many. ``touched`` gets their projects."""
        ...

    async def overdue(self, kind: Overdue, limit: int, *, skip: Collection[UUID] = ()) -> Sequence[UUID]:
        """The jobs that ``promote``, ``expire_waiting`` or ``release_holds`` would take now."""
        ...

    async def expired_leases(
        self, dead_workers: Sequence[WorkerId], after: UUID | None, limit: int
    ) -> Sequence[ExpiredLease]:
        """Processing jobs whose lease has run out or whose worker is dead, in pages by job id."""
        ...

    async def expire_waiting(
        self,
        limit: int,
        *,
        skip: Collection[UUID] = (),
        only: UUID | None = None,
        touched: set[ProjectId] | None = None,
    ) -> int:
        """Fail jobs that had to start, or to finish, by now and have not started; answer how many."""
        ...

    async def release_holds(
        self,
        limit: int,
        *,
        skip: Collection[UUID] = (),
        only: UUID | None = None,
        touched: set[ProjectId] | None = None,
    ) -> int:
        """Let jobs go whose type has become known since they were held; answer how many."""
        ...

    async def give_places(self, keys: Collection[ConcurrencyKey]) -> int:
        """Give the free places of these keys to the jobs that wait longest; answer how many got one."""
        ...

    async def keys_out_of_step(
        self, after: ConcurrencyKey | None, limit: int
    ) -> tuple[Sequence[ConcurrencyKey], ConcurrencyKey | None]:
        """Keys of one page with a free place and someone who waits for it, and where the next page begins."""
        ...

    async def cancel(self, project_id: ProjectId, job_id: JobId) -> JobStatus | None:
        """Cancel a waiting job, or note the request when it runs. A finished one is unchanged.

        Answers the status it had; None: no such job.
        """
        ...

    async def reschedule(
        self, project_id: ProjectId, job_id: JobId, scheduled_for: datetime
    ) -> JobStatus | None:
        """Give a waiting job another due time. Answers the status it had; any other job is unchanged."""
        ...

    async def retry(
        self, project_id: ProjectId, job_id: JobId, queue_id: QueueId | None, payload: str | None = None
    ) -> JobStatus | None:
        """Make a failed or cancelled job pending again, in its queue or another, with another payload if given.

        Answers the status it had; None: no such job. A job of any other status is unchanged. Raises Conflict
        when another unfinished job has its key.
        """
        ...

    async def delete(self, project_id: ProjectId, job_id: JobId) -> JobStatus | None:
        """Remove a job that is not processing, with its record. Answers the status it had."""
        ...
