"""Failures that are the same, together: looked at, judged, and their jobs run once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.error_group import MOST_GROUPS, ErrorStatus
from taskforge.domain.errors import InvalidInput, NotFound
from taskforge.domain.job import JobStatus
from taskforge.domain.operation import BulkAction
from taskforge.ports.history import JobFilter
from taskforge.services.bulk import BulkOrder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.error_group import ErrorGroup
    from taskforge.domain.ids import ProjectId
    from taskforge.domain.operation import Operation
    from taskforge.domain.queue import Queue
    from taskforge.ports.errors import ErrorStore
    from taskforge.ports.queues import QueueStore
    from taskforge.services.operations import Operations
    from taskforge.services.recording import Recording


class ErrorGroups:
    """The error groups of one project. What has failed a moment ago is among them."""

    def __init__(
        self,
        store: ErrorStore,
        queues: QueueStore,
        recording: Recording,
        operations: Operations,
        project_id: ProjectId,
    ) -> None:
        self._store = store
        self._queues = queues
        self._recording = recording
        self._operations = operations
        self._project_id = project_id

    async def list(
        self, statuses: Sequence[ErrorStatus] | None = None, job_type: str | None = None
    ) -> Sequence[ErrorGroup]:
        """All groups, those that failed last first; without tracebacks."""
        await self._recording.fold_failures()
        return await self._store.list(
            self._project_id, statuses=statuses, job_type=job_type, limit=MOST_GROUPS
        )

    async def find(self, group_id: UUID) -> ErrorGroup | None:
        """One with the traceback of its sample, None if there is none."""
        await self._recording.fold_failures()
        return await self._store.get(self._project_id, group_id)

    async def get(self, group_id: UUID) -> ErrorGroup:
        """The same. Raises NotFound."""
        return _found(await self.find(group_id), group_id)

    async def queue_names(self) -> Mapping[UUID, str]:
        """The queues that failures are counted by."""
        return {queue.id: queue.name for queue in await self._queues.list(self._project_id)}

    async def resolve(self, group_id: UUID) -> ErrorGroup:
        """It is mended: a failure that comes later brings it back. Raises NotFound."""
        return await self._judge(group_id, ErrorStatus.RESOLVED)

    async def mute(self, group_id: UUID, until: datetime | None = None) -> ErrorGroup:
        """It is known: nobody need hear of it, until then or for good. Raises InvalidInput, NotFound."""
        if until is not None and until.tzinfo is None:
            raise InvalidInput("a time needs its zone", field="until", hint="2026-01-31T09:00:00+07:00")
        return await self._judge(group_id, ErrorStatus.MUTED, until)

    async def reopen(self, group_id: UUID) -> ErrorGroup:
        """It is new again. Raises NotFound."""
        return await self._judge(group_id, ErrorStatus.NEW)

    async def redrive(
        self, group_id: UUID, *, per_second: int | None = None, target: Queue | None = None
    ) -> Operation:
        """Begin to retry its failed jobs, dead letters among them, in their queues or in another one.

        Raises Conflict, InvalidInput, NotFound, QueueClosed.
        """
        group = await self.get(group_id)
        chosen = JobFilter(statuses=[JobStatus.FAILED], fingerprint=group.fingerprint)
        return await self._operations.begin(BulkOrder(BulkAction.RETRY, chosen, target), per_second)

    async def _judge(
        self, group_id: UUID, status: ErrorStatus, muted_until: datetime | None = None
    ) -> ErrorGroup:
        await self._recording.fold_failures()
        return _found(await self._store.judge(self._project_id, group_id, status, muted_until), group_id)


def _found(group: ErrorGroup | None, group_id: UUID) -> ErrorGroup:
    if group is None:
        raise NotFound(f"no error group has the id {group_id}", hint="taskforge errors list")
    return group
