"""Jobs stored in the transactions of callers (``ports.transactions``)."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.domain.errors import ForeignConnection, NotFound, QueueClosed
from taskforge.domain.job import Submitted
from taskforge.domain.queue import QueueState
from taskforge.storage.callers.kinds import async_caller_of, caller_of
from taskforge.storage.engine import Engine, One, Script
from taskforge.storage.traces import put_traces

if TYPE_CHECKING:
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.queue import Queue
    from taskforge.ports.transactions import Enlistment
    from taskforge.storage.jobs import SqlJobStore
    from taskforge.storage.queues import SqlQueueStore


class SqlTransactionStore:
    """Implements ``TransactionStore``: the scripts of the other stores, over connections of callers."""

    def __init__(self, engine: Engine, jobs: SqlJobStore, queues: SqlQueueStore) -> None:
        self._engine = engine
        self._jobs = jobs
        self._queues = queues
        self._whereabouts: str | None = None

    @property
    def writes_alone(self) -> bool:
        return self._engine.dialect == "sqlite"

    async def whereabouts(self, *, fresh: bool) -> str:
        if self._whereabouts is None or fresh:
            self._whereabouts = _place(await self._engine.read(One("whereabouts")))
        return self._whereabouts

    async def accept(self, connection: object, work: Enlistment) -> list[Submitted]:
        caller = await async_caller_of(connection, self._engine)
        driven: Any = caller.drive(lambda: self._store(work))
        submitted: list[Submitted] = await driven if inspect.isawaitable(driven) else driven
        return submitted

    def accept_now(self, connection: object, work: Enlistment) -> list[Submitted]:
        return caller_of(connection, self._engine).drive(lambda: self._store(work))

    def _store(self, work: Enlistment) -> Script[list[Submitted]]:
        self._check_place(_place((yield One("whereabouts"))), work.whereabouts)
        queues: dict[str, Queue] = {}
        for name, known in work.queues.items():
            queues[name] = known or (yield from self._queue(work.project_id, name))
        yield from self._enlist(work.project_id, queues)
        batch = work.make(queues)
        accepted = yield from self._jobs.accepting(work.project_id, *batch)
        standing = [(job, accepted.standing[job.id]) for job in batch.jobs]
        made = [job.id for job, held_by in standing if held_by == job.id]
        if work.trace is not None and made:
            yield put_traces(work.project_id, made, work.trace)
        for notice in work.notices([job for job, held_by in standing if held_by == job.id]):
            yield One("notify", {"notice": notice})
        return [Submitted(held_by, created=held_by == job.id) for job, held_by in standing]

    def _check_place(self, found: str, expected: str) -> None:
        if self.writes_alone:
            same = bool(found and expected) and Path(found).samefile(expected)
        else:
            same = found == expected
        if not same:
            raise ForeignConnection(
                "the connection is to another database than the application's",
                field="connection",
                hint="open it to TASKFORGE_DATABASE_URL, where TaskForge's tables are in its search path"
                if expected
                else "an application in memory has its database to itself: give it a file",
            )

    def _queue(self, project_id: ProjectId, name: str) -> Script[Queue]:
        """One that code names is made at first use; here with the transaction, and with it taken back."""
        made = yield from self._queues.declaring(project_id, name)
        if made is None:
            raise NotFound(f"queue {name!r} was made by another transaction just now", hint="begin again")
        return made

    def _enlist(self, project_id: ProjectId, queues: dict[str, Queue]) -> Script[None]:
        """From here on none of them can be deleted before the transaction has ended."""
        ids = [queue.id for queue in queues.values()]
        rows = yield One("enlist_queues", {"project_id": project_id, "queue_ids": ids})
        states = {UUID(str(row["id"])): row["state"] for row in rows}
        for name, queue in queues.items():
            state = states.get(queue.id)
            if state is None:
                raise NotFound(
                    f"the transaction sees no queue {name!r}",
                    hint="it was deleted, or made after the transaction's snapshot; begin again",
                )
            if state == QueueState.CLOSED:
                raise QueueClosed(f"queue {name!r} is closed: it refuses new jobs")


def _place(rows: Any) -> str:
    return str(rows[0]["whereabouts"] or "") if rows else ""
