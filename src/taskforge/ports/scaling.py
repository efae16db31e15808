"""Scaling policies and decisions as they are kept, and the hand that starts and stops workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import timedelta
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId, WorkerId
    from taskforge.domain.scaling import Recommendation, ScalingDecision, ScalingOutcome, StoredPolicy
    from taskforge.domain.scaling_policy import ScalingAction, ScalingPolicy


class Begun(NamedTuple):
    """A decision that is ours to carry out."""

    decision_id: UUID
    turn: int


class Ended(NamedTuple):
    """What came of a decision: ``detail`` in words, and the workers that were asked to leave, by name."""

    outcome: ScalingOutcome
    detail: str | None
    drained: Sequence[str]


class ScalingStore(Protocol):
    """Rows of policies and decisions. Every change of a policy has its entry in the audit log."""

    async def create(
        self, project_id: ProjectId, queue_id: QueueId, policy: ScalingPolicy
    ) -> StoredPolicy | None:
        """A new policy; None when the queue has one, or is gone."""
        ...

    async def change(
        self, project_id: ProjectId, queue_id: QueueId, change: Callable[[StoredPolicy], ScalingPolicy]
    ) -> StoredPolicy | None:
        """Write what ``change`` makes of the policy as it stands; None when there is none."""
        ...

    async def delete(
        self, project_id: ProjectId, queue_id: QueueId, check: Callable[[StoredPolicy], None]
    ) -> StoredPolicy | None:
        """Remove it, unless ``check`` refuses what it sees; None when there is none."""
        ...

    async def get(self, project_id: ProjectId, queue_id: QueueId) -> StoredPolicy | None:
        """That of a queue; None when there is none."""
        ...

    async def list(self, project_id: ProjectId) -> Sequence[StoredPolicy]:
        """All policies of a project by the names of their queues."""
        ...

    async def scaled_projects(self) -> Sequence[ProjectId]:
        """Projects with a policy that is switched on."""
        ...

    async def is_awaited(self, project_id: ProjectId, queue_id: QueueId) -> bool:
        """Whether jobs wait in the queue that no worker knows."""
        ...

    async def begin(self, stored: StoredPolicy, found: Recommendation) -> Begun | None:
        """Note that it is carried out by whoever acts; None when the policy has changed, or another was first."""
        ...

    async def end(
        self, stored: StoredPolicy, begun: Begun, desired: int, ended: Ended
    ) -> ScalingDecision | None:
        """Note what came of it, and the number that was ordered; the decision as it stands then."""
        ...

    async def drain_idle(
        self, project_id: ProjectId, worker_ids: Sequence[WorkerId], most: int
    ) -> Sequence[tuple[WorkerId, str]]:
        """Ask up to ``most`` of these to leave, in this order; one that runs something is passed over. Ids and names."""
        ...

    async def decisions(
        self, project_id: ProjectId, queue_id: QueueId | None, before: UUID | None, limit: int
    ) -> Sequence[ScalingDecision]:
        """Decisions, the latest first."""
        ...

    async def forget(self, age: timedelta) -> None:
        """Forget decisions that are older, of all projects."""
        ...


class Order(NamedTuple):
    """Bring the workers of a queue from ``workers`` to ``desired``.

    ``leaving`` are those that have been asked to leave, as (name, host); ``target`` is what the policy names.
    ``decision_id`` is the same however often an order is sent.
    """

    decision_id: UUID
    project_id: ProjectId
    queue_id: QueueId
    queue_name: str
    action: ScalingAction
    workers: int
    desired: int
    most: int
    target: str | None
    reason: str
    message: str
    leaving: Sequence[tuple[str, str]]


class Capacity(NamedTuple):
    """How many workers a provisioner keeps for a queue; ``names`` where it knows them, else any worker may be its own."""

    workers: int
    names: frozenset[str] | None = None


class Provisioner(Protocol):
    """Starts and stops workers. The number that is wanted is absolute: an order that comes twice changes nothing more."""

    async def look(self, queue_name: str, target: str | None) -> Capacity | None:
        """How many there are; None: it cannot tell. Raises ProvisionerFailed."""
        ...

    async def scale(self, order: Order) -> str:
        """Carry it out; what was done, in words. Raises ProvisionerFailed when it was not, or not as ordered."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...
