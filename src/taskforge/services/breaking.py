"""Looking at circuit breakers: every process does, and the first that sees what a turn needs carries it out.

Each turn is one transaction, guarded by the breaker's version, that also makes or removes the pause which holds the
jobs; holding and letting go is the work of pauses, which recovery ends if this process dies.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from taskforge.domain.access import system
from taskforge.domain.breaker import BreakerState, ProbeFate, Seen, judge, probes_wanted
from taskforge.domain.errors import TaskforgeError, Unavailable
from taskforge.domain.execution import FAILURES
from taskforge.ports.acting import acting
from taskforge.ports.signals import Hint, Topic

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from taskforge.domain.breaker import Breaker, Turn
    from taskforge.domain.ids import ProjectId
    from taskforge.ports.breakers import BreakerStore, Turned
    from taskforge.ports.jobs import Settlement
    from taskforge.ports.signals import Signals
    from taskforge.services.pauses import PauseWork

BREAKERS = system("breakers")
WATCH_SECONDS = 1.0
MOST_TURNS = 3

logger = logging.getLogger("taskforge.breakers")


class Breaking:
    """Judges breakers and carries out their turns, in any project."""

    def __init__(self, store: BreakerStore, pauses: PauseWork, signals: Signals) -> None:
        self._store = store
        self._pauses = pauses
        self._signals = signals

    async def look_at_all(self) -> int:
        """Look at the breakers of all projects; answers how many turned. One that fails does not stop the rest."""
        return await self._look(await self._store.standing())

    async def look(self, project_id: ProjectId, job_types: Collection[str]) -> int:
        """The same for these types of a project."""
        found = await self._store.list(project_id)
        return await self._look([breaker for breaker in found if breaker.job_type in job_types])

    async def see(self, breaker: Breaker, now: datetime) -> Seen:
        """What a breaker judges by."""
        seen = Seen(*await self._store.attempts(breaker, breaker.counted_from(now)))
        if breaker.state is not BreakerState.HALF_OPEN:
            return seen
        return seen.with_probes(probe.fate(now) for probe in await self._store.probes(breaker))

    async def turn(self, breaker: Breaker, turn: Turn) -> Breaker | None:
        """Carry out a turn; None when somebody else has changed the breaker since it was read."""
        turned = await self._store.turn(breaker, turn)
        if turned is None:
            return None
        logger.warning("breaker of %r: %s, %s", breaker.job_type, turn.state, turn.reason)
        self._signals.publish(Hint(Topic.BREAKER, breaker.project_id))
        await self.carry_out(turned)
        return turned.breaker

    async def carry_out(self, turned: Turned) -> None:
        """Hold the jobs of its type, or let them go, where the turn says so."""
        if turned.pause is not None:
            await self._pauses.carry_out(turned.pause)

    async def _look(self, breakers: Sequence[Breaker]) -> int:
        turns = 0
        with acting(BREAKERS):
            for breaker in breakers:
                try:
                    turns += await self._look_at(breaker)
                except Unavailable:
                    raise
                except TaskforgeError as error:
                    logger.warning("breaker of %r cannot be looked at: %s", breaker.job_type, error)
        return turns

    async def _look_at(self, breaker: Breaker) -> int:
        for turns in range(MOST_TURNS):
            now = await self._store.now()
            turn = judge(breaker, await self._judged_by(breaker, now), now)
            if turn is None:
                if breaker.state is BreakerState.HALF_OPEN:
                    await self._probe(breaker, now)
                return turns
            after = await self.turn(breaker, turn)
            if after is None:
                return turns
            breaker = after
        return MOST_TURNS

    async def _judged_by(self, breaker: Breaker, now: datetime) -> Seen:
        if breaker.state is BreakerState.OPEN:
            return Seen()
        if breaker.state is BreakerState.HALF_OPEN:
            return Seen().with_probes(probe.fate(now) for probe in await self._store.probes(breaker))
        return await self.see(breaker, now)

    async def _probe(self, breaker: Breaker, now: datetime) -> None:
        """Let as many jobs through as are missing; those that say nothing are replaced."""
        fates = {probe.job_id: probe.fate(now) for probe in await self._store.probes(breaker)}
        wanted = probes_wanted(breaker, Seen().with_probes(fates.values()))
        if not wanted:
            return
        void = [job_id for job_id, fate in fates.items() if fate is ProbeFate.VOID]
        for queue_id in set(await self._store.let_through(breaker, wanted, void) or ()):
            self._signals.publish(Hint(Topic.READY, breaker.project_id, queue_id))


class BreakerWatch:
    """Looks at the breakers of types whose attempts have ended in this process, once a second at most. ``breaking`` None: never."""

    def __init__(self, breaking: Breaking | None, project_id: ProjectId) -> None:
        self._breaking = breaking
        self._project_id = project_id
        self._noted: set[str] = set()
        self._looked_at = 0.0
        self._looking: asyncio.Task[None] | None = None

    def note(self, breakers: Mapping[str, BreakerState], settlements: Sequence[Settlement]) -> None:
        """Attempts have ended. Failures may open a breaker, and any end of a probe may turn a half open one."""
        if self._breaking is None or not breakers:
            return
        for settlement in settlements:
            state = breakers.get(settlement.job_type or "")
            failed = settlement.transition.execution_status in FAILURES
            if state is BreakerState.HALF_OPEN or (state is BreakerState.CLOSED and failed):
                self._noted.add(settlement.job_type or "")
        if not self._noted:
            return
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look(self._breaking))

    async def close(self) -> None:
        """Look no more; recovery does."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait({self._looking})

    async def _look(self, breaking: Breaking) -> None:
        while self._noted:
            await asyncio.sleep(max(0.0, self._looked_at + WATCH_SECONDS - time.monotonic()))
            self._looked_at = time.monotonic()
            noted, self._noted = self._noted, set()
            try:
                await breaking.look(self._project_id, noted)
            except TaskforgeError as error:
                logger.warning("breakers cannot be looked at for now: %s", error)
