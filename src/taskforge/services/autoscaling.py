"""What an autoscaler does again and again: carries out what policies recommend, where no other does it."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from taskforge.domain.access import system
from taskforge.domain.errors import TaskforgeError, Unavailable
from taskforge.domain.scaling_policy import ScalingAction
from taskforge.ports.acting import acting

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.scaling import StoredPolicy
    from taskforge.domain.scaling_policy import ProvisionerKind
    from taskforge.ports.scaling import ScalingStore
    from taskforge.services.leadership import Leadership
    from taskforge.services.scaling import Scaling

AUTOSCALER = system("autoscaler")
REMOTE_LOCK = "taskforge autoscaler"
LOCAL_LOCK = "taskforge autoscaler local"
"""The locks under which one autoscaler leads: one for what any server can order, one for what starts processes here."""
KEPT = timedelta(days=30)
"""For so long decisions are kept."""
FORGET_SECONDS = 3600.0

logger = logging.getLogger("taskforge.scaling")


class Autoscaling:
    """Sees to the policies of these provisioners, in one project or in all of them (None)."""

    def __init__(
        self,
        store: ScalingStore,
        leadership: Leadership,
        scaling_of: Callable[[ProjectId], Scaling],
        kinds: Collection[ProvisionerKind],
        project_id: ProjectId | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._leadership = leadership
        self._scaling_of = scaling_of
        self._kinds = kinds
        self._project_id = project_id
        self._monotonic = monotonic
        self._forgot_at = -FORGET_SECONDS

    async def round(self) -> int:
        """Look at every policy once; how many decisions were carried out. Raises Unavailable."""
        done = 0
        with acting(AUTOSCALER):
            for project_id in await self._store.scaled_projects():
                if self._project_id in (None, project_id):
                    done += await self._round_of(project_id)
            if self._monotonic() - self._forgot_at >= FORGET_SECONDS:
                await self._store.forget(KEPT)
                self._forgot_at = self._monotonic()
        return done

    async def resign(self) -> None:
        """Let another autoscaler go on at once."""
        await self._leadership.resign()

    async def _round_of(self, project_id: ProjectId) -> int:
        scaling = self._scaling_of(project_id)
        wanted = [stored for stored in await scaling.list() if self._is_ours(stored)]
        if not wanted or not await self._leadership.holds(project_id):
            return 0
        done = 0
        now = await scaling.now()
        for stored in wanted:
            if _rests(stored, now):
                continue
            try:
                _, decision = await scaling.carry_out(stored)
            except Unavailable:
                raise
            except TaskforgeError as error:  # the next queue is not to suffer for it
                logger.warning("queue %s cannot be scaled: %s", stored.queue_name, error.message)
            else:
                done += decision is not None
        return done

    def _is_ours(self, stored: StoredPolicy) -> bool:
        return stored.policy.enabled and stored.policy.provisioner in self._kinds


def _rests(stored: StoredPolicy, now: datetime) -> bool:
    """Whether its provisioner has failed so lately that it is not even asked how many workers there are."""
    last = stored.last
    if last is None or not last.failures:
        return False
    return all(now < last.at + stored.policy.cooldown(action, last.failures) for action in ScalingAction)
