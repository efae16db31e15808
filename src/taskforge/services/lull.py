"""Remembers that there is nothing to claim, for workers that ask by the clock.

The look that recovery takes in any case sees all queues. While the last one saw no job that might be claimed, asking once
more tells nothing new; a hint, and whatever else gives reason to ask, does not wait for it.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge.ports.jobs import Outlook


class Lull:
    """Of one process. ``span`` (seconds) is for how long a look stands: what is due within it counts as ready."""

    def __init__(self, span: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.span = span
        self.clock = clock
        self._until = 0.0
        self._configuration: int | None = None

    def note(self, asked: float, outlook: Outlook) -> None:
        """What a look that was begun at ``asked`` has seen. Another configuration has to be heard of, too."""
        is_known = outlook.configuration == self._configuration
        self._configuration = outlook.configuration
        self._until = 0.0 if outlook.ready or not is_known else asked + self.span

    def left(self) -> float:
        """Seconds until the next time to ask; 0 when that is now."""
        return max(0.0, self._until - self.clock())
