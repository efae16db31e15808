"""Assignments over SQL (``ports.assignments``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import NotFound
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import assignment_of, queue_of
from taskforge.storage.engine import Engine, One, Script
from taskforge.storage.gates import draw_plan, outwait_claims

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from taskforge.domain.assignment import Assignment
    from taskforge.domain.ids import AssignmentId, ProjectId, QueueId


class SqlAssignmentStore:
    """Implements ``AssignmentStore`` for any engine; ``mint`` gives new ids."""

    def __init__(self, engine: Engine, mint: Callable[[], UUID]) -> None:
        self._engine = engine
        self._mint = mint

    async def create(
        self, project_id: ProjectId, queue_id: QueueId, worker_name: str, weight: int, *, is_active: bool
    ) -> Assignment | None:
        queue = {"project_id": project_id, "queue_id": queue_id}
        values = {"worker_name": worker_name, "weight": weight, "is_active": is_active}
        audit = Audit(project_id=project_id)

        def script() -> Script[tuple[Assignment | None, bool]]:
            # first, since it locks the project: one change of its configuration at a time
            yield One("bump_config", {"project_id": project_id})
            rows = yield One("get_queue", queue)
            if not rows:
                raise NotFound("the queue was deleted just now")
            had_rule = queue_of(rows[0], self._engine).has_rule
            yield One("shut_gate", queue)
            made = yield One("create_assignment", {**queue, **values, "id": self._mint()})
            if not made:
                return None, False
            assignment = yield from self._found(project_id, self._engine.identity(made[0]["id"]))
            yield audit.entry("assignment.create", made[0]["id"], _name(assignment), after=_told(assignment))
            yield from draw_plan(self._engine, project_id, queue_id)
            return assignment, not had_rule

        assignment, is_first_rule = await self._engine.run(script)
        if is_first_rule:
            await outwait_claims(self._engine)
        return assignment

    async def list(self, project_id: ProjectId) -> Sequence[Assignment]:
        rows = await self._engine.read(One("list_assignments", {"project_id": project_id}))
        return [assignment_of(row, self._engine) for row in rows]

    async def get(self, project_id: ProjectId, assignment_id: AssignmentId) -> Assignment | None:
        asked = {"project_id": project_id, "assignment_id": assignment_id}
        rows = await self._engine.read(One("get_assignment", asked))
        return assignment_of(rows[0], self._engine) if rows else None

    async def change(
        self,
        project_id: ProjectId,
        assignment_id: AssignmentId,
        change: Callable[[Assignment], Assignment | None],
    ) -> Assignment | None:
        where = {"project_id": project_id, "assignment_id": assignment_id}
        audit = Audit(project_id=project_id)

        def script() -> Script[Assignment | None]:
            yield One("bump_config", {"project_id": project_id})
            found = yield One("get_assignment", where)
            if not found:
                return None
            before = assignment_of(found[0], self._engine)
            wanted = change(before)
            if wanted == before:
                return before
            yield One("shut_gate", {"project_id": project_id, "queue_id": before.queue_id})
            if wanted is None:
                yield One("delete_assignment", where)
                yield audit.entry("assignment.delete", assignment_id, _name(before), before=_told(before))
                after = before
            else:
                yield One(
                    "update_assignment", {**where, "weight": wanted.weight, "is_active": wanted.is_active}
                )
                after = yield from self._found(project_id, assignment_id)
                yield audit.entry(
                    _verb(before, after),
                    assignment_id,
                    _name(after),
                    before=_told(before),
                    after=_told(after),
                )
            yield from draw_plan(self._engine, project_id, before.queue_id)
            return after

        return await self._engine.run(script)

    def _found(self, project_id: ProjectId, assignment_id: AssignmentId) -> Script[Assignment]:
        rows = yield One("get_assignment", {"project_id": project_id, "assignment_id": assignment_id})
        return assignment_of(rows[0], self._engine)


def _verb(before: Assignment, after: Assignment) -> str:
    if before.is_active == after.is_active:
        return "assignment.update"
    return "assignment.activate" if after.is_active else "assignment.deactivate"


def _name(assignment: Assignment) -> str:
    return f"{assignment.queue_name} x {assignment.worker_name}"


def _told(assignment: Assignment) -> dict[str, Any]:
    """What the audit log says of an assignment."""
    return {
        "queue_id": str(assignment.queue_id),
        "worker_name": assignment.worker_name,
        "weight": assignment.weight,
        "is_active": assignment.is_active,
    }
