"""Keeping the record over SQL (``ports.record``): deltas are folded, queues sampled, what is old forgotten."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.domain.histogram import Histogram
from taskforge.domain.metrics import DAY, HOUR, MINUTE, floor
from taskforge.storage.codec import from_json, to_json
from taskforge.storage.engine import Engine, Many, One, Script, columns
from taskforge.storage.metrics import depth_of, measured

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

MOST_SAMPLES = 20_000
"""Attempts of one queue, type and worker in one fold that are kept as they are; of more, only the histogram is."""

SAMPLES_AGE = timedelta(hours=3)
MINUTES_AGE = timedelta(days=7)
HOURS_AGE = timedelta(days=90)
DAYS_AGE = timedelta(days=400)
GAUGES_AGE = timedelta(days=14)

ALL_TIME = timedelta(0)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)

_METRICS = (
    "subject_id",
    "span_seconds",
    "starts_at",
    "job_type",
    "of_project",
    "succeeded",
    "failed",
    "cancelled",
    "duration_us",
    "wait_us",
    "durations",
    "waits",
)
_SAMPLES = ("of_project", "queue_id", "job_type", "worker_id", "first_at", "last_at", "samples")
_TOTALS = ("queue_id", "of_project", "succeeded_jobs")
_DEPTHS = ("queue_id", "minute", "of_project", "ready", "held", "scheduled", "processing", "latency_us")


class _Counts(NamedTuple):
    succeeded: int
    failed: int
    cancelled: int


class _Delta(NamedTuple):
    project_id: UUID
    queue_id: UUID
    job_type: str
    worker_id: UUID | None
    settled_at: datetime
    counts: _Counts
    removed: int
    durations: list[int]
    waits: list[int]


class _Key(NamedTuple):
    """One row of attempt_metrics."""

    subject_id: UUID
    span_seconds: int
    starts_at: datetime
    job_type: str


class _Sums:
    """The other columns of such a row."""

    def __init__(self, project_id: UUID) -> None:
        self.project_id = project_id
        self.counts = [0, 0, 0, 0, 0]
        self.durations = Histogram()
        self.waits = Histogram()

    def add(self, counts: Iterable[int], durations: Sequence[int], waits: Sequence[int]) -> None:
        """Counts and sums of times in the order of the columns, and packed histograms."""
        self.counts = [mine + more for mine, more in zip(self.counts, counts, strict=True)]
        self.durations.merge(durations)
        self.waits.merge(waits)


class SqlRecordKeeper:
    """Implements ``RecordKeeper`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def fold(self, limit: int) -> int:
        def script() -> Script[int]:
            [lock] = yield One("lock_fold")
            if not lock["is_mine"]:
                return 0
            deltas = [self._delta(row) for row in (yield One("take_deltas", {"limit": limit}))]
            if not deltas:
                return 0
            sums = _summed(deltas)
            if sums:
                yield from self._join_stored(sums)
                rows = [(*key, s.project_id, *s.counts, *_packed(s)) for key, s in sorted(sums.items())]
                yield Many("put_metrics", columns(_METRICS, rows))
            samples = _samples(deltas)
            if samples:
                yield Many("put_samples", columns(_SAMPLES, samples))
            totals = _totals(deltas)
            if totals:
                yield Many("add_totals", columns(_TOTALS, totals))
            return len(deltas)

        return await self._engine.run(script)

    async def has_unfolded(self) -> bool:
        return bool((await self._engine.read(One("has_deltas")))[0]["found"])

    def _join_stored(self, sums: dict[_Key, _Sums]) -> Script[None]:
        """Nobody else folds, so what is read here stands until it is written."""
        for row in (yield Many("metrics_to_fold", columns(_Key._fields, sums))):
            key = _Key(self._engine.identity(row[0]), row[1], self._engine.moment(row[2]), row[3])
            sums[key].add(row[4:9], from_json(row[9]), from_json(row[10]))

    def _delta(self, row: Any) -> _Delta:
        identity = self._engine.identity
        project, queue, job_type, worker, settled_at, *counts, durations, waits = tuple(row)
        return _Delta(
            identity(project),
            identity(queue),
            job_type,
            identity(worker),
            self._engine.moment(settled_at),
            _Counts(*counts[:3]),
            counts[3],
            measured(durations),
            measured(waits),
        )

    async def sample_queues(self, bound: int) -> int:
        everywhere = {"project_id": None, "queue_id": None, "bound": bound, "unless_sampled": True}
        found = [
            depth_of(row, self._engine) for row in await self._engine.read(One("queue_depths", everywhere))
        ]
        rows = [(d.queue_id, floor(d.now, MINUTE), d.project_id, *d[3:]) for d in found]
        if rows:
            await self._engine.call(Many("put_queue_samples", columns(_DEPTHS, rows)))
        return len(rows)

    async def forget(self, limit: int) -> None:
        ages = {
            "samples_us": SAMPLES_AGE,
            "minutes_us": MINUTES_AGE,
            "hours_us": HOURS_AGE,
            "days_us": DAYS_AGE,
            "gauges_us": GAUGES_AGE,
        }
        old = {name: age // timedelta(microseconds=1) for name, age in ages.items()}
        await self._engine.call(One("forget_record", {**old, "limit": limit}))


def _summed(deltas: Sequence[_Delta]) -> dict[_Key, _Sums]:
    """What each row of the metrics has to grow by. Each time is looked at once, histograms are merged."""
    found: dict[_Key, _Sums] = {}
    for same, minute in _grouped(deltas):
        first = same[0]
        counts = [sum(counted) for counted in zip(*(delta.counts for delta in same), strict=True)]
        if not any(counts):
            continue
        histograms = []
        for times in ("durations", "waits"):
            histogram = Histogram()
            values = [value for delta in same for value in getattr(delta, times)]
            histogram.add(values)
            counts.append(sum(values))
            histograms.append(histogram.packed)
        subjects = ((first.queue_id, first.job_type), (first.queue_id, ""), (first.worker_id, ""))
        for span in (MINUTE, HOUR, DAY, ALL_TIME):
            begin = floor(minute, span) if span else _BEGINNING
            for subject, job_type in subjects if span else subjects[:2]:
                if subject is not None:
                    key = _Key(subject, span // timedelta(seconds=1), begin, job_type)
                    if key not in found:
                        found[key] = _Sums(first.project_id)
                    found[key].add(counts, *histograms)
    return found


def _grouped(deltas: Sequence[_Delta]) -> Iterable[tuple[list[_Delta], datetime]]:
    groups: defaultdict[tuple[Any, ...], list[_Delta]] = defaultdict(list)
    for delta in deltas:
        groups[(*delta[:4], floor(delta.settled_at, MINUTE))].append(delta)
    return [(same, key[-1]) for key, same in groups.items()]


def _packed(sums: _Sums) -> tuple[str, str]:
    return to_json(sums.durations.packed), to_json(sums.waits.packed)


def _samples(deltas: Sequence[_Delta]) -> list[tuple[Any, ...]]:
    """One row for each queue, type, worker and minute."""
    rows: list[tuple[Any, ...]] = []
    for same, _ in _grouped([delta for delta in deltas if any(delta.counts)]):
        first = min(delta.settled_at for delta in same)
        last = max(delta.settled_at for delta in same)
        kept = None
        if sum(sum(delta.counts) for delta in same) <= MOST_SAMPLES:
            kept = to_json(
                [
                    ((delta.settled_at - first) // timedelta(microseconds=1), *delta.counts, *delta[-2:])
                    for delta in same
                ]
            )
        rows.append((*same[0][:4], first, last, kept))
    return rows


def _totals(deltas: Sequence[_Delta]) -> list[tuple[UUID, UUID, int]]:
    grown: Counter[tuple[UUID, UUID]] = Counter()
    for delta in deltas:
        grown[delta.queue_id, delta.project_id] += delta.counts.succeeded - delta.removed
    return sorted((queue, project, number) for (queue, project), number in grown.items() if number)
