"""Bulk operations as bodies ask for them, and as they are told."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field

from taskforge.api.values import Body, Id, Moment
from taskforge.domain.operation import (
    MOST_PER_SECOND,
    BulkAction,
    Operation,
    OperationAction,
    OperationStatus,
)

MOST_IDS = 1000

Name = Annotated[str, Field(min_length=1, max_length=100)]
Rate = Annotated[
    int | None, Field(ge=1, le=MOST_PER_SECOND, description="Jobs a second; without it, as fast as it goes.")
]


class Chosen(Body):
    """Which jobs are meant: those that fit all that is said. At least one thing has to be said."""

    ids: Annotated[list[Id] | None, Field(min_length=1, max_length=MOST_IDS)] = None
    queue_id: Annotated[list[Id] | None, Field(min_length=1, max_length=100)] = None
    queue_name: Annotated[list[Name] | None, Field(min_length=1, max_length=100)] = None
    status: Annotated[list[str] | None, Field(min_length=1, max_length=20)] = None
    job_type: Name | None = None
    tag: Name | None = None
    payload_path: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    payload_value: Annotated[str | None, Field(max_length=200)] = None
    error: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    fingerprint: Id | None = None
    created_from: Moment | None = None
    created_to: Moment | None = None
    scheduled_from: Moment | None = None
    scheduled_to: Moment | None = None
    dead_letter_queue_id: Id | None = None


class NewOperation(Body):
    """What is to be done to which jobs; `queue_id` or `queue_name` is where they go (move), or are retried.

    With `dry_run` nothing is done, and the answer says how many jobs there are.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"action": "cancel", "filter": {"queue_name": ["reports"], "status": ["waiting"]}},
                {"action": "retry", "filter": {"error": "timed out"}, "per_second": 50},
            ]
        }
    )

    action: Annotated[BulkAction, Field(strict=False)]
    filter: Chosen
    queue_id: Id | None = None
    queue_name: Name | None = None
    per_second: Rate = None
    dry_run: bool = False


class Redrive(Body):
    """Dead letters of a dead-letter queue, all or some, and where they are retried: without a target in their origin."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"queue_id": "019212d3-87f4-7a2c-8d4e-5f60718293a4", "per_second": 10}]
        }
    )

    queue_id: Id
    ids: Annotated[list[Id] | None, Field(min_length=1, max_length=MOST_IDS)] = None
    job_type: Name | None = None
    error: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    target_queue_id: Id | None = None
    target_queue_name: Name | None = None
    per_second: Rate = None


@dataclass(frozen=True, slots=True)
class OperationView:
    """An operation. `counted` jobs (due times of a backfill) were chosen when it began, or more if `counted_or_more`.

    `done` were changed (or run), `skipped` had changed otherwise meanwhile (or run before).
    """

    id: UUID
    project_id: UUID
    action: OperationAction
    status: OperationStatus
    target_queue_id: UUID | None
    per_second: int | None
    counted: int
    counted_or_more: bool
    done: int
    skipped: int
    failure: str | None
    created_by: str
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class CountView:
    """How many jobs an operation would meet: `counted`, or more if `counted_or_more`."""

    action: BulkAction
    counted: int
    counted_or_more: bool


def view_of(operation: Operation) -> OperationView:
    """An operation as it is told."""
    return OperationView(
        id=operation.id,
        project_id=operation.project_id,
        action=operation.action,
        status=operation.status,
        target_queue_id=operation.target_queue_id,
        per_second=operation.per_second,
        counted=operation.counted,
        counted_or_more=operation.is_bounded,
        done=operation.done,
        skipped=operation.skipped,
        failure=operation.failure,
        created_by=operation.initiator.label,
        created_at=operation.created_at,
        updated_at=operation.updated_at,
        completed_at=operation.completed_at,
    )


def said(chosen: Chosen) -> dict[str, Any]:
    """What a filter says, by the names that lists have for it."""
    return chosen.model_dump(exclude_none=True)
