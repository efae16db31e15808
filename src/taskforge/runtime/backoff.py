"""How long to wait after the n-th failure in a row."""

from __future__ import annotations

import random as randomness
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Backoff:
    """Doubles from ``first`` to ``cap`` seconds; each delay is drawn from its upper half."""

    def __init__(
        self, first: float = 0.1, cap: float = 10.0, random: Callable[[], float] = randomness.random
    ) -> None:
        self._first = first
        self._cap = cap
        self._random = random
        self._next = first

    def delay(self) -> float:
        """Seconds to wait now; the next time it is twice as long."""
        full = self._next
        self._next = min(self._cap, full * 2)
        return full * (0.5 + self._random() / 2)

    def reset(self) -> None:
        """It went well: begin again from the first delay."""
        self._next = self._first
