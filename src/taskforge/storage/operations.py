"""Operations over SQL (``ports.operations``)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.domain.access import PrincipalKind
from taskforge.domain.ids import AFTER_ALL, OrganizationId, QueueId
from taskforge.domain.job import JobStatus
from taskforge.domain.operation import Initiator, Operation, OperationAction, OperationStatus, Span
from taskforge.ports.history import JobFilter, PayloadCondition
from taskforge.ports.operations import Step
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import from_json, to_json
from taskforge.storage.engine import Engine, One, Script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskforge.domain.ids import ProjectId
    from taskforge.ports.operations import Advance, NewOperation

_TIMES = ("created_from", "created_to", "scheduled_from", "scheduled_to")


class SqlOperationStore:
    """Implements ``OperationStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def create(self, wanted: NewOperation, most: int) -> Operation | None:
        chosen = (
            _span_to_json(wanted.chosen) if isinstance(wanted.chosen, Span) else chosen_to_json(wanted.chosen)
        )
        row = {
            "operation_id": wanted.id,
            "project_id": wanted.project_id,
            "action": wanted.action,
            "chosen": to_json(chosen),
            "target_queue_id": wanted.target_queue_id,
            "per_second": wanted.per_second,
            "counted": wanted.counted,
            "is_bounded": wanted.is_bounded,
            "actor": to_json(_initiator_to_json(wanted.initiator)),
            "most": most,
        }
        audit = Audit(project_id=wanted.project_id)

        def script() -> Script[Operation | None]:
            rows = yield One("create_operation", row)
            if not rows:
                return None
            told = {"action": wanted.action, "filter": chosen, "counted": wanted.counted}
            yield audit.entry("operation.create", wanted.id, wanted.action, after=told)
            return self._operation(rows[0])

        return await self._engine.run(script)

    async def get(self, project_id: ProjectId, operation_id: UUID) -> Operation | None:
        where = {"project_id": project_id, "operation_id": operation_id}
        rows = await self._engine.read(One("get_operation", where))
        return self._operation(rows[0]) if rows else None

    async def list(
        self,
        project_id: ProjectId,
        limit: int,
        before: UUID | None = None,
        status: OperationStatus | None = None,
    ) -> Sequence[Operation]:
        where = {
            "project_id": project_id,
            "status": None if status is None else status.value,
            "limit": limit,
            "before": before or AFTER_ALL,
        }
        rows = await self._engine.read(One("list_operations", where))
        return [self._operation(row) for row in rows]

    async def cancel(self, project_id: ProjectId, operation_id: UUID) -> Operation | None:
        where = {"project_id": project_id, "operation_id": operation_id}
        audit = Audit(project_id=project_id)

        def script() -> Script[Operation | None]:
            rows = yield One("cancel_operation", where)
            if not rows:
                return None
            cancelled = self._operation(rows[0])
            yield audit.entry("operation.cancel", operation_id, cancelled.action)
            return cancelled

        return await self._engine.run(script)

    async def due_in(self) -> float | None:
        [row] = await self._engine.read(One("operation_due"))
        return None if row["due_us"] is None else max(0.0, int(row["due_us"]) / 1e6)

    async def take(self, lease_us: int) -> Step | None:
        rows = await self._engine.call(One("take_operation", {"lease_us": lease_us}))
        if not rows:
            return None
        [row] = rows
        operation, chosen = self._operation(row), from_json(row["chosen"])
        return Step(
            operation,
            _span_of(chosen) if operation.action is OperationAction.BACKFILL else chosen_of(chosen),
            self._engine.identity(row["place"]),
            int(row["turn"]),
        )

    async def advance(self, step: Step, advance: Advance) -> None:
        where = {"project_id": step.operation.project_id, "operation_id": step.operation.id}
        await self._engine.call(One("advance_operation", {**where, "turn": step.turn, **advance._asdict()}))

    def _operation(self, row: Any) -> Operation:
        identity, moment = self._engine.identity, self._engine.moment
        return Operation(
            identity(row["id"]),
            identity(row["project_id"]),
            OperationAction(row["action"]),
            OperationStatus(row["status"]),
            identity(row["target_queue_id"]),
            row["per_second"],
            int(row["counted"]),
            bool(row["is_bounded"]),
            int(row["done"]),
            int(row["skipped"]),
            row["failure"],
            _initiator_of(from_json(row["actor"])),
            moment(row["created_at"]),
            moment(row["updated_at"]),
            moment(row["completed_at"]),
        )


def chosen_to_json(chosen: JobFilter) -> dict[str, Any]:
    """What of a filter is said, as plain JSON."""
    said: dict[str, Any] = {
        "ids": None if chosen.ids is None else [str(job_id) for job_id in chosen.ids],
        "queue_ids": None if chosen.queue_ids is None else [str(queue_id) for queue_id in chosen.queue_ids],
        "statuses": None if chosen.statuses is None else [status.value for status in chosen.statuses],
        "job_type": chosen.job_type,
        "tag": chosen.tag,
        "dead_letter_queue_id": None
        if chosen.dead_letter_queue_id is None
        else str(chosen.dead_letter_queue_id),
        "payload": None if chosen.payload is None else [list(chosen.payload.path), chosen.payload.value],
        "error_text": chosen.error_text,
        "fingerprint": None if chosen.fingerprint is None else str(chosen.fingerprint),
    }
    for name in _TIMES:
        moment = getattr(chosen, name)
        said[name] = None if moment is None else moment.isoformat()
    return {name: value for name, value in said.items() if value is not None}


def chosen_of(said: Mapping[str, Any]) -> JobFilter:
    """The filter that was written so."""
    queue_ids, statuses, ids = said.get("queue_ids"), said.get("statuses"), said.get("ids")
    dead_letters, payload = said.get("dead_letter_queue_id"), said.get("payload")
    fingerprint = said.get("fingerprint")
    chosen = JobFilter(
        ids=None if ids is None else [UUID(job_id) for job_id in ids],
        queue_ids=None if queue_ids is None else [QueueId(UUID(queue_id)) for queue_id in queue_ids],
        statuses=None if statuses is None else [JobStatus(status) for status in statuses],
        job_type=said.get("job_type"),
        tag=said.get("tag"),
        dead_letter_queue_id=None if dead_letters is None else QueueId(UUID(dead_letters)),
        payload=None if payload is None else PayloadCondition(tuple(payload[0]), payload[1]),
        error_text=said.get("error_text"),
        fingerprint=None if fingerprint is None else UUID(fingerprint),
    )
    times: dict[str, Any] = {name: datetime.fromisoformat(said[name]) for name in _TIMES if name in said}
    return replace(chosen, **times)


def _span_to_json(span: Span) -> dict[str, Any]:
    return {
        "schedule_id": str(span.schedule_id),
        "schedule": span.schedule,
        "since": span.since.isoformat(),
        "until": span.until.isoformat(),
    }


def _span_of(said: Mapping[str, Any]) -> Span:
    since, until = datetime.fromisoformat(said["since"]), datetime.fromisoformat(said["until"])
    return Span(UUID(said["schedule_id"]), said["schedule"], since, until)


def _initiator_to_json(who: Initiator) -> dict[str, Any]:
    return {
        "kind": who.kind,
        "id": str(who.id),
        "label": who.label,
        "organization_id": None if who.organization_id is None else str(who.organization_id),
        "credential_id": None if who.credential_id is None else str(who.credential_id),
        "address": who.address,
        "request_id": who.request_id,
    }


def _initiator_of(said: Mapping[str, Any]) -> Initiator:
    organization, credential = said["organization_id"], said["credential_id"]
    return Initiator(
        PrincipalKind(said["kind"]),
        UUID(said["id"]),
        said["label"],
        None if organization is None else OrganizationId(UUID(organization)),
        None if credential is None else UUID(credential),
        said["address"],
        said["request_id"],
    )
