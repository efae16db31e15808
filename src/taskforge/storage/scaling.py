"""Scaling policies and decisions over SQL (``ports.scaling``)."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from taskforge.domain.scaling import ScalingDecision, ScalingOutcome, ScalingReason, StoredPolicy
from taskforge.domain.scaling_policy import ProvisionerKind, ScalingAction, ScalingPolicy
from taskforge.ports.acting import actor
from taskforge.ports.scaling import Begun, Ended
from taskforge.storage.auditing import Audit
from taskforge.storage.codec import from_json, to_json
from taskforge.storage.engine import Engine, One, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId, WorkerId
    from taskforge.domain.scaling import Recommendation

LONGEST_DETAIL = 1000
_FIELDS = [field.name for field in fields(ScalingPolicy)]


class SqlScalingStore:
    """Implements ``ScalingStore`` for any engine; ``mint`` gives new ids."""

    def __init__(self, engine: Engine, mint: Callable[[], UUID]) -> None:
        self._engine = engine
        self._mint = mint

    async def create(
        self, project_id: ProjectId, queue_id: QueueId, policy: ScalingPolicy
    ) -> StoredPolicy | None:
        audit = Audit(project_id=project_id)
        which = _which(project_id, queue_id)

        def script() -> Script[StoredPolicy | None]:
            made = yield One("create_scaling_policy", {**which, **policy.to_json(), "id": self._mint()})
            if not made:
                return None
            stored = self._stored((yield One("get_scaling_policy", which))[0])
            yield audit.entry("scaling_policy.create", queue_id, stored.queue_name, after=policy.to_json())
            return stored

        return await self._engine.run(script)

    async def change(
        self, project_id: ProjectId, queue_id: QueueId, change: Callable[[StoredPolicy], ScalingPolicy]
    ) -> StoredPolicy | None:
        audit = Audit(project_id=project_id)
        which = _which(project_id, queue_id)

        def script() -> Script[StoredPolicy | None]:
            rows = yield One("lock_scaling_policy", which)
            if not rows:
                return None
            before = self._stored(rows[0])
            wanted = change(before)
            if wanted == before.policy:
                return before
            yield One("update_scaling_policy", {**which, **wanted.to_json()})
            yield audit.entry(
                "scaling_policy.update",
                queue_id,
                before.queue_name,
                before=before.policy.to_json(),
                after=wanted.to_json(),
            )
            return self._stored((yield One("get_scaling_policy", which))[0])

        return await self._engine.run(script)

    async def delete(
        self, project_id: ProjectId, queue_id: QueueId, check: Callable[[StoredPolicy], None]
    ) -> StoredPolicy | None:
        audit = Audit(project_id=project_id)
        which = _which(project_id, queue_id)

        def script() -> Script[StoredPolicy | None]:
            rows = yield One("lock_scaling_policy", which)
            if not rows:
                return None
            gone = self._stored(rows[0])
            check(gone)
            yield One("delete_scaling_policy", which)
            yield audit.entry(
                "scaling_policy.delete", queue_id, gone.queue_name, before=gone.policy.to_json()
            )
            return gone

        return await self._engine.run(script)

    async def get(self, project_id: ProjectId, queue_id: QueueId) -> StoredPolicy | None:
        rows = await self._engine.read(One("get_scaling_policy", _which(project_id, queue_id)))
        return self._stored(rows[0]) if rows else None

    async def list(self, project_id: ProjectId) -> Sequence[StoredPolicy]:
        rows = await self._engine.read(One("list_scaling_policies", {"project_id": project_id}))
        return [self._stored(row) for row in rows]

    async def scaled_projects(self) -> Sequence[ProjectId]:
        rows = await self._engine.read(One("scaled_projects"))
        return [self._engine.identity(row["project_id"]) for row in rows]

    async def is_awaited(self, project_id: ProjectId, queue_id: QueueId) -> bool:
        [row] = await self._engine.read(One("queue_is_awaited", _which(project_id, queue_id)))
        return bool(row["awaited"])

    async def begin(self, stored: StoredPolicy, found: Recommendation) -> Begun | None:
        label = actor().principal.label
        which = _which(stored.project_id, stored.queue_id)

        def script() -> Script[Begun | None]:
            rows = yield One("begin_scaling", {**which, "turn": stored.turn})
            if not rows:
                return None
            decision_id = self._mint()
            yield One(
                "insert_scaling_decision",
                {
                    **which,
                    "id": decision_id,
                    "queue_name": stored.queue_name,
                    "action": found.action,
                    "workers": found.workers,
                    "desired": found.desired,
                    "reason": found.reason,
                    "message": found.message,
                    "figures": to_json(found.figures),
                    "provisioner": stored.policy.provisioner,
                    "actor": label,
                },
            )
            return Begun(decision_id, int(rows[0]["turn"]))

        return await self._engine.run(script)

    async def end(
        self, stored: StoredPolicy, begun: Begun, desired: int, ended: Ended
    ) -> ScalingDecision | None:
        which = _which(stored.project_id, stored.queue_id)
        detail = None if ended.detail is None else ended.detail[:LONGEST_DETAIL]

        def script() -> Script[ScalingDecision | None]:
            failed = ended.outcome is ScalingOutcome.FAILED
            yield One("confirm_scaling", {**which, "turn": begun.turn, "failed": failed, "desired": desired})
            rows = yield One(
                "end_scaling_decision",
                {
                    "project_id": stored.project_id,
                    "id": begun.decision_id,
                    "desired": desired,
                    "outcome": ended.outcome,
                    "detail": detail,
                    "drained": to_json(list(ended.drained)),
                },
            )
            return self._decision(rows[0]) if rows else None

        return await self._engine.run(script)

    async def drain_idle(
        self, project_id: ProjectId, worker_ids: Sequence[WorkerId], most: int
    ) -> Sequence[tuple[WorkerId, str]]:
        audit = Audit(project_id=project_id)

        def script() -> Script[Sequence[tuple[WorkerId, str]]]:
            drained: list[tuple[WorkerId, str]] = []
            for worker_id in worker_ids:
                if len(drained) == most:
                    break
                rows = yield One("drain_idle_worker", {"project_id": project_id, "worker_id": worker_id})
                if rows:
                    yield audit.entry("worker.drain", worker_id, rows[0]["name"])
                    drained.append((worker_id, rows[0]["name"]))
            return drained

        return await self._engine.run(script)

    async def decisions(
        self, project_id: ProjectId, queue_id: QueueId | None, before: UUID | None, limit: int
    ) -> Sequence[ScalingDecision]:
        chosen = {"project_id": project_id, "queue_id": queue_id, "before": before, "limit": limit}
        rows = await self._engine.read(One("list_scaling_decisions", chosen))
        return [self._decision(row) for row in rows]

    async def forget(self, age: timedelta) -> None:
        await self._engine.call(
            One("forget_scaling_decisions", {"keep_us": round(age.total_seconds() * 1_000_000)})
        )

    def _stored(self, row: Any) -> StoredPolicy:
        values = {name: row[name] for name in _FIELDS}
        values["enabled"] = bool(values["enabled"])
        values["provisioner"] = ProvisionerKind(values["provisioner"])
        identity, moment = self._engine.identity, self._engine.moment
        return StoredPolicy(
            id=identity(row["id"]),
            project_id=identity(row["project_id"]),
            queue_id=identity(row["queue_id"]),
            queue_name=row["queue_name"],
            policy=ScalingPolicy(**values),
            confirmed_workers=row["confirmed_workers"],
            changed_at=moment(row["changed_at"]),
            failures=row["failures"],
            turn=int(row["turn"]),
            created_at=moment(row["created_at"]),
            updated_at=moment(row["updated_at"]),
        )

    def _decision(self, row: Any) -> ScalingDecision:
        identity, moment = self._engine.identity, self._engine.moment
        return ScalingDecision(
            id=identity(row["id"]),
            project_id=identity(row["project_id"]),
            queue_id=identity(row["queue_id"]),
            queue_name=row["queue_name"],
            action=ScalingAction(row["action"]),
            workers=row["workers"],
            desired=row["desired"],
            reason=ScalingReason(row["reason"]),
            message=row["message"],
            figures=from_json(row["figures"]),
            provisioner=ProvisionerKind(row["provisioner"]),
            outcome=ScalingOutcome(row["outcome"]),
            detail=row["detail"],
            drained=from_json(row["drained"]),
            actor=row["actor"],
            decided_at=moment(row["decided_at"]),
            finished_at=moment(row["finished_at"]),
        )


def _which(project_id: ProjectId, queue_id: QueueId) -> dict[str, UUID]:
    return {"project_id": project_id, "queue_id": queue_id}
