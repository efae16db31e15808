"""Accepting jobs in a transaction that the caller began and will end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.job import NewJob, Submitted
    from taskforge.domain.keys import JobKeys
    from taskforge.domain.queue import Queue, QueueBound


class Batch(NamedTuple):
    """Jobs in the order of their requests, with the keys of those that have any and the bounds of their queues."""

    jobs: Sequence[NewJob]
    keys: Mapping[UUID, JobKeys]
    bounds: Sequence[QueueBound]


class Enlistment(NamedTuple):
    """What is to be stored: ``make`` gives the jobs once their queues are known.

    ``trace`` is what they belong to (``sdk.tracing``). A queue of None is made in the transaction. ``notices`` are sent at its commit. ``whereabouts`` say which
    database is meant.
    """

    project_id: ProjectId
    whereabouts: str
    queues: Mapping[str, Queue | None]
    make: Callable[[Mapping[str, Queue]], Batch]
    notices: Callable[[Sequence[NewJob]], Sequence[str]]
    trace: str | None = None


class TransactionStore(Protocol):
    """Stores jobs over connections of callers. Ends no transaction, and begins none that they would not."""

    @property
    def writes_alone(self) -> bool:
        """Whether a caller's open transaction keeps everyone else from writing, us as well."""
        ...

    async def whereabouts(self, *, fresh: bool) -> str:
        """Which database the application's own is; ``fresh`` looks again."""
        ...

    async def accept(self, connection: object, work: Enlistment) -> list[Submitted]:
        """Store all jobs, or none; answers in their order.

        Raises ForeignConnection, NoTransaction, NotFound, QueueClosed, QueueFull, and what the connection's driver raises.
        """
        ...

    def accept_now(self, connection: object, work: Enlistment) -> list[Submitted]:
        """`accept` over a synchronous connection, in the thread it belongs to."""
        ...
