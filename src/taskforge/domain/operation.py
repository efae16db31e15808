"""An operation: the same done to all jobs that a filter chooses, or all due times of a past span run, in the background."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.access import PrincipalKind
    from taskforge.domain.ids import OrganizationId, ProjectId, QueueId

MOST_PER_SECOND = 100_000


class BulkAction(StrEnum):
    """What is done to jobs."""

    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"
    MOVE = "move"


class OperationAction(StrEnum):
    """What is done: to jobs, or for a schedule."""

    CANCEL = "cancel"
    RETRY = "retry"
    DELETE = "delete"
    MOVE = "move"
    BACKFILL = "backfill"


@dataclass(frozen=True, slots=True)
class Span:
    """A past span of a schedule that is to be made up for; both ends belong to it."""

    schedule_id: UUID
    schedule: str
    since: datetime
    until: datetime


class OperationStatus(StrEnum):
    """How far it is."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Initiator:
    """Who asked for it, and so acts in each of its steps."""

    kind: PrincipalKind
    id: UUID
    label: str
    organization_id: OrganizationId | None = None
    credential_id: UUID | None = None
    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """``counted`` is how many jobs (or due times) it was to meet; with ``is_bounded`` there are more.

    ``done`` were changed (or run), ``skipped`` had changed otherwise meanwhile (or run before). ``per_second`` None: as fast as it goes.
    """

    id: UUID
    project_id: ProjectId
    action: OperationAction
    status: OperationStatus
    target_queue_id: QueueId | None
    per_second: int | None
    counted: int
    is_bounded: bool
    done: int
    skipped: int
    failure: str | None
    initiator: Initiator
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None
