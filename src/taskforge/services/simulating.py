"""Scaling policies tried on arrivals: those that somebody names, or what a queue has done lately."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput, NotFound
from taskforge.domain.metrics import MINUTE
from taskforge.domain.scaling_policy import STANDARD
from taskforge.domain.scaling_simulation import Arrival, simulate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from taskforge.domain.ids import QueueId
    from taskforge.domain.metrics import ThroughputPoint
    from taskforge.domain.scaling_policy import ScalingPolicy
    from taskforge.domain.scaling_simulation import Fleet, Simulation
    from taskforge.services.metrics import Metrics
    from taskforge.services.scaling import Scaling

MOST_JOBS = 100_000
MOST_EVALUATIONS = 20_000
LONGEST_HOURS = 24
"""What a server replays while others wait for it; the command line takes longer traces."""


class Simulating:
    """Replays arrivals against the policies of one project. Nothing real is touched."""

    def __init__(self, scaling: Scaling, metrics: Metrics) -> None:
        self._scaling = scaling
        self._metrics = metrics
        self._turn = asyncio.Lock()

    async def replay(
        self, queue_id: QueueId, values: Mapping[str, Any], arrivals: Sequence[Arrival], fleet: Fleet
    ) -> Simulation:
        """The policy of a queue (else the standard one) with ``values`` changed, switched on, under these arrivals.

        Raises InvalidInput: fields of the policy, or more than a server replays.
        """
        policy = (await self._policy(queue_id)).changed({"enabled": True, **values})
        jobs = sum(arrival.jobs for arrival in arrivals)
        if not 1 <= jobs <= MOST_JOBS:
            raise InvalidInput(
                f"a server replays 1 to {MOST_JOBS:,} jobs, not {jobs:,}",
                field="arrivals",
                hint="a shorter time; taskforge scaling simulate takes up to a million",
            )
        if arrivals[-1].at / fleet.interval > MOST_EVALUATIONS:
            raise InvalidInput(
                f"the policy would be evaluated more than {MOST_EVALUATIONS:,} times",
                field="interval",
                hint="a longer interval, or a shorter time",
            )
        async with self._turn:
            return await asyncio.to_thread(simulate, policy, arrivals, fleet)

    async def past(self, queue_id: QueueId, hours: int) -> Sequence[Arrival]:
        """What ended in a queue in the last hours, as if it had come evenly within its minute.

        Raises InvalidInput: nothing did, or the time is too long.
        """
        if not 1 <= hours <= LONGEST_HOURS:
            raise InvalidInput(f"hours are from 1 to {LONGEST_HOURS}", field="hours")
        points = await self._metrics.throughput(
            await self._metrics.last(hours), queue_id=queue_id, step=MINUTE
        )
        found = [arrival for minute, point in enumerate(points) for arrival in _within(minute, point)]
        if not found:
            raise InvalidInput(
                "no job of this queue ended in that time", field="hours", hint="name arrivals instead"
            )
        return found

    async def _policy(self, queue_id: QueueId) -> ScalingPolicy:
        try:
            return (await self._scaling.get(queue_id)).policy
        except NotFound:
            return STANDARD


def _within(minute: int, point: ThroughputPoint) -> Sequence[Arrival]:
    """The jobs of one minute, at most one arrival for each second."""
    jobs = point.succeeded + point.failed + point.cancelled
    moments = min(jobs, MINUTE // timedelta(seconds=1))
    work = (point.avg_duration or 0.0) / 1000
    return [
        Arrival(
            minute * 60 + number * 60 / moments,
            jobs * (number + 1) // moments - jobs * number // moments,
            min(work, 86_400.0),
        )
        for number in range(moments)
    ]
