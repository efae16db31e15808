"""What alert rules look at, measured: for each kind the values of its subjects."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from taskforge.domain.alert import MOST_SUBJECTS
from taskforge.domain.alert_rule import RuleKind
from taskforge.domain.delivery import QUEUE as OUR_QUEUE
from taskforge.domain.errors import InvalidInput
from taskforge.domain.metrics import DEPTH_BOUND
from taskforge.domain.scaling import ScalingReason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from taskforge.domain.alert_rule import RuleSpec
    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.domain.queue import Queue
    from taskforge.ports.alerts import MeasureStore
    from taskforge.ports.queues import QueueStore
    from taskforge.ports.record import Depth, MetricsStore
    from taskforge.services.metrics import Metrics
    from taskforge.services.scaling import Scaling

HEAD = 1000
"""So many of a queue's next jobs are looked at for types that nobody knows."""
LETTERS_BOUND = 10_001
UNHEALTHY_PART = 2 / 3
"""A worker is unhealthy when it has been silent for this part of a lease."""


class Measuring:
    """Measures one project. What is measured for one rule serves the others that are looked at with it."""

    def __init__(
        self,
        store: MeasureStore,
        record: MetricsStore,
        queues: QueueStore,
        metrics: Metrics,
        project_id: ProjectId,
        lease: timedelta,
        scaling: Scaling,
    ) -> None:
        self._scaling = scaling
        self._store = store
        self._record = record
        self._queues = queues
        self._metrics = metrics
        self._project_id = project_id
        self._silence = lease * UNHEALTHY_PART
        self._known_queues: Sequence[Queue] | None = None
        self._known_depths: dict[int, Mapping[QueueId, Depth]] = {}

    async def values(self, spec: RuleSpec) -> Mapping[str, float]:
        """The values of a rule's subjects. Raises InvalidInput: its queue is gone."""
        measures: Mapping[RuleKind, Callable[[RuleSpec], Awaitable[Mapping[str, float]]]] = {
            RuleKind.FAILURE_RATE: self._failure_rates,
            RuleKind.OLDEST_WAITING: self._latencies,
            RuleKind.QUEUE_LENGTH: self._lengths,
            RuleKind.DEAD_LETTERS: self._dead_letters,
            RuleKind.NO_WORKER: self._unserved,
            RuleKind.MISSED_TICK: self._missed,
            RuleKind.WORKER_UNHEALTHY: self._lost,
            RuleKind.ERROR_GROUP: self._fresh_errors,
            RuleKind.SCALING_AT_MAXIMUM: self._at_maximum,
            RuleKind.BREAKER_OPEN: self._broken,
        }
        return await measures[spec.kind](spec)

    async def _failure_rates(self, spec: RuleSpec) -> Mapping[str, float]:
        period = await self._metrics.last((spec.window_seconds or 300.0) / 3600)
        chosen = await self._chosen(spec)
        if spec.queue is None:
            found = await self._metrics.queues(period)
        else:
            found = [await self._metrics.queue(queue.id, period) for queue in chosen.values()]
        return {
            figures.queue_name: 100.0 * figures.failed_executions / figures.total_executions
            for figures in found
            if figures.queue_name in chosen and figures.total_executions >= max(1, spec.min_attempts)
        }

    async def _latencies(self, spec: RuleSpec) -> Mapping[str, float]:
        return {name: depth.latency_us / 1e6 for name, depth in (await self._depths(spec)).items()}

    async def _lengths(self, spec: RuleSpec) -> Mapping[str, float]:
        return {name: float(depth.ready + depth.held) for name, depth in (await self._depths(spec)).items()}

    async def _dead_letters(self, spec: RuleSpec) -> Mapping[str, float]:
        chosen = await self._chosen(spec)
        bound = max(LETTERS_BOUND, int(spec.threshold) + 1)
        found = await self._store.dead_letters(self._project_id, bound)
        return {name: float(letters) for name, letters in found.items() if name in chosen}

    async def _unserved(self, spec: RuleSpec) -> Mapping[str, float]:
        """Types that no worker has ever known, and those at the heads of queues that no living one runs there."""
        found = {
            name: float(jobs) for name, jobs in (await self._store.unknown_types(self._project_id)).items()
        }
        known = await self._store.known_types(self._project_id, self._silence)
        chosen = await self._chosen(spec)
        for name, depth in (await self._depths(spec)).items():
            if depth.ready:
                heads = await self._store.waiting_types(self._project_id, chosen[name].id, HEAD)
                for job_type, jobs in heads.items():
                    if job_type not in known.get(name, ()):
                        found[job_type] = found.get(job_type, 0.0) + jobs
        return found

    async def _missed(self, spec: RuleSpec) -> Mapping[str, float]:
        window = timedelta(seconds=spec.window_seconds or 3600.0)
        found = await self._store.missed_ticks(self._project_id, window)
        return {name: float(missed) for name, missed in found.items()}

    async def _lost(self, spec: RuleSpec) -> Mapping[str, float]:
        window = timedelta(seconds=spec.window_seconds or 900.0)
        return dict.fromkeys(await self._store.lost_workers(self._project_id, self._silence, window), 1.0)

    async def _fresh_errors(self, spec: RuleSpec) -> Mapping[str, float]:
        window = timedelta(seconds=spec.window_seconds or 3600.0)
        found = await self._store.fresh_errors(self._project_id, window, 2 * MOST_SUBJECTS)
        return {name: float(failures) for name, failures in found.items()}

    async def _broken(self, spec: RuleSpec) -> Mapping[str, float]:
        return await self._store.broken_types(self._project_id, 2 * MOST_SUBJECTS)

    async def _at_maximum(self, spec: RuleSpec) -> Mapping[str, float]:
        """What the policies of queues would have, beyond what they may."""
        chosen = await self._chosen(spec)
        found: dict[str, float] = {}
        for evaluation in await self._scaling.evaluate_all():
            advice = evaluation.recommendation
            if evaluation.stored.queue_name in chosen and advice.reason is ScalingReason.AT_MAXIMUM:
                asked = [advice.figures[name] or 0 for name in ("by_length", "by_utilization", "by_age")]
                found[evaluation.stored.queue_name] = float(max(1, max(asked) - advice.workers))
        return found

    async def _chosen(self, spec: RuleSpec) -> dict[str, Queue]:
        """The queue that a rule names, or all but our own."""
        if self._known_queues is None:
            self._known_queues = await self._queues.list(self._project_id)
        if spec.queue is None:
            return {queue.name: queue for queue in self._known_queues if queue.name != OUR_QUEUE}
        found = {queue.name: queue for queue in self._known_queues if queue.name == spec.queue}
        if not found:
            raise InvalidInput(f"there is no queue {spec.queue!r} any more", field="queue")
        return found

    async def _depths(self, spec: RuleSpec) -> dict[str, Depth]:
        """What the rule's queues hold, counted as far as its threshold needs."""
        chosen = await self._chosen(spec)
        is_length = spec.kind is RuleKind.QUEUE_LENGTH
        bound = max(DEPTH_BOUND, int(spec.threshold) + 1) if is_length else DEPTH_BOUND
        if bound not in self._known_depths:
            found = await self._record.depths(self._project_id, None, bound)
            self._known_depths[bound] = {depth.queue_id: depth for depth in found}
        depths = self._known_depths[bound]
        return {name: depths[queue.id] for name, queue in chosen.items() if queue.id in depths}
