"""Receivers and deliveries over SQL (``ports.alerts``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.delivery import QUEUE, Delivery, DeliveryCause, DeliveryStatus, delivery_status
from taskforge.domain.errors import Conflict
from taskforge.domain.ids import AFTER_ALL
from taskforge.domain.receiver import Receiver, ReceiverKind, Secrets, message_of
from taskforge.ports.alerts import DeliveryOutlook
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import from_json, to_json
from taskforge.storage.engine import Engine, One, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.receiver import Message
    from taskforge.storage.telling import Telling


class SqlReceiverStore:
    """Implements ``ReceiverStore`` for any engine; ``mint`` gives new ids."""

    def __init__(self, engine: Engine, telling: Telling, mint: Callable[[], UUID]) -> None:
        self._engine = engine
        self._telling = telling
        self._mint = mint

    async def receivers(self, project_id: ProjectId) -> Sequence[Receiver]:
        rows = await self._engine.read(One("list_receivers", {"project_id": project_id}))
        return [self._receiver(row) for row in rows]

    async def receiver(self, project_id: ProjectId, receiver_id: UUID) -> Receiver | None:
        where = {"project_id": project_id, "receiver_id": receiver_id}
        rows = await self._engine.read(One("get_receiver", where))
        return self._receiver(rows[0]) if rows else None

    async def create(
        self, project_id: ProjectId, name: str, kind: ReceiverKind, address: str, secrets: Secrets, most: int
    ) -> Receiver | None:
        receiver_id = self._mint()
        row = {
            "receiver_id": receiver_id,
            "project_id": project_id,
            "name": name,
            "kind": kind.value,
            "address": address,
            "most": most,
        }
        audit = Audit(project_id=project_id)

        def script() -> Script[Receiver | None]:
            rows = yield One("create_receiver", row)
            if not rows:
                return None
            yield _secrets(project_id, receiver_id, secrets)
            made = self._receiver(rows[0])
            yield audit.entry("receiver.create", receiver_id, name, after=_told(made))
            return made

        return await self._engine.run(script)

    async def change(self, receiver: Receiver, secrets: Secrets | None) -> Receiver | None:
        where = {"project_id": receiver.project_id, "receiver_id": receiver.id}
        changed = {**where, "name": receiver.name, "address": receiver.address, "enabled": receiver.enabled}
        audit = Audit(project_id=receiver.project_id)

        def script() -> Script[Receiver | None]:
            before = yield One("get_receiver", where)
            namesakes = yield One("list_receivers", {"project_id": receiver.project_id})
            if any(
                row["name"] == receiver.name and self._engine.identity(row["id"]) != receiver.id
                for row in namesakes
            ):
                raise Conflict(f"a receiver named {receiver.name!r} exists already")
            rows = yield One("update_receiver", changed)
            if not rows:
                return None
            if secrets is not None:
                yield _secrets(receiver.project_id, receiver.id, secrets)
            now = self._receiver(rows[0])
            told = {**_told(now), **({} if secrets is None else {"secrets": "changed"})}
            yield audit.entry(
                "receiver.update", now.id, now.name, before=_told(self._receiver(before[0])), after=told
            )
            return now

        return await self._engine.run(script)

    async def delete(self, project_id: ProjectId, receiver_id: UUID) -> bool:
        audit = Audit(project_id=project_id)

        def script() -> Script[bool]:
            rows = yield One("delete_receiver", {"project_id": project_id, "receiver_id": receiver_id})
            if rows:
                gone = self._receiver(rows[0])
                yield audit.entry("receiver.delete", receiver_id, gone.name, before=_told(gone))
            return bool(rows)

        return await self._engine.run(script)

    async def secrets(self, project_id: ProjectId, receiver_id: UUID) -> Secrets | None:
        where = {"project_id": project_id, "receiver_id": receiver_id}
        rows = await self._engine.read(One("receiver_secrets", where))
        if not rows:
            return None
        kept = from_json(rows[0]["content"])
        return Secrets(**{**kept, "to": tuple(kept["to"])})

    async def tell(
        self,
        project_id: ProjectId,
        receivers: Sequence[UUID],
        message: Message,
        cause: DeliveryCause,
        cause_id: UUID | None = None,
    ) -> Sequence[UUID]:
        return await self._engine.run(
            lambda: self._telling.tell(project_id, receivers, message, cause, cause_id)
        )

    async def deliveries(
        self,
        project_id: ProjectId,
        receiver_id: UUID | None,
        limit: int,
        *,
        status: DeliveryStatus | None = None,
        before: UUID | None = None,
    ) -> Sequence[Delivery]:
        where = {
            "project_id": project_id,
            "receiver_id": None if receiver_id is None else str(receiver_id),
            "status": None if status is None else status.value,
            "limit": limit,
            "before": before or AFTER_ALL,
        }
        return [self._delivery(row) for row in await self._engine.read(One("list_deliveries", where))]

    async def delivery(self, project_id: ProjectId, delivery_id: UUID) -> Delivery | None:
        where = {"project_id": project_id, "delivery_id": delivery_id}
        rows = await self._engine.read(One("get_delivery", where))
        return self._delivery(rows[0]) if rows else None

    async def note_try(
        self, project_id: ProjectId, delivery_id: UUID, answer: str, *, is_delivered: bool
    ) -> None:
        which = {"project_id": project_id, "delivery_id": delivery_id}
        await self._engine.call(One("note_try", {**which, "answer": answer, "is_delivered": is_delivered}))

    async def outlook(self) -> DeliveryOutlook:
        (row,) = await self._engine.read(One("delivery_outlook", {"queue": QUEUE}))
        return DeliveryOutlook(bool(row["has_ends"]), bool(row["has_due"]))

    async def projects_due(self) -> Sequence[ProjectId]:
        rows = await self._engine.read(One("projects_with_deliveries", {"queue": QUEUE}))
        return [self._engine.identity(row["project_id"]) for row in rows]

    def _receiver(self, row: Any) -> Receiver:
        identity, moment = self._engine.identity, self._engine.moment
        return Receiver(
            identity(row["id"]),
            identity(row["project_id"]),
            row["name"],
            ReceiverKind(row["kind"]),
            row["address"],
            bool(row["enabled"]),
            moment(row["created_at"]),
            moment(row["updated_at"]),
        )

    def _delivery(self, row: Any) -> Delivery:
        identity, moment = self._engine.identity, self._engine.moment
        delivered_at = moment(row["delivered_at"])
        status = delivery_status(delivered_at, row["job_status"])
        is_waiting = status is DeliveryStatus.WAITING and row["job_status"] == "scheduled"
        return Delivery(
            identity(row["id"]),
            identity(row["project_id"]),
            identity(row["receiver_id"]),
            row["receiver_name"],
            ReceiverKind(row["receiver_kind"]),
            DeliveryCause(row["cause"]),
            identity(row["cause_id"]),
            message_of(from_json(row["message"])),
            status,
            int(row["tries"]),
            row["last_answer"],
            moment(row["last_tried_at"]),
            moment(row["next_try_at"]) if is_waiting else None,
            delivered_at,
            moment(row["created_at"]),
        )


def _secrets(project_id: ProjectId, receiver_id: UUID, secrets: Secrets) -> One:
    content = to_json({**secrets._asdict(), "to": list(secrets.to)})
    return One(
        "put_receiver_secrets",
        {"receiver_id": receiver_id, "project_id": project_id, "content": content},
    )


def _told(receiver: Receiver) -> dict[str, Any]:
    """What the audit log says of a receiver: nothing that is secret."""
    return {
        "name": receiver.name,
        "kind": receiver.kind,
        "address": receiver.address,
        "enabled": receiver.enabled,
    }
