"""Error groups as they are shown, by the API and the command line."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from taskforge.domain.error_group import ErrorGroup, ErrorStatus


@dataclass(frozen=True, slots=True)
class NamedCount:
    """So many failures have this task, queue or tag."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class HourCount:
    """So many failures were in the hour that begins then."""

    starts_at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """Failed attempts that are the same: by the type of the exception and the user's own `frames` (outermost first).

    `count` of them since `first_seen`; `tasks`, `queues`, `tags` and `tenants` (fairness keys) say what is affected, at most 50 of
    each. `message` and `traceback` are of the failure that made the group or brought it back (in lists there is no traceback), `job_id`
    and `execution_id` of the latest. `status` was said by `status_by`, null where nobody has said anything.
    """

    id: UUID
    project_id: UUID
    fingerprint: UUID
    status: ErrorStatus
    error_type: str
    message: str | None
    traceback: str | None
    frames: list[str]
    count: int
    first_seen: datetime
    last_seen: datetime
    job_id: UUID
    execution_id: UUID
    tasks: list[NamedCount]
    queues: list[NamedCount]
    tags: list[NamedCount]
    tenants: list[NamedCount]
    hours: list[HourCount]
    status_at: datetime
    status_by: str | None
    muted_until: datetime | None
    returned_at: datetime | None
    created_at: datetime
    updated_at: datetime


def error_record(group: ErrorGroup, queue_names: Mapping[UUID, str]) -> ErrorRecord:
    """A group as it is shown; of queues that are gone the ids are."""
    queues = {queue_names.get(UUID(found), found): count for found, count in group.queue_ids.items()}
    return ErrorRecord(
        id=group.id,
        project_id=group.project_id,
        fingerprint=group.fingerprint,
        status=group.status,
        error_type=group.sample.error_type,
        message=group.sample.message,
        traceback=group.sample.traceback,
        frames=list(group.sample.frames),
        count=group.failures,
        first_seen=group.first_seen,
        last_seen=group.last_seen,
        job_id=group.job_id,
        execution_id=group.execution_id,
        tasks=_counts(group.tasks),
        queues=_counts(queues),
        tags=_counts(group.tags),
        tenants=_counts(group.tenants),
        hours=[HourCount(hour, count) for hour, count in sorted(group.hours.items())],
        status_at=group.status_at,
        status_by=group.status_by,
        muted_until=group.muted_until,
        returned_at=group.returned_at,
        created_at=group.first_seen,
        updated_at=max(group.last_seen, group.status_at),
    )


def _counts(counts: Mapping[str, int]) -> list[NamedCount]:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [NamedCount(name, count) for name, count in ordered]
