"""Bulk operations and backfills in the background: asked for by one, carried out step by step by whichever server is there.

A step is one batch. What it has done stands with the operation before the next begins, so that a server may die
anywhere: another goes on, at worst over the last batch, whose jobs then are no longer chosen.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from uuid import UUID

from taskforge.domain.access import Permission, Principal
from taskforge.domain.errors import Conflict, InvalidInput, NotFound, TaskforgeError, Unavailable
from taskforge.domain.operation import MOST_PER_SECOND, BulkAction, Initiator, OperationAction, Span
from taskforge.ports.acting import acting, actor
from taskforge.ports.operations import Advance, NewOperation
from taskforge.services.backfill import EARLIEST, MOMENT
from taskforge.services.bulk import BATCH, BulkOrder, Counted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.domain.operation import Operation, OperationStatus
    from taskforge.ports.history import JobFilter
    from taskforge.ports.operations import OperationStore, Step
    from taskforge.ports.queues import QueueStore
    from taskforge.services.backfill import Backfill
    from taskforge.services.bulk import Bulk

MOST_RUNNING = 20
"""Of one project; each step of one is a step that others wait for."""
LISTED = 50
COUNT_BOUND = 50_000
STEP_SECONDS = 60.0
"""A step that took longer is another server's to take again."""
BUSY_US = 200_000

logger = logging.getLogger("taskforge.operations")


class Operations:
    """The operations of one project. ``mint`` gives new ids."""

    def __init__(
        self, store: OperationStore, bulk: Bulk, project_id: ProjectId, mint: Callable[[], UUID]
    ) -> None:
        self._store = store
        self._bulk = bulk
        self._project_id = project_id
        self._mint = mint

    async def count(self, order: BulkOrder) -> Counted:
        """How many jobs it would meet now."""
        return await self._bulk.count(order, COUNT_BOUND)

    async def begin(self, order: BulkOrder, per_second: int | None = None) -> Operation:
        """Count the jobs and begin. ``per_second``: so many jobs at most. Raises Conflict, InvalidInput."""
        if per_second is not None and not 1 <= per_second <= MOST_PER_SECOND:
            raise InvalidInput(f"per_second must be from 1 to {MOST_PER_SECOND:,}", field="per_second")
        counted = await self.count(order)
        target = None if order.target is None else order.target.id
        return await self._begin(OperationAction(order.action), order.chosen, counted, target, per_second)

    async def begin_backfill(self, span: Span, due: int) -> Operation:
        """Begin to run what has not run of the ``due`` due times of a span. Raises Conflict."""
        return await self._begin(OperationAction.BACKFILL, span, Counted(due, False))

    async def _begin(
        self,
        action: OperationAction,
        chosen: JobFilter | Span,
        counted: Counted,
        target: QueueId | None = None,
        per_second: int | None = None,
    ) -> Operation:
        who = actor()
        initiator = Initiator(
            who.principal.kind,
            who.principal.id,
            who.principal.label,
            who.principal.organization_id,
            who.principal.credential_id,
            who.address,
            who.request_id,
        )
        begun = await self._store.create(
            NewOperation(
                self._mint(),
                self._project_id,
                action,
                chosen,
                target,
                per_second,
                counted.jobs,
                counted.is_bounded,
                initiator,
            ),
            MOST_RUNNING,
        )
        if begun is None:
            raise Conflict(
                f"{MOST_RUNNING} operations run already", hint="wait for one to end, or cancel one"
            )
        return begun

    async def list(
        self, limit: int = LISTED, before: UUID | None = None, status: OperationStatus | None = None
    ) -> Sequence[Operation]:
        """The newest first; ``before`` is the id to go on from."""
        return await self._store.list(self._project_id, limit, before, status)

    async def find(self, operation_id: UUID) -> Operation | None:
        """One of them, None if there is none."""
        return await self._store.get(self._project_id, operation_id)

    async def cancel(self, operation_id: UUID) -> Operation:
        """Stop it; what is done stays done. A second time changes nothing. Raises Conflict, NotFound."""
        cancelled = await self._store.cancel(self._project_id, operation_id)
        if cancelled is not None:
            return cancelled
        found = await self.find(operation_id)
        if found is None:
            raise NotFound(f"no operation has the id {operation_id}")
        if found.status.value != "cancelled":
            raise Conflict(f"an operation that has {found.status.value} cannot be cancelled")
        return found


class OperationSteps:
    """Takes the steps that are due, of all projects. ``bulk_of`` and ``backfill_of`` carry out those of one."""

    def __init__(
        self,
        store: OperationStore,
        queues: QueueStore,
        bulk_of: Callable[[ProjectId], Bulk],
        backfill_of: Callable[[ProjectId], Backfill],
    ) -> None:
        self._store = store
        self._queues = queues
        self._bulk_of = bulk_of
        self._backfill_of = backfill_of

    async def take(self) -> float | None:
        """One step, if one is due. Answers in how many seconds the next one is; None: nothing is to be done."""
        due = await self._store.due_in()
        if due:
            return due
        if due is None:
            return None
        step = await self._store.take(round(STEP_SECONDS * 1e6))
        if step is not None:
            await self._store.advance(step, await self._taken(step))
        return 0.0

    async def _taken(self, step: Step) -> Advance:
        who = step.operation.initiator
        principal = Principal(
            who.kind,
            who.id,
            who.label,
            who.organization_id,
            step.operation.project_id,
            permissions=frozenset({Permission.JOB_WRITE, Permission.SCHEDULE_EXECUTE}),
            credential_id=who.credential_id,
        )
        with acting(principal, address=who.address, request_id=who.request_id):
            try:
                if isinstance(step.chosen, Span):
                    return await self._filled(step, step.chosen)
                return await self._done(step, step.chosen)
            except Unavailable:
                raise  # the step is taken again
            except TaskforgeError as error:
                return Advance(0, 0, None, failure=error.message)

    async def _filled(self, step: Step, span: Span) -> Advance:
        """The place of a backfill is a due time: its microseconds since `EARLIEST`, as an id."""
        begins = step.place == step.operation.id
        place = span.since - MOMENT if begins else EARLIEST + MOMENT * step.place.int
        try:
            filled = await self._backfill_of(step.operation.project_id).step(span, place)
        except Conflict as error:
            if type(error) is not Conflict:
                raise
            return Advance(0, 0, step.place, BUSY_US)  # a row of another transaction stood in the way
        behind = None if filled.place is None else UUID(int=(filled.place - EARLIEST) // MOMENT)
        return Advance(filled.run, filled.skipped, behind)

    async def _done(self, step: Step, chosen: JobFilter) -> Advance:
        operation = step.operation
        target = None
        if operation.target_queue_id is not None:
            target = await self._queues.get(operation.project_id, operation.target_queue_id)
            if target is None:
                raise NotFound("the queue that the jobs were to go to is gone")
        order = BulkOrder(BulkAction(operation.action), chosen, target)
        rate = operation.per_second
        batch = BATCH if rate is None else min(BATCH, rate)
        taken = await self._bulk_of(operation.project_id).step(order, step.place, batch)
        pause = 0 if rate is None else round(1e6 * (taken.done + taken.skipped) / rate)
        return Advance(taken.done, taken.skipped, taken.place, pause)
