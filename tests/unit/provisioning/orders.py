"""An order as autoscalers give it."""

from typing import Any
from uuid import UUID

from taskforge.domain.ids import ProjectId, QueueId
from taskforge.domain.scaling_policy import ScalingAction
from taskforge.ports.scaling import Order


def order(workers: int, desired: int, **values: Any) -> Order:
    """From so many workers to so many."""
    given: dict[str, Any] = {
        "decision_id": UUID(int=7),
        "project_id": ProjectId(UUID(int=1)),
        "queue_id": QueueId(UUID(int=2)),
        "queue_name": "reports",
        "action": ScalingAction.SCALE_UP if desired > workers else ScalingAction.SCALE_DOWN,
        "workers": workers,
        "desired": desired,
        "most": 10,
        "target": None,
        "reason": "queue_length",
        "message": "many jobs",
        "leaving": (),
    }
    return Order(**(given | values))
