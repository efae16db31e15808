"""Jobs that exist when the caller's own transaction commits, and not at all when it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import ForeignConnection, NotFound
from taskforge.ports.signals import Hint, Topic
from taskforge.ports.transactions import Enlistment
from taskforge.sdk.tracing import note_id, sending_all

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from taskforge.domain.job import NewJob, Submitted
    from taskforge.domain.queue import Queue
    from taskforge.ports.signals import Signals
    from taskforge.ports.transactions import Batch, TransactionStore
    from taskforge.services.directory import QueueDirectory
    from taskforge.services.submission import Submission, Wanted

MAY_BE_STALE = (ForeignConnection, NotFound)
"""What a refusal by old knowledge looks like: asked once more with fresh one; nothing was written by then."""


class TransactionalSubmission:
    """Accepts jobs for one project over connections of callers."""

    def __init__(
        self,
        store: TransactionStore,
        submission: Submission,
        directory: QueueDirectory,
        signals: Signals,
    ) -> None:
        self._store = store
        self._submission = submission
        self._directory = directory
        self._signals = signals

    @property
    def writes_alone(self) -> bool:
        """Whether a caller's open transaction keeps us from writing anything beside it."""
        return self._store.writes_alone

    async def submit(self, connection: object, requests: Sequence[Wanted]) -> list[Submitted]:
        """Store all jobs in the transaction of ``connection``, or none; answers in the order of the requests.

        Raises ForeignConnection, NoTransaction, NotFound, QueueClosed, QueueFull, InvalidPayload, and what the driver raises.
        """
        if not requests:
            return []
        with sending_all(requests) as trace:
            try:
                work = await self._plan(requests, trace)
                return _noted(await self._store.accept(connection, work))
            except MAY_BE_STALE:
                work = await self._plan(requests, trace, fresh=True)
                return _noted(await self._store.accept(connection, work))

    def submit_now(
        self,
        connection: object,
        requests: Sequence[Wanted],
        run: Callable[[Callable[[], Coroutine[Any, Any, Enlistment]]], Enlistment],
    ) -> list[Submitted]:
        """`submit` in the caller's thread; ``run`` runs what is asynchronous on the application's loop."""
        if not requests:
            return []
        with sending_all(requests) as trace:
            try:
                work = run(lambda: self._plan(requests, trace))
                return _noted(self._store.accept_now(connection, work))
            except MAY_BE_STALE:
                work = run(lambda: self._plan(requests, trace, fresh=True))
                return _noted(self._store.accept_now(connection, work))

    async def _plan(
        self, requests: Sequence[Wanted], trace: str | None, *, fresh: bool = False
    ) -> Enlistment:
        """Writes nothing where the caller's transaction would be in our way."""

        def make(queues: Mapping[str, Queue]) -> Batch:
            return self._submission.prepared(requests, queues)

        names = list(dict.fromkeys(request.queue for request in requests))
        queues = await self._queues(names, fresh=fresh)
        await self._submission.check_limit(len(requests))
        return Enlistment(
            self._directory.project_id,
            await self._store.whereabouts(fresh=fresh),
            queues,
            make,
            self._notices,
            trace,
        )

    async def _queues(self, names: Sequence[str], *, fresh: bool) -> dict[str, Queue | None]:
        if fresh or (self._store.writes_alone and None in map(self._directory.known, names)):
            await self._directory.refresh()
        if not self._store.writes_alone:
            await self._directory.declared(names)
        return {name: self._directory.known(name) for name in names}

    def _notices(self, jobs: Sequence[NewJob]) -> list[str]:
        hints = {Hint(Topic.READY, self._directory.project_id, job.queue_id) for job in jobs}
        return [notice for hint in hints if (notice := self._signals.at_commit(hint)) is not None]


def _noted(submitted: list[Submitted]) -> list[Submitted]:
    """What was made, after the span that is current has been told of it where it is one job."""
    if len(submitted) == 1:
        note_id(submitted[0].id)
    return submitted
