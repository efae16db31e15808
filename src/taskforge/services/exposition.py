"""What a server tells Prometheus: the truth of the whole cluster, from the record, whichever server is asked.

The number of series is bounded: labels are names of organizations, projects, queues and tasks and closed lists of
statuses; of queues and tasks the `MOST_QUEUES` and `MOST_TASKS` are told, the rest of the tasks of a queue as `OTHER`.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from taskforge.domain.error_group import ErrorStatus
from taskforge.domain.metrics import DEPTH_BOUND
from taskforge.domain.queue import QueueState
from taskforge.domain.worker import WorkerStatus
from taskforge.services.prometheus import BOUNDS, buckets
from taskforge.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
    from uuid import UUID

    from prometheus_client import Metric
    from prometheus_client.core import HistogramMetricFamily

    from taskforge.domain.histogram import Histogram
    from taskforge.domain.ids import ProjectId
    from taskforge.ports.exposition import (
        ExposedAttempts,
        ExposedErrors,
        ExposedQueue,
        ExposedWorkers,
        ExpositionStore,
    )
    from taskforge.services.recording import Recording

MOST_QUEUES = 1_000
MOST_TASKS = 2_000
OTHER = "(other)"
WHERE = ("organization", "project", "queue")
_BOUNDS_US = [round(bound * 1e6) for bound in BOUNDS]


class Exposition:
    """Of all projects of a database, or of some. ``late`` answers for how many seconds a due time has waited."""

    def __init__(
        self,
        store: ExpositionStore,
        recording: Recording,
        lease: float,
        late: Callable[[], Awaitable[float]],
    ) -> None:
        self._store = store
        self._recording = recording
        self._lease = timedelta(seconds=lease)
        self._late = late

    async def families(self, project_ids: Sequence[ProjectId] | None = None) -> Sequence[Metric]:
        """What is told; None: of all projects. Raises InvalidSetting when the client library is missing."""
        from taskforge.services.prometheus import check_installed

        check_installed()
        await self._recording.fold_all()
        queues = {
            queue.id: queue for queue in await self._store.queues(project_ids, DEPTH_BOUND, MOST_QUEUES)
        }
        whole = await self._store.attempts(project_ids, MOST_QUEUES, by_type=False)
        by_type = await self._store.attempts(project_ids, MOST_TASKS, by_type=True)
        found = [
            *_of_queues(list(queues.values())),
            *_of_attempts(queues, whole, by_type),
            *_of_workers(await self._store.workers(project_ids, self._lease)),
            _of_errors(await self._store.errors(project_ids)),
            _build(),
        ]
        if project_ids is None:
            found.append(_of_scheduler(await self._late()))
        return found


def _of_queues(queues: Sequence[ExposedQueue]) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    jobs = GaugeMetricFamily(
        "taskforge_queue_jobs",
        f"Jobs that have not ended, by where they are; counted up to {DEPTH_BOUND}.",
        labels=(*WHERE, "status"),
    )
    latency = GaugeMetricFamily(
        "taskforge_queue_latency_seconds", "How long the oldest job that may run has waited.", labels=WHERE
    )
    paused = GaugeMetricFamily(
        "taskforge_queue_paused",
        "1 while a queue hands out no jobs because somebody paused it.",
        labels=WHERE,
    )
    dead = GaugeMetricFamily(
        "taskforge_dead_letters",
        f"Jobs that a dead-letter queue lists; counted up to {DEPTH_BOUND}.",
        labels=WHERE,
    )
    for queue in queues:
        where = (queue.organization, queue.project, queue.name)
        for status in ("ready", "held", "scheduled", "processing"):
            jobs.add_metric((*where, status), getattr(queue, status))
        latency.add_metric(where, queue.latency_us / 1e6)
        paused.add_metric(where, queue.state is QueueState.PAUSED)
        dead.add_metric(where, queue.dead_letters)
    yield from (jobs, latency, paused, dead)


def _of_attempts(
    queues: Mapping[Any, ExposedQueue],
    whole: Sequence[ExposedAttempts],
    by_type: Sequence[ExposedAttempts],
) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    executions = CounterMetricFamily(
        "taskforge_executions",
        "Attempts that have ended; those that are tried again count as failed.",
        labels=(*WHERE, "task", "status"),
    )
    durations = HistogramMetricFamily(
        "taskforge_execution_duration_seconds",
        "How long attempts ran that succeeded or failed.",
        labels=(*WHERE, "task"),
    )
    waits = HistogramMetricFamily(
        "taskforge_execution_wait_seconds",
        "How long they had waited before, from when they were due.",
        labels=(*WHERE, "task"),
    )
    told: Counter[tuple[UUID, str]] = Counter()
    for found in by_type:
        queue = queues.get(found.queue_id)
        if queue is None:
            continue
        labels = (queue.organization, queue.project, queue.name, found.job_type)
        for status in ("succeeded", "failed", "cancelled"):
            executions.add_metric((*labels, status), getattr(found, status))
            told[found.queue_id, status] += getattr(found, status)
        _add(durations, labels, found.durations, found.duration_us)
        _add(waits, labels, found.waits, found.wait_us)
    for found in whole:
        queue = queues.get(found.queue_id)
        for status in ("succeeded", "failed", "cancelled") if queue is not None else ():
            rest = getattr(found, status) - told[found.queue_id, status]
            if rest > 0 and queue is not None:
                executions.add_metric((queue.organization, queue.project, queue.name, OTHER, status), rest)
    yield from (executions, durations, waits)


def _add(family: HistogramMetricFamily, labels: Sequence[str], histogram: Histogram, total_us: int) -> None:
    at_most = buckets(histogram.at_most(_BOUNDS_US), histogram.count)
    family.add_metric(labels, at_most, total_us / 1e6)


def _of_workers(workers: Sequence[ExposedWorkers]) -> Iterator[Metric]:
    from prometheus_client.core import GaugeMetricFamily

    by_status = GaugeMetricFamily(
        "taskforge_workers",
        "Workers that have not left, by status; offline: silent for longer than a lease.",
        labels=("organization", "project", "status"),
    )
    slots = GaugeMetricFamily(
        "taskforge_worker_slots",
        "How many jobs the workers of a project that are online can run at a time.",
        labels=("organization", "project"),
    )
    found = {(some.organization, some.project, some.status): some for some in workers}
    for where in sorted({key[:2] for key in found}):
        for status in WorkerStatus:
            some = found.get((*where, status))
            by_status.add_metric((*where, status.value), 0 if some is None else some.workers)
        online = found.get((*where, WorkerStatus.ONLINE))
        slots.add_metric(where, 0 if online is None else online.slots)
    yield from (by_status, slots)


def _of_errors(errors: Sequence[ExposedErrors]) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily(
        "taskforge_error_groups",
        "Kinds of failures, by what has become of them.",
        labels=("organization", "project", "status"),
    )
    counts = {(found.organization, found.project, found.status): found.groups for found in errors}
    for organization, project in sorted({key[:2] for key in counts}):
        for status in ErrorStatus:
            labels = (organization, project, status.value)
            family.add_metric(labels, counts.get((organization, project, status), 0))
    return family


def _of_scheduler(late: float) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(
        "taskforge_scheduler_late_seconds",
        "For how long the next due time of any schedule has been waiting for a scheduler.",
        value=late,
    )


def _build() -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily("taskforge_build_info", "The version that tells this.", labels=("version",))
    family.add_metric((VERSION,), 1)
    return family
