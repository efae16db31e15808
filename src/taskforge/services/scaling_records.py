"""Scaling policies, recommendations and decisions as they are shown, by the API and the command line."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from taskforge.domain.scaling import ScalingDecision, ScalingOutcome, ScalingReason, StoredPolicy
from taskforge.domain.scaling_policy import ProvisionerKind, ScalingAction
from taskforge.domain.scaling_simulation import Simulation
from taskforge.services.scaling import Evaluation


@dataclass(frozen=True, slots=True)
class PolicyRecord:
    """How many workers a queue should have. Ages and cooldowns are seconds, the utilisation is per cent.

    `confirmed_workers` is the number that the provisioner was last brought to, `failures` how often in a row it failed.
    """

    id: UUID
    project_id: UUID
    queue_id: UUID
    queue_name: str
    enabled: bool
    min_workers: int
    max_workers: int
    target_queue_length: int
    target_worker_utilization: int
    target_age_seconds: int | None
    scale_up_threshold: int
    scale_down_threshold: int
    scale_up_cooldown: int
    scale_down_cooldown: int
    provisioner: ProvisionerKind
    target: str | None
    confirmed_workers: int | None
    last_scaled_at: datetime | None
    failures: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RecommendationRecord:
    """What a policy recommends now: `desired_workers` instead of `current_workers`.

    `action` is null when nothing is to be done; `reason` and `message` say why, `figures` what was seen. `not_before`:
    until then a cooldown holds it back.
    """

    queue_id: UUID
    queue_name: str
    action: ScalingAction | None
    count: int
    current_workers: int
    desired_workers: int
    min_workers: int
    max_workers: int
    reason: ScalingReason
    message: str
    provisioner: ProvisionerKind
    figures: dict[str, Any]
    not_before: datetime | None
    evaluated_at: datetime


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision that was carried out. `outcome`: begun, done, failed, or recommended where nobody starts workers."""

    id: UUID
    project_id: UUID
    queue_id: UUID
    queue_name: str
    action: ScalingAction
    from_workers: int
    to_workers: int
    reason: ScalingReason
    message: str
    figures: dict[str, Any]
    provisioner: ProvisionerKind
    outcome: ScalingOutcome
    detail: str | None
    drained_workers: list[str]
    actor: str
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExecutionResult:
    """What was recommended, and what was done about it; `decision` is null when nothing was."""

    recommendation: RecommendationRecord
    decision: DecisionRecord | None


@dataclass(frozen=True, slots=True)
class SimulatedPoint:
    """How it stood at one moment, seconds after the beginning. `wait`: seconds that the oldest waiting job had waited."""

    at: float
    workers: int
    backlog: int
    running: int
    wait: float


@dataclass(frozen=True, slots=True)
class SimulatedChange:
    """A decision of the simulated autoscaler, seconds after the beginning."""

    at: float
    action: ScalingAction
    workers: int
    desired: int
    message: str


@dataclass(frozen=True, slots=True)
class SimulationRecord:
    """What a replay came to. Waits are seconds over all jobs; `worker_hours` is what the workers would have cost."""

    jobs: int
    most_workers: int
    most_backlog: int
    average_wait: float
    p95_wait: float
    longest_wait: float
    worker_hours: float
    changes: list[SimulatedChange]
    points: list[SimulatedPoint]


def policy_record(stored: StoredPolicy) -> PolicyRecord:
    """A policy as it is shown."""
    return PolicyRecord(
        id=stored.id,
        project_id=stored.project_id,
        queue_id=stored.queue_id,
        queue_name=stored.queue_name,
        **stored.policy.to_json(),
        confirmed_workers=stored.confirmed_workers,
        last_scaled_at=stored.changed_at,
        failures=stored.failures,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )


def recommendation_record(evaluation: Evaluation) -> RecommendationRecord:
    """A recommendation as it is shown."""
    stored, found = evaluation.stored, evaluation.recommendation
    return RecommendationRecord(
        queue_id=stored.queue_id,
        queue_name=stored.queue_name,
        action=found.action,
        count=found.count,
        current_workers=found.workers,
        desired_workers=found.desired,
        min_workers=stored.policy.min_workers,
        max_workers=stored.policy.max_workers,
        reason=found.reason,
        message=found.message,
        provisioner=stored.policy.provisioner,
        figures=dict(found.figures),
        not_before=found.not_before,
        evaluated_at=evaluation.evaluated_at,
    )


def decision_record(decision: ScalingDecision) -> DecisionRecord:
    """A decision as it is shown."""
    return DecisionRecord(
        id=decision.id,
        project_id=decision.project_id,
        queue_id=decision.queue_id,
        queue_name=decision.queue_name,
        action=decision.action,
        from_workers=decision.workers,
        to_workers=decision.desired,
        reason=decision.reason,
        message=decision.message,
        figures=dict(decision.figures),
        provisioner=decision.provisioner,
        outcome=decision.outcome,
        detail=decision.detail,
        drained_workers=list(decision.drained),
        actor=decision.actor,
        created_at=decision.decided_at,
        finished_at=decision.finished_at,
    )


def execution_result(evaluation: Evaluation, decision: ScalingDecision | None) -> ExecutionResult:
    """What an execution came to, as it is shown."""
    return ExecutionResult(
        recommendation_record(evaluation), None if decision is None else decision_record(decision)
    )


def simulation_record(found: Simulation) -> SimulationRecord:
    """A replay as it is shown."""
    return SimulationRecord(
        jobs=found.jobs,
        most_workers=found.most_workers,
        most_backlog=found.most_backlog,
        average_wait=round(found.average_wait, 3),
        p95_wait=round(found.p95_wait, 3),
        longest_wait=round(found.longest_wait, 3),
        worker_hours=round(found.worker_seconds / 3600, 3),
        changes=[SimulatedChange(*change) for change in found.changes],
        points=[SimulatedPoint(*point) for point in found.points],
    )
