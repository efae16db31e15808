"""How long a failed job waits before its next attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskforge.domain.bounds import MAX_DELAY_SECONDS
from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff: ``min(cap, base * multiplier ** (n - 1))`` seconds after the n-th failure.

    With ``jitter`` the delay is drawn evenly from the upper half, [d/2, d], so that jobs that failed
    together do not come back together.
    """

    base: float = 1.0
    multiplier: float = 2.0
    cap: float = 300.0
    jitter: bool = True

    def __post_init__(self) -> None:
        for field, value, low, high in (
            ("base", self.base, 0.0, MAX_DELAY_SECONDS),
            ("multiplier", self.multiplier, 1.0, 1000.0),
            ("cap", self.cap, 0.0, MAX_DELAY_SECONDS),
        ):
            if not (isinstance(value, int | float) and low <= value <= high):  # NaN is not between
                raise InvalidInput(
                    f"retry {field} must be a number from {low:g} to {high:,.10g}, not {value!r}", field=field
                )

    def delay(self, failures: int, random: Callable[[], float]) -> float:
        """Seconds to wait after the ``failures``-th failure (1 or more); ``random`` is uniform in [0, 1)."""
        if self.base == 0.0:
            return 0.0
        try:
            full = min(self.cap, self.base * self.multiplier ** max(0, failures - 1))
        except OverflowError:
            full = self.cap
        return full * (0.5 + random() / 2) if self.jitter else full
