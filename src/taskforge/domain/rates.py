"""How many requests a second: the generic cell rate algorithm, as a pure function over one number.

A caller has a *theoretical arrival time*: when its bucket is empty again. Each request moves it on by one interval; one
that would move it further ahead of now than a whole burst is refused.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from taskforge.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Rate:
    """``per_second`` requests in the long run, ``burst`` at once. Raises InvalidInput."""

    per_second: float
    burst: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.per_second) and self.per_second > 0 and self.burst >= 1):
            raise InvalidInput(
                f"a rate of {self.per_second} with a burst of {self.burst} lets nothing through"
            )

    @property
    def interval(self) -> float:
        """The seconds that one request uses up."""
        return 1.0 / self.per_second

    def ask(self, arrival: float | None, now: float, cost: int = 1) -> Answer:
        """Whether a request at ``now`` may pass. ``arrival`` is what the last answer kept; None: the first request."""
        base = now if arrival is None else max(arrival, now)
        after = base + cost * self.interval
        tolerance = self.burst * self.interval
        wait = after - tolerance - now
        if wait > _ROUNDING * max(1.0, abs(now)):
            return Answer(False, base, math.inf if cost > self.burst else wait, self._left(base, now))
        return Answer(True, after, 0.0, self._left(after, now))

    def standing(self, wait: float, ahead: float) -> Standing:
        """Where a caller stands who waits so long, and whose bucket is empty again so many seconds ahead."""
        return Standing(wait, self._left(ahead, 0.0), max(0.0, ahead))

    def _left(self, arrival: float, now: float) -> int:
        return max(0, math.floor((self.burst * self.interval - (arrival - now)) / self.interval + 1e-6))


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether it may pass; what to keep for the next; how long to wait (seconds); how many could follow at once."""

    passes: bool
    arrival: float
    retry_after: float
    left: int


class Standing(NamedTuple):
    """How long to wait (0: it may pass), how many could follow at once, and when all of them could; in seconds."""

    wait: float
    left: int
    full_after: float


_ROUNDING = 1e-12
