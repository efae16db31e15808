"""The circuit breaker of a job type: when it opens, when it probes, when it closes. Pure decisions.

Closed, jobs of the type are handed out. Open, they wait. Half open, a few of them are let through as probes: if these
succeed it closes, if one fails it opens again.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.domain.errors import InvalidInput
from taskforge.domain.execution import ExecutionStatus, Reason
from taskforge.domain.job import Hold, JobStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.ids import ProjectId

LONGEST_SECONDS = 86_400
MOST_ATTEMPTS = 1_000_000
MOST_PROBES = 100
PATIENCE = timedelta(seconds=60)
"""A probe that no worker has taken for so long makes room for another job."""


class BreakerState(StrEnum):
    """Whether jobs of the type are handed out: all, none, or some to try."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """When a breaker opens and closes.

    It opens when at least ``minimum_attempts`` ended within the last ``window_seconds``, and of these at least
    the share ``failure_rate`` (more than 0, at most 1) failed. ``open_seconds`` later it lets probes through, and
    closes when ``probes`` of them have succeeded.
    """

    failure_rate: float = 0.5
    minimum_attempts: int = 10
    window_seconds: int = 60
    open_seconds: int = 30
    probes: int = 1

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> BreakerSettings:
        """Settings of plain JSON values; what is absent or None has its default. Raises InvalidInput."""
        return cls().changed(values)

    def changed(self, values: Mapping[str, Any]) -> BreakerSettings:
        """These with some fields changed; None goes back to the default. Raises InvalidInput naming the field."""
        names = [field.name for field in fields(self)]
        for name in values:
            if name not in names:
                raise InvalidInput(f"a breaker has no field {name!r:.100}", field=name, hint=", ".join(names))
        after = {
            name: getattr(STANDARD, name) if value is None else _parse(name, value)
            for name, value in values.items()
        }
        return replace(self, **after)

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values."""
        return asdict(self)


STANDARD = BreakerSettings()

_WHOLE_NUMBERS = {
    "minimum_attempts": MOST_ATTEMPTS,
    "window_seconds": LONGEST_SECONDS,
    "open_seconds": LONGEST_SECONDS,
    "probes": MOST_PROBES,
}


def _parse(name: str, value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if name == "failure_rate":
        if is_number and math.isfinite(value) and 0 < value <= 1:
            return float(value)
        raise InvalidInput(
            f"failure_rate must be more than 0 and at most 1, not {value!r:.100}",
            field=name,
            hint="0.5 opens it when every second attempt fails",
        )
    most = _WHOLE_NUMBERS[name]
    if isinstance(value, int) and is_number and 1 <= value <= most:
        return value
    raise InvalidInput(f"{name} must be a whole number from 1 to {most}, not {value!r:.100}", field=name)


@dataclass(frozen=True, slots=True)
class Breaker:
    """A breaker as it is stored, and how it stands since ``changed_at``, by whose word and why.

    An open one lets probes through from ``probe_at``; without that it stays open until a person closes it.
    """

    id: UUID
    project_id: ProjectId
    job_type: str
    settings: BreakerSettings
    state: BreakerState
    version: int
    probe_at: datetime | None
    reason: str | None
    changed_by: str | None
    changed_at: datetime
    created_at: datetime
    updated_at: datetime

    def counted_from(self, now: datetime) -> datetime:
        """From when on attempts count: nothing from before it closed does."""
        window = timedelta(seconds=self.settings.window_seconds)
        return max(now - window, self.changed_at) if self.state is BreakerState.CLOSED else now - window


class ProbeFate(StrEnum):
    """What has become of a job that was let through to try."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    VOID = "void"
    """It says nothing, and another takes its place: cancelled, lost, held back again, or nobody takes it."""


class Probe(NamedTuple):
    """A job that was let through, and what is seen of it; None where nothing is.

    ``claim_seq`` is the job's before it was let through: the next claim is the probe. ``ended_as`` and ``reason``
    are of the attempt that this claim was.
    """

    job_id: UUID
    claim_seq: int
    released_at: datetime
    status: JobStatus | None
    hold: Hold | None
    current_seq: int | None
    ended_as: ExecutionStatus | None
    reason: Reason | None

    def fate(self, now: datetime) -> ProbeFate:
        """What it says of its type."""
        if self.ended_as is ExecutionStatus.SUCCEEDED:
            return ProbeFate.SUCCEEDED
        if self.ended_as is not None:
            says_nothing = self.ended_as is ExecutionStatus.CANCELLED or self.reason is Reason.WORKER_LOST
            return ProbeFate.VOID if says_nothing else ProbeFate.FAILED
        if self.status is JobStatus.PROCESSING and self.current_seq == self.claim_seq + 1:
            return ProbeFate.RUNNING
        may_go = self.status is JobStatus.PENDING and self.hold in (None, Hold.SUSPECT)
        if may_go and self.current_seq == self.claim_seq and now - self.released_at < PATIENCE:
            return ProbeFate.WAITING
        return ProbeFate.VOID


class Seen(NamedTuple):
    """What was looked at: attempts within the window, and what has become of the probes."""

    attempts: int = 0
    failures: int = 0
    probes_succeeded: int = 0
    probes_failed: int = 0
    probes_under_way: int = 0

    def with_probes(self, fates: Iterable[ProbeFate]) -> Seen:
        """The same with these probes."""
        found = list(fates)
        under_way = found.count(ProbeFate.WAITING) + found.count(ProbeFate.RUNNING)
        return self._replace(
            probes_succeeded=found.count(ProbeFate.SUCCEEDED),
            probes_failed=found.count(ProbeFate.FAILED),
            probes_under_way=under_way,
        )


class Turn(NamedTuple):
    """A change of state and why. ``probe_at``: when an open one lets probes through; None: not by itself."""

    state: BreakerState
    reason: str
    probe_at: datetime | None = None


def judge(breaker: Breaker, seen: Seen, now: datetime) -> Turn | None:
    """Whether the breaker has to turn; None: it stays as it is."""
    settings = breaker.settings
    if breaker.state is BreakerState.CLOSED:
        # divided, so that 3 of 30 are exactly the rate 0.1
        if (
            seen.failures
            and seen.attempts >= settings.minimum_attempts
            and seen.failures / seen.attempts >= settings.failure_rate
        ):
            return _opened(settings, now, f"{seen.failures:,} of {seen.attempts:,} attempts failed")
        return None
    if breaker.state is BreakerState.OPEN:
        if breaker.probe_at is not None and breaker.probe_at <= now:
            return Turn(BreakerState.HALF_OPEN, f"it was open for {settings.open_seconds} s")
        return None
    if seen.probes_failed:
        return _opened(settings, now, "a probe failed")
    if seen.probes_succeeded >= settings.probes:
        count = seen.probes_succeeded
        return Turn(BreakerState.CLOSED, "the probe succeeded" if count == 1 else f"{count} probes succeeded")
    return None


def probes_wanted(breaker: Breaker, seen: Seen) -> int:
    """How many more jobs are to be let through."""
    if breaker.state is not BreakerState.HALF_OPEN:
        return 0
    return max(0, breaker.settings.probes - seen.probes_succeeded - seen.probes_under_way)


def opened_by_hand(reason: str | None, now: datetime, seconds: int | None) -> Turn:
    """Open until it is closed by hand, or for so many seconds until probes. Raises InvalidInput."""
    if seconds is None:
        return Turn(BreakerState.OPEN, reason or "opened by hand")
    if isinstance(seconds, bool) or not 1 <= seconds <= LONGEST_SECONDS:
        raise InvalidInput(
            f"seconds must be a whole number from 1 to {LONGEST_SECONDS}, not {seconds!r:.100}",
            field="seconds",
            hint="without it the breaker stays open until it is closed",
        )
    return Turn(BreakerState.OPEN, reason or "opened by hand", now + timedelta(seconds=seconds))


def _opened(settings: BreakerSettings, now: datetime, reason: str) -> Turn:
    return Turn(BreakerState.OPEN, reason, now + timedelta(seconds=settings.open_seconds))
