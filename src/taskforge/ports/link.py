"""All that a worker knows of the platform. In-process and (later) HTTP are two implementations."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.job import ClaimedJob
    from taskforge.domain.outcome import Report
    from taskforge.domain.worker import Incidents, Registration, Usage
    from taskforge.ports.jobs import Beat, FencedLine


TRUSTED_PART = 0.9
"""The part of a lease for which a worker trusts in it; the rest is for clocks that differ and for stopping."""


class Welcome(NamedTuple):
    """The answer to a registration. ``lease`` and ``beat_interval`` are seconds."""

    worker_id: UUID
    lease: float
    beat_interval: float

    @property
    def trust(self) -> float:
        """Seconds from the sending of a claim or beat for which the worker trusts in its leases."""
        return self.lease * TRUSTED_PART


class JobTrace(NamedTuple):
    """Which trace a job belongs to: contexts of spans as texts (``sdk.tracing``), and how long it had waited."""

    creation: str | None
    previous: str | None
    waited_us: int


class Attempt(NamedTuple):
    """One claimed job with what holds for this attempt: its timeout in seconds, the attempts it may take.

    ``heartbeat_timeout``: how many seconds its handler may give no sign of life; None: as long as it likes.
    """

    job: ClaimedJob
    timeout: float
    max_attempts: int
    queue_name: str
    heartbeat_timeout: float | None = None
    trace: JobTrace | None = None


class Work(NamedTuple):
    """Claimed jobs in the order to start them.

    ``next_due_in``: seconds until a scheduled job of the worker's queues is due, None if there is none.
    ``wanted``: so many free slots the next job waits for; 0 when it does not. ``is_divisible``: nobody's turn depends on how
    much a worker asks for, so it may ask for a part of what it has room for, and then for the rest.
    """

    attempts: Sequence[Attempt]
    now: datetime
    next_due_in: float | None
    wanted: int = 0
    is_divisible: bool = False


class BeatReply(NamedTuple):
    """What the platform tells a worker with each beat: executions to cancel, and those no longer its own.

    ``capacity``: how many jobs it may run at once from now on; None: as many as it does.
    """

    cancel: frozenset[UUID]
    lost: frozenset[UUID]
    drain: bool
    capacity: int | None = None


class Link(Protocol):
    """Batches of plain values; every write carries the fence of its execution."""

    async def register(self, registration: Registration) -> Welcome:
        """Announce this incarnation. Raises Conflict when a live worker holds the name."""
        ...

    async def claim(self, free: int, suspects: int) -> Work:
        """Take jobs for ``free`` slots, ``suspects`` of them (0 or 1) such as have lost a worker before."""
        ...

    def stand_by(
        self, suspects: int, take: Callable[[Work | None, float], None]
    ) -> Callable[[], bool] | None:
        """Have a job that is accepted on this event loop claimed for the worker, with the commit that stores it.

        ``take`` is called once then, with the work (None: ask as ever) and a moment of the
        monotonic clock before its lease began. Answers the way to withdraw, which says whether that is certain: False
        while a job is being stored, ``take`` is yet to be called. None where the link does no such thing.
        """
        ...

    async def settle(self, reports: Sequence[Report]) -> frozenset[UUID]:
        """Report ended attempts; answers the execution ids that were lost before (nothing changed there)."""
        ...

    async def beat(
        self, beats: Sequence[Beat], incidents: Incidents | None = None, usage: Usage | None = None
    ) -> BeatReply:
        """Sign of life of the worker and of its executions; ``incidents`` when they have changed.

        ``usage`` now and then: what the worker has used since the last time.
        """
        ...

    async def log(self, lines: Sequence[FencedLine]) -> frozenset[UUID]:
        """Lines of running executions; answers the execution ids that were lost before."""
        ...

    def forget(self, execution_ids: Sequence[UUID]) -> None:
        """These were lost; nothing will be reported of them."""
        ...

    async def leave(self) -> None:
        """Good-bye: nothing is running here any more."""
        ...

    def on_hint(self, wake: Callable[[], None], cancel: Callable[[], None]) -> Callable[[], None]:
        """Call ``wake`` when there may be work, ``cancel`` when a cancel may be waiting; answers the way out."""
        ...

    @property
    def poll_interval(self) -> float:
        """Seconds after which to ask again though no hint came."""
        ...

    def lull(self) -> float:
        """Seconds for which asking so may still wait, because someone beside has looked for all; 0 when nobody has."""
        ...
