"""Deliveries: what was told to whom, how often it was tried, and what was answered last."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from taskforge.domain.retry import RetryPolicy

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.receiver import Message, ReceiverKind

QUEUE = "taskforge.deliveries"
"""The queue of each project in which deliveries wait. Jobs of it are ours."""
DELIVER = "taskforge.deliver"
MOST_TRIES = 14
RETRIES = RetryPolicy(base=5.0, multiplier=3.0, cap=3600.0)
"""After 5 s, 15 s, 45 s ... an hour: for some eight hours altogether."""
TRY_SECONDS = 30.0
"""A try is given up after so long, whatever it waits for."""
CONCURRENCY = 2
"""So many tries at one receiver go on at once."""


class DeliveryCause(StrEnum):
    """Why something is told."""

    ALERT = "alert"
    JOB = "job"
    TEST = "test"


class DeliveryStatus(StrEnum):
    """Where it is; derived from the delivery and its job."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as it is stored. ``next_try_at``: when it is tried again, None when it is not, or at once."""

    id: UUID
    project_id: ProjectId
    receiver_id: UUID
    receiver_name: str
    receiver_kind: ReceiverKind
    cause: DeliveryCause
    cause_id: UUID | None
    message: Message
    status: DeliveryStatus
    tries: int
    last_answer: str | None
    last_tried_at: datetime | None
    next_try_at: datetime | None
    delivered_at: datetime | None
    created_at: datetime


def delivery_status(delivered_at: datetime | None, job_status: str | None) -> DeliveryStatus:
    """What has become of it. Its job may have been forgotten."""
    if delivered_at is not None:
        return DeliveryStatus.DELIVERED
    if job_status == "cancelled":
        return DeliveryStatus.CANCELLED
    return DeliveryStatus.FAILED if job_status in (None, "failed", "succeeded") else DeliveryStatus.WAITING
