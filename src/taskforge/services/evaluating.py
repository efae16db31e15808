"""Looking at alert rules, of all projects: whoever comes first takes those that are due, measures, and writes down.

What an alert comes to, what has happened, and what is to be told stand in one transaction, guarded by the turn: a
process may die anywhere, and the next look goes on from what is stored. One that was held up writes nothing.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from taskforge.domain.access import system
from taskforge.domain.errors import TaskforgeError, Unavailable
from taskforge.ports.acting import acting

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge.domain.ids import ProjectId
    from taskforge.ports.alerts import AlertStore, TakenRule
    from taskforge.services.measuring import Measuring

EVALUATOR = system("alerts")
MOST_ROUNDS = 1000
LONGEST_FAULT = 500

logger = logging.getLogger("taskforge.alerts")


class Evaluating:
    """``interval`` (seconds) is how often each rule is looked at; ``measuring_of`` measures one project."""

    def __init__(
        self, store: AlertStore, measuring_of: Callable[[ProjectId], Measuring], interval: float
    ) -> None:
        self._store = store
        self._measuring_of = measuring_of
        self._interval_us = round(interval * 1_000_000)
        self.due_in: float | None = None
        """Seconds from the end of the last look to the next rule's turn; None: there is no rule."""

    async def look(self) -> int:
        """Look at what is due; answers how much has happened. Raises Unavailable."""
        happened = 0
        for _ in range(MOST_ROUNDS):
            self.due_in = due = await self._store.due_in()
            if due is None or due > 0:
                break
            taken = await self._store.take(self._interval_us)
            if not taken:
                break
            with acting(EVALUATOR):
                measuring = self._measuring_of(taken[0].rule.project_id)
                for rule in taken:
                    happened += await self._look_at(rule, measuring)
        return happened

    async def _look_at(self, taken: TakenRule, measuring: Measuring) -> int:
        """One rule that cannot be looked at does not keep the others from it."""
        try:
            events = await self._store.judge(taken, await measuring.values(taken.rule.spec))
        except Unavailable:
            raise
        except TaskforgeError as error:
            logger.warning("alert rule %r cannot be looked at: %s", taken.rule.name, error.message)
            await self._store.judge(taken, {}, error.message[:LONGEST_FAULT])
            return 0
        for event in events or ():
            logger.info("alert %s: %s", event.change.value, event.summary)
        return len(events or ())
