"""Who of the workers of a queue gets its next jobs: the plan of a queue, and what follows from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from taskforge.domain.assignment import Rival, weight_of
from taskforge.domain.queue import Strategy

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from taskforge.domain.assignment import Share
    from taskforge.domain.queue import Queue
    from taskforge.domain.worker import Worker


@dataclass(frozen=True, slots=True)
class Plan:
    """What a claimer at the gate of a queue has to know: its strategy, and its assignments if it has any."""

    strategy: Strategy
    rivals: tuple[Rival, ...] | None

    @classmethod
    def of(cls, strategy: str | None, assignments: Iterable[Share]) -> Plan | None:
        """The plan of a queue with this setting and these assignments; None where everybody may take what comes."""
        rivals = tuple(Rival(a.worker_name, a.weight, a.is_active) for a in assignments)
        if strategy is None:
            chosen = Strategy.WEIGHTED if rivals else Strategy.FIRST_FREE
        else:
            chosen = Strategy(strategy)
        if chosen is Strategy.FIRST_FREE and not rivals:
            return None
        return cls(chosen, rivals or None)

    def weight(self, worker: str) -> int | None:
        """The weight of a worker of this name, 1 where there are no assignments; None: it gets nothing."""
        return 1 if self.rivals is None else _weight(self.rivals, worker)

    def to_json(self) -> dict[str, Any]:
        """As the gate keeps it."""
        return {"strategy": self.strategy.value, "rivals": self.rivals}

    @classmethod
    def parse(cls, values: Any) -> Plan:
        """Back from what the gate keeps."""
        rivals = values["rivals"]
        return cls(Strategy(values["strategy"]), None if rivals is None else tuple(Rival(*r) for r in rivals))


@lru_cache(maxsize=4096)
def _weight(rivals: tuple[Rival, ...], worker: str) -> int | None:
    """Each claim asks for all workers that may come, and the names hardly ever change."""
    return weight_of(rivals, worker)


@dataclass(frozen=True, slots=True)
class Load:
    """What a worker carries: jobs that it runs, of those that it may run at once."""

    active_jobs: int
    max_concurrent_jobs: int

    @property
    def percent(self) -> float:
        """100 where every slot is taken; more where it was made smaller while it ran more."""
        return round(100 * self.active_jobs / self.max_concurrent_jobs, 1)


def load_of(worker: Worker) -> Load:
    """What a worker carries now."""
    return Load(worker.active_jobs, worker.max_concurrent_jobs)


def effective_strategy(queue: Queue) -> Strategy:
    """How the jobs of a queue are divided, as it is set or by default."""
    return Strategy.FIRST_FREE if queue.plan is None else queue.plan.strategy


def is_served_by(queue: Queue, worker: str, subscribed: Collection[str]) -> bool:
    """Whether a worker serves a queue: by an assignment where the queue has any, else because it asked to."""
    if queue.plan is None or not has_assignments(queue):
        return queue.name in subscribed
    return queue.plan.weight(worker) is not None


def has_assignments(queue: Queue) -> bool:
    """Whether a queue is served by the workers that are assigned to it, and by no other."""
    return queue.plan is not None and queue.plan.rivals is not None
