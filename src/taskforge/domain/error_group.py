"""Failures that are the same, together: how many there are, since when, what they affect, and what was said of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId

MOST_GROUPS = 5_000
"""Of one project. Failures of more kinds are counted in the group `OTHERS` together."""
MOST_VALUES = 50
"""So many tasks, queues, tags and tenants of a group are counted by name, those that failed most."""
HOURS_KEPT = 7 * 24
OTHERS = "(too many kinds)"


class ErrorStatus(StrEnum):
    """What has become of a group."""

    NEW = "new"
    RETURNED = "returned"
    """It was resolved, or muted for a time, and has failed again since."""
    RESOLVED = "resolved"
    MUTED = "muted"


class Failure(NamedTuple):
    """One failed attempt, as settling appends it. ``tenant``: the job's fairness key."""

    project_id: ProjectId
    fingerprint: UUID
    queue_id: UUID
    job_id: UUID
    job_type: str
    execution_id: UUID
    failed_at: datetime
    tags: Sequence[str] = ()
    tenant: str | None = None


class ErrorSample(NamedTuple):
    """What one failure said."""

    error_type: str
    message: str | None
    traceback: str | None
    frames: Sequence[str]


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Failed attempts of one fingerprint. ``tasks``, ``queue_ids``, ``tags`` and ``tenants`` count them by what they affect.

    ``hours`` counts them by the hour of the last seven days (the beginning of each, UTC). ``sample`` is from when the group
    was made or has returned; ``job_id`` and ``execution_id`` are those of the latest failure. ``status_by`` said the status at
    ``status_at``; None: nobody has. A mute holds until ``muted_until``, or for good.
    """

    id: UUID
    project_id: ProjectId
    fingerprint: UUID
    status: ErrorStatus
    sample: ErrorSample
    failures: int
    first_seen: datetime
    last_seen: datetime
    job_id: UUID
    execution_id: UUID
    tasks: Mapping[str, int]
    queue_ids: Mapping[str, int]
    tags: Mapping[str, int]
    tenants: Mapping[str, int]
    hours: Mapping[datetime, int]
    status_at: datetime
    status_by: str | None = None
    muted_until: datetime | None = None
    returned_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody should look at it."""
        return self.status in (ErrorStatus.NEW, ErrorStatus.RETURNED)


def first_of(group_id: UUID, failures: Sequence[Failure], sample: ErrorSample) -> ErrorGroup:
    """A new group of the failures of one fingerprint."""
    earliest = min(failures, key=lambda failure: failure.failed_at)
    group = ErrorGroup(
        group_id,
        earliest.project_id,
        earliest.fingerprint,
        ErrorStatus.NEW,
        sample,
        0,
        earliest.failed_at,
        earliest.failed_at,
        earliest.job_id,
        earliest.execution_id,
        {},
        {},
        {},
        {},
        {},
        earliest.failed_at,
    )
    return joined(group, failures, sample)


def joined(group: ErrorGroup, failures: Sequence[Failure], sample: ErrorSample) -> ErrorGroup:
    """The group with more failures of its fingerprint. One that was resolved returns by a failure that came later,
    and then shows the ``sample`` of this one.
    """
    latest = max(failures, key=lambda failure: failure.failed_at)
    is_newest = latest.failed_at >= group.last_seen
    hours = Counter(group.hours)
    hours.update(_hour(failure.failed_at) for failure in failures)
    last_seen = max(group.last_seen, latest.failed_at)
    grown = replace(
        group,
        failures=group.failures + len(failures),
        first_seen=min(group.first_seen, *(failure.failed_at for failure in failures)),
        last_seen=last_seen,
        job_id=latest.job_id if is_newest else group.job_id,
        execution_id=latest.execution_id if is_newest else group.execution_id,
        tasks=_counted(group.tasks, (failure.job_type for failure in failures)),
        queue_ids=_counted(group.queue_ids, (str(failure.queue_id) for failure in failures)),
        tags=_counted(group.tags, (tag for failure in failures for tag in failure.tags)),
        tenants=_counted(group.tenants, (failure.tenant for failure in failures if failure.tenant)),
        hours={hour: n for hour, n in hours.items() if hour > last_seen - timedelta(hours=HOURS_KEPT)},
    )
    since = _silent_until(group)
    again = [failure.failed_at for failure in failures if since is not None and failure.failed_at > since]
    if not again:
        return grown
    return replace(
        grown,
        status=ErrorStatus.RETURNED,
        sample=sample,
        returned_at=min(again),
        status_at=min(again),
        status_by=None,
        muted_until=None,
    )


def _silent_until(group: ErrorGroup) -> datetime | None:
    """When a failure brings it back; None: it does not, or it is here."""
    if group.status is ErrorStatus.RESOLVED:
        return group.status_at
    return group.muted_until if group.status is ErrorStatus.MUTED else None


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _counted(known: Mapping[str, int], more: Iterable[str]) -> dict[str, int]:
    counts = Counter(known)
    counts.update(more)
    return dict(counts.most_common(MOST_VALUES))
