"""What every worker does for schedules: what their jobs came to outlives the jobs, and old ticks are forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskforge.ports.schedules import TickKeeper

FINISHED_BATCH = 500
PRUNED_BATCH = 1_000


class TickKeeping:
    """For all projects of a database."""

    def __init__(self, keeper: TickKeeper) -> None:
        self._keeper = keeper

    async def keep(self) -> int:
        """Copy what jobs came to before they are forgotten; forget what is older than each schedule keeps. How many."""
        if (await self._keeper.outlook()).has_unfinished:
            await self.finish()
        return await self._keeper.prune(PRUNED_BATCH)

    async def finish(self) -> int:
        """Copy what jobs came to that have ended, so that it outlives them; how many."""
        total = 0
        while True:
            copied = await self._keeper.finish(FINISHED_BATCH)
            total += copied
            if copied < FINISHED_BATCH:
                return total
