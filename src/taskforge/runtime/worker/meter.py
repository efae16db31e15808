"""What a worker process counts of itself for Prometheus, and how it tells it. Nothing is counted where nobody asks."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

from taskforge.domain.outcome import Cancelled, Failed, Lost, Succeeded
from taskforge.services.prometheus import BOUNDS, buckets, check_installed, expose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from uuid import UUID

    from prometheus_client import Metric

    from taskforge.domain.worker import Incidents
    from taskforge.runtime.worker.running import Running


class Gauges(NamedTuple):
    """How a worker stands at present. ``stalled`` is for how many seconds claiming has not worked."""

    running: int
    slots: int
    in_hand: int
    stalled: float
    incidents: Incidents


class _Times:
    """How often which times were seen, and their sum."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0


class Meter:
    """Counts settled attempts by queue, task and status. Raises InvalidSetting when the client library is missing."""

    def __init__(self) -> None:
        check_installed()
        self._executions: Counter[tuple[str, str, str]] = Counter()
        self._times: dict[tuple[str, str], _Times] = {}
        self.gauges: Callable[[], Gauges] | None = None

    def take(self, batch: Sequence[Running], lost: frozenset[UUID]) -> None:
        """These are settled, but for the lost ones."""
        for running in batch:
            job = running.attempt.job
            if job.execution_id in lost:
                continue
            where = (running.attempt.queue_name, job.job_type)
            status = _status(running)
            self._executions[*where, status] += 1
            seconds = running.finished - running.started
            if status != "cancelled" and seconds == seconds:
                times = self._times.get(where)
                if times is None:
                    times = self._times[where] = _Times()
                times.counts[bisect_left(BOUNDS, seconds)] += 1
                times.total += seconds

    def expose(self, accept: str | None = None) -> tuple[bytes, str]:
        """What Prometheus scrapes, and its media type."""
        return expose(self._families(), accept)

    def _families(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        executions = CounterMetricFamily(
            "taskforge_worker_executions",
            "Attempts that this process has ended.",
            labels=("queue", "task", "status"),
        )
        for labels, count in sorted(self._executions.items()):
            executions.add_metric(labels, count)
        durations = HistogramMetricFamily(
            "taskforge_worker_execution_duration_seconds",
            "How long attempts ran here that succeeded or failed.",
            labels=("queue", "task"),
        )
        for where, times in sorted(self._times.items()):
            at_most = list(accumulate(times.counts))
            durations.add_metric(where, buckets(at_most[:-1], at_most[-1]), times.total)
        yield from (executions, durations)
        if self.gauges is None:
            return
        now = self.gauges()
        for name, text, value in (
            ("running_jobs", "Handlers that run here at present.", now.running),
            ("capacity_jobs", "How many may.", now.slots),
            ("claimed_jobs", "Attempts that are claimed and not yet settled and ended.", now.in_hand),
            ("claim_stalled_seconds", "For how long claiming has not worked.", now.stalled),
        ):
            yield GaugeMetricFamily(f"taskforge_worker_{name}", text, value=value)
        for name, text, value in (
            ("leases_lost", "Leases that were lost.", now.incidents.leases_lost),
            (
                "stale_writes",
                "Writes that changed nothing, because the lease was lost.",
                now.incidents.stale_writes,
            ),
            ("loop_blocks", "How often the event loop was held up.", now.incidents.loop_blocks),
        ):
            yield CounterMetricFamily(f"taskforge_worker_{name}", text, value=value)


def _status(running: Running) -> str:
    match running.outcome:
        case Succeeded():
            return "succeeded"
        case Failed() | Lost():
            return "failed"
        case Cancelled() | _:
            return "cancelled"
