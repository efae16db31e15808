"""What every process does from time to time so that the record stays quick to read and cheap to keep."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from taskforge.domain.metrics import DEPTH_BOUND

if TYPE_CHECKING:
    from taskforge.ports.errors import ErrorKeeper
    from taskforge.ports.record import RecordKeeper

FOLD_BATCH = 200
MOST_BATCHES = 1_000
FORGET_INTERVAL = 3600.0
FORGET_BATCH = 5_000
FAILURES_BATCH = 1_000
ERRORS_AGE = timedelta(days=90)


class Recording:
    """Looks after the record of all projects of a database; safe in any number of processes."""

    def __init__(self, keeper: RecordKeeper, errors: ErrorKeeper) -> None:
        self._keeper = keeper
        self._errors = errors
        self._forget_at = 0.0

    async def keep(self) -> None:
        """Fold what was settled, sample, and forget what is old."""
        await self.fold_all()
        await self.sample()
        await self.forget()

    async def sample(self) -> None:
        """Write down what queues hold, if nobody has done so in this minute."""
        await self._keeper.sample_queues(DEPTH_BOUND)

    async def forget(self) -> None:
        """What is old, now and then."""
        if time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + FORGET_INTERVAL
            await self._keeper.forget(FORGET_BATCH)
            await self._errors.forget(ERRORS_AGE, FORGET_BATCH)

    async def fold(self) -> int:
        """Fold all that is there, batch by batch; answer how many rows."""
        total = 0
        for _ in range(MOST_BATCHES):
            folded = await self._keeper.fold(FOLD_BATCH)
            total += folded
            if folded < FOLD_BATCH:
                break
        return total

    async def fold_all(self) -> None:
        """Bring all that is read up to now."""
        if await self._keeper.has_unfolded():
            await self.fold()
        await self.fold_failures()

    async def fold_failures(self) -> None:
        """Count failures in their groups, if there are any that are not counted."""
        if await self._errors.has_unfolded():
            for _ in range(MOST_BATCHES):
                if await self._errors.fold(FAILURES_BATCH) < FAILURES_BATCH:
                    break
