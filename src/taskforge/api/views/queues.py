"""Queues in bodies: the queue seed's fields, and ours beside them."""

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from taskforge.api.values import Body, kept
from taskforge.domain.job import JobStatus
from taskforge.domain.queue import Queue, QueueSettings, QueueState
from taskforge.domain.stats import QueueStats


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue. `is_active` is false while it is paused; a closed one takes no new jobs."""

    id: UUID
    project_id: UUID
    name: str
    description: str | None
    priority: int
    settings: dict[str, Any]
    is_active: bool
    state: QueueState
    paused_at: datetime | None
    paused_by: str | None
    pause_reason: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class QueueStatsView:
    """Jobs of a queue by status; of those in `at_least` there may be more."""

    queue_id: UUID
    state: QueueState
    total_count: int
    pending_count: int
    scheduled_count: int
    processing_count: int
    succeeded_count: int
    failed_count: int
    cancelled_count: int
    dead_letter_count: int
    at_least: list[JobStatus]


SETTINGS_EXAMPLE = {"max_concurrent_jobs": 10, "max_retries": 3, "timeout_seconds": 300, "rate_limit": 600}


class NewQueue(Body):
    """A queue that is to be made."""

    name: str = Field(min_length=1, max_length=100, examples=["reports"])
    description: str | None = Field(None, max_length=2000)
    priority: int = Field(0, ge=0, le=9)
    settings: dict[str, Any] = Field(default_factory=dict, examples=[SETTINGS_EXAMPLE])
    is_active: bool = True


class QueueChange(Body):
    """What is to be changed; what is absent stays. A setting of null goes back to its default."""

    name: str | None = kept(min_length=1, max_length=100)
    description: str | None = Field(None, max_length=2000)
    priority: int | None = kept(ge=0, le=9)
    settings: dict[str, Any] | None = kept(examples=[{"rate_limit": 600}])
    is_active: bool | None = kept()
    state: QueueState | None = kept(strict=False)
    reason: str | None = Field(None, max_length=1000)


def view_of(queue: Queue) -> QueueView:
    """A queue as it is shown."""
    return QueueView(
        id=queue.id,
        project_id=queue.project_id,
        name=queue.name,
        description=queue.description,
        priority=queue.priority,
        settings={field.name: None for field in fields(QueueSettings)} | asdict(queue.settings),
        is_active=queue.is_active,
        state=queue.state,
        paused_at=queue.paused_at,
        paused_by=queue.paused_by,
        pause_reason=queue.pause_reason,
        created_at=queue.created_at,
        updated_at=queue.updated_at,
    )


def stats_view_of(stats: QueueStats, dead_letters: int) -> QueueStatsView:
    """Counts as they are shown."""
    counts = {f"{status.value}_count": count for status, count in stats.counts.items()}
    return QueueStatsView(
        queue_id=stats.queue_id,
        state=stats.state,
        total_count=stats.total,
        dead_letter_count=dead_letters,
        at_least=sorted(stats.counts.bounded),
        **counts,
    )
