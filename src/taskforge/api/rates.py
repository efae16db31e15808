"""How often an organization may ask: the generic cell rate algorithm, in this process."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from taskforge.domain.errors import TooManyRequests

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

BURST_SECONDS = 2.0
"""What was not asked for so long may be asked at once."""
REMEMBERED = 10_000


class Rates:
    """One for a process; several servers allow that much each."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._due: OrderedDict[UUID, float] = OrderedDict()

    def check(self, subject: UUID, per_second: int | None) -> None:
        """Count one request. Raises TooManyRequests."""
        if per_second is None:
            return
        now, interval = self._monotonic(), 1.0 / per_second
        due = max(now, self._due.get(subject, now))
        if due - now > BURST_SECONDS:
            raise TooManyRequests("the organization asks too often", retry_after=due - now - BURST_SECONDS)
        self._due[subject] = due + interval
        self._due.move_to_end(subject)
        while len(self._due) > REMEMBERED:
            self._due.popitem(last=False)
