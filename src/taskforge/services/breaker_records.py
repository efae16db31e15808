"""Circuit breakers as they are shown, by the API and the command line."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from taskforge.domain.breaker import BreakerState
from taskforge.services.breakers import Sight


@dataclass(frozen=True, slots=True)
class BreakerRecord:
    """A circuit breaker of a job type: its settings, how it stands since `changed_at`, and what it judges by now.

    It opens when of at least `minimum_attempts` within `window_seconds` the share `failure_rate` failed; `attempts` and
    `failures` are those that count now. An open one tries some jobs from `probe_at` on; null: not by itself.
    """

    id: UUID
    project_id: UUID
    job_type: str
    failure_rate: float
    minimum_attempts: int
    window_seconds: int
    open_seconds: int
    probes: int
    state: BreakerState
    reason: str | None
    changed_by: str | None
    changed_at: datetime
    probe_at: datetime | None
    attempts: int
    failures: int
    probes_succeeded: int
    probes_under_way: int
    created_at: datetime
    updated_at: datetime


def breaker_record(sight: Sight) -> BreakerRecord:
    """A breaker and its figures."""
    breaker, seen = sight
    settings = breaker.settings
    return BreakerRecord(
        id=breaker.id,
        project_id=breaker.project_id,
        job_type=breaker.job_type,
        failure_rate=settings.failure_rate,
        minimum_attempts=settings.minimum_attempts,
        window_seconds=settings.window_seconds,
        open_seconds=settings.open_seconds,
        probes=settings.probes,
        state=breaker.state,
        reason=breaker.reason,
        changed_by=breaker.changed_by,
        changed_at=breaker.changed_at,
        probe_at=breaker.probe_at,
        attempts=seen.attempts,
        failures=seen.failures,
        probes_succeeded=seen.probes_succeeded,
        probes_under_way=seen.probes_under_way,
        created_at=breaker.created_at,
        updated_at=breaker.updated_at,
    )
