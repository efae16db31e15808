"""What becomes of old ticks over SQL (``ports.schedules``).

By itself, for every worker does it, and most have no schedules to read: calendars and time zones take 30 ms to import,
in which no job begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.ports.schedules import Outlook
from taskforge.storage.engine import Engine, One

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.schedule import Schedule
    from taskforge.storage.engine import Rows


class SqlTickKeeper:
    """Implements ``TickKeeper`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def outlook(self) -> Outlook:
        [row] = await self._engine.read(One("schedule_outlook"))
        moment = self._engine.moment
        return Outlook(moment(row["now"]), moment(row["next_fire_at"]), bool(row["has_unfinished"]))

    async def finish(self, limit: int) -> int:
        return len(await self._engine.call(One("finish_ticks", {"limit": limit})))

    async def prune(
        self, limit: int, *, project_id: ProjectId | None = None, most: timedelta | None = None
    ) -> int:
        [row] = await self._engine.read(One("database_now"))
        now: datetime = self._engine.moment(row["now"])
        total = 0
        for schedule in self._schedules(await self._engine.read(One("every_schedule"))):
            if project_id not in (None, schedule.project_id):
                continue
            age, failed_age = schedule.spec.ages
            age = age if most is None else min(age, most)
            which = {
                "project_id": schedule.project_id,
                "schedule_id": schedule.id,
                "before": now - age,
                "failed_before": now - failed_age,
                "limit": limit,
            }
            total += await self._in_batches(One("prune_ticks", which), limit)
        return total + await self._in_batches(One("prune_orphan_ticks", {"limit": limit}), limit)

    async def _in_batches(self, removal: One, limit: int) -> int:
        total = 0
        while True:
            removed = len(await self._engine.call(removal))
            total += removed
            if removed < limit:
                return total

    def _schedules(self, rows: Rows) -> Iterable[Schedule]:
        if not rows:
            return ()
        from taskforge.storage.schedule_codec import readable_schedules

        return readable_schedules(rows, self._engine)
