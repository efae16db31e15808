"""How many workers a queue should have: the policy, what is seen, and the decision.

The decision is pure. Thresholds say *whether* the number may change, targets say *how many* workers there should be,
cooldowns how soon after the last change, bounds how few and how many at all. At the same sight it never goes up
after it went down: a queue shorter than the lower threshold is not longer than the upper one, and what is taken away
leaves enough for every target.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from taskforge.domain.scaling_policy import ScalingAction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.domain.scaling_policy import ProvisionerKind, ScalingPolicy


class ScalingReason(StrEnum):
    """Why the number changes, or why it does not."""

    QUEUE_LENGTH = "queue_length"
    UTILIZATION = "utilization"
    AGE = "age"
    ACTIVATION = "activation"
    BELOW_MINIMUM = "below_minimum"
    ABOVE_MAXIMUM = "above_maximum"
    LITTLE_TO_DO = "little_to_do"
    ON_TARGET = "on_target"
    AT_MAXIMUM = "at_maximum"
    COOLDOWN = "cooldown"
    ALL_BUSY = "all_busy"
    DISABLED = "disabled"


class ScalingOutcome(StrEnum):
    """What became of a decision. ``begun``: not known yet, or whoever carried it out has died."""

    BEGUN = "begun"
    DONE = "done"
    FAILED = "failed"
    RECOMMENDED = "recommended"


@dataclass(frozen=True, slots=True)
class Sight:
    """What is seen of a queue and its workers.

    ``workers`` is the number that the decision starts from: those that were asked for, as far as that is known, else
    those that are ``online``. ``active`` jobs run in the ``slots`` of the online ones; ``removable`` workers have
    nothing to do and serve no other queue, or have not come yet. ``awaited``: jobs wait that no worker knows (yet).
    """

    ready: int
    processing: int
    oldest_seconds: float
    workers: int
    online: int
    slots: int
    active: int
    removable: int
    awaited: bool = False
    is_paused: bool = False

    @property
    def length(self) -> int:
        """The jobs that wait and that run; a paused queue hands out none of those that wait."""
        return self.processing + (0 if self.is_paused else self.ready)

    @property
    def utilization(self) -> float | None:
        """Per cent of the slots that are in use; None without a worker."""
        return 100.0 * self.active / self.slots if self.slots else None


@dataclass(frozen=True, slots=True)
class LastChange:
    """When the number of workers was changed last, or should have been; how often in a row that has failed."""

    at: datetime
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What is to be done, if anything: ``desired`` workers instead of ``workers``. ``message`` says why in words.

    ``not_before``: until then a cooldown holds back what would be done.
    """

    action: ScalingAction | None
    workers: int
    desired: int
    reason: ScalingReason
    message: str
    figures: Mapping[str, Any]
    not_before: datetime | None = None

    @property
    def count(self) -> int:
        """How many workers more or less."""
        return abs(self.desired - self.workers)


def recommend(policy: ScalingPolicy, sight: Sight, last: LastChange | None, now: datetime) -> Recommendation:
    """The decision at this moment."""
    figures = _figures(policy, sight)
    if not policy.enabled:
        return _hold(sight, ScalingReason.DISABLED, "the policy is switched off", figures)
    desired, reason, message = _wanted(policy, sight, figures)
    if desired == sight.workers:
        return _hold(sight, reason, message, figures)
    action = ScalingAction.SCALE_UP if desired > sight.workers else ScalingAction.SCALE_DOWN
    if last is not None:
        until = last.at + policy.cooldown(action, last.failures)
        if now < until:
            left = (until - now).total_seconds()
            said = f"{message}; but the last change was just now, so not for {left:.0f} s"
            return replace(_hold(sight, ScalingReason.COOLDOWN, said, figures), not_before=until)
    return Recommendation(action, sight.workers, desired, reason, message, figures)


def _wanted(
    policy: ScalingPolicy, sight: Sight, figures: Mapping[str, Any]
) -> tuple[int, ScalingReason, str]:
    workers, length = sight.workers, sight.length
    has_work = length > 0 or (sight.awaited and not sight.is_paused)
    floor = max(policy.min_workers, 1 if has_work else 0)
    late = _is_late(policy, sight, 1.0)
    wanted = _most(figures, late=late)
    if workers > policy.max_workers:
        return _fewer(
            sight, policy.max_workers, ScalingReason.ABOVE_MAXIMUM, f"{workers} are more than max_workers"
        )
    if workers < floor or length > policy.scale_up_threshold or late:
        count, reason = max((floor, _of_floor(policy, floor)), wanted, key=lambda pair: pair[0])
        if count > workers and workers < policy.max_workers:
            return min(count, policy.max_workers), reason, _because(reason, policy, sight)
        if count > workers:
            return workers, ScalingReason.AT_MAXIMUM, f"{count} would be wanted, but {workers} is the maximum"
    elif length < policy.scale_down_threshold and not _is_late(policy, sight, 0.5):
        count = max(floor, min(wanted[0], workers))
        if count < workers:
            said = f"{_jobs(length)} are fewer than {policy.scale_down_threshold}"
            return _fewer(sight, count, ScalingReason.LITTLE_TO_DO, said)
    return workers, ScalingReason.ON_TARGET, f"{_workers(workers)} for {_jobs(length)}"


def _fewer(sight: Sight, count: int, reason: ScalingReason, why: str) -> tuple[int, ScalingReason, str]:
    """As few as that, as far as there are workers that have nothing to do."""
    least = max(count, sight.workers - sight.removable)
    if least < sight.workers:
        return least, reason, why
    return (
        sight.workers,
        ScalingReason.ALL_BUSY,
        f"{why}; but each worker runs something, or serves other queues",
    )


def _figures(policy: ScalingPolicy, sight: Sight) -> dict[str, Any]:
    """What was seen, and how many workers each target asks for."""
    per_worker = sight.slots / sight.online if sight.online else None
    return {
        "queue_length": sight.length,
        "ready": sight.ready,
        "processing": sight.processing,
        "awaited": sight.awaited,
        "oldest_seconds": round(sight.oldest_seconds, 3),
        "online_workers": sight.online,
        "removable_workers": sight.removable,
        "slots": sight.slots,
        "active_jobs": sight.active,
        "utilization": None if sight.utilization is None else round(sight.utilization, 1),
        "by_length": -(-sight.length // policy.target_queue_length),
        "by_utilization": None
        if per_worker is None
        else _ceiling(100.0 * sight.active / (per_worker * policy.target_worker_utilization)),
        "by_age": _by_age(policy, sight),
    }


def _by_age(policy: ScalingPolicy, sight: Sight) -> int | None:
    """More by as much as the age is beyond its target, at most twice as many: waiting goes on while they start."""
    if policy.target_age_seconds is None:
        return None
    if not _is_late(policy, sight, 1.0):
        return 0
    beyond = sight.oldest_seconds / policy.target_age_seconds
    return max(sight.workers + 1, _ceiling(sight.workers * min(beyond, 2.0)))


def _is_late(policy: ScalingPolicy, sight: Sight, part: float) -> bool:
    return (
        policy.target_age_seconds is not None
        and sight.ready > 0
        and not sight.is_paused
        and sight.oldest_seconds > policy.target_age_seconds * part
    )


def _most(figures: Mapping[str, Any], *, late: bool) -> tuple[int, ScalingReason]:
    return max(
        (figures["by_length"], ScalingReason.QUEUE_LENGTH),
        (figures["by_utilization"] or 0, ScalingReason.UTILIZATION),
        ((figures["by_age"] or 0) if late else 0, ScalingReason.AGE),
        key=lambda pair: pair[0],
    )


def _of_floor(policy: ScalingPolicy, floor: int) -> ScalingReason:
    return ScalingReason.BELOW_MINIMUM if floor == policy.min_workers else ScalingReason.ACTIVATION


def _because(reason: ScalingReason, policy: ScalingPolicy, sight: Sight) -> str:
    if reason is ScalingReason.BELOW_MINIMUM:
        return f"{_workers(sight.workers)}, and min_workers is {policy.min_workers}"
    if reason is ScalingReason.ACTIVATION:
        return "jobs wait, and there is no worker"
    if reason is ScalingReason.AGE:
        return f"the oldest job has waited for {sight.oldest_seconds:.1f} s, longer than {policy.target_age_seconds} s"
    if reason is ScalingReason.UTILIZATION:
        return f"{sight.utilization or 0:.0f} % of the slots are in use, the target is {policy.target_worker_utilization} %"
    return f"{_jobs(sight.length)} for {_workers(sight.workers)}, the target is {policy.target_queue_length} for each"


def _hold(sight: Sight, reason: ScalingReason, message: str, figures: Mapping[str, Any]) -> Recommendation:
    return Recommendation(None, sight.workers, sight.workers, reason, message, figures)


def _ceiling(value: float) -> int:
    return -int(-value // 1)


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count:,} jobs"


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """The policy of a queue as it is kept, and how it stands.

    ``confirmed_workers``: the number that the provisioner was last brought to; None: none yet. ``turn`` grows with
    each decision that is carried out, so that of two which look at once one acts.
    """

    id: UUID
    project_id: ProjectId
    queue_id: QueueId
    queue_name: str
    policy: ScalingPolicy
    confirmed_workers: int | None
    changed_at: datetime | None
    failures: int
    turn: int
    created_at: datetime
    updated_at: datetime

    @property
    def last(self) -> LastChange | None:
        """The last change of the number of workers."""
        return None if self.changed_at is None else LastChange(self.changed_at, self.failures)


@dataclass(frozen=True, slots=True)
class ScalingDecision:
    """A decision that was carried out, or at least begun, by whom, and what came of it."""

    id: UUID
    project_id: ProjectId
    queue_id: QueueId
    queue_name: str
    action: ScalingAction
    workers: int
    desired: int
    reason: ScalingReason
    message: str
    figures: Mapping[str, Any]
    provisioner: ProvisionerKind
    outcome: ScalingOutcome
    detail: str | None
    drained: Sequence[str]
    actor: str
    decided_at: datetime
    finished_at: datetime | None
