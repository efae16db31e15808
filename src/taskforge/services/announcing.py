"""Who is told when attempts have ended: those who wait for results, and workers that may have something to do now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.job import JobStatus
from taskforge.ports.signals import Hint, Topic

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.ports.dispatch import Dispatch
    from taskforge.ports.jobs import Settlement
    from taskforge.ports.signals import Signals


def announce(
    signals: Signals,
    dispatch: Dispatch,
    project_id: ProjectId,
    endings: Sequence[tuple[QueueId, Settlement]],
    limited: Collection[QueueId],
) -> None:
    """Tell of the ends of attempts, each with its job's queue. In ``limited`` queues an end makes room for another start."""
    told: set[QueueId] = set()
    freed: set[QueueId] = set()
    returned: dict[QueueId, list[UUID]] = {}
    latest: QueueId | None = None
    is_limited = False
    for queue_id, settlement in endings:
        if queue_id is not latest:  # those of a batch share it, as a rule
            latest = queue_id
            told.add(queue_id)
            is_limited = queue_id in limited
        if is_limited:
            continue
        status = settlement.transition.status
        if settlement.concurrency_key is not None:
            freed.add(queue_id)
        elif status is not JobStatus.SUCCEEDED and not status.is_finished:
            returned.setdefault(queue_id, []).append(settlement.job_id)
    freed.update(told.intersection(limited))
    for queue_id in told:
        signals.publish(Hint(Topic.FINISHED, project_id, queue_id))
    for queue_id in freed:
        signals.publish(Hint(Topic.READY, project_id, queue_id))
    for queue_id, job_ids in returned.items():
        if not dispatch.returned(queue_id, job_ids):
            signals.publish(Hint(Topic.READY, project_id, queue_id))
