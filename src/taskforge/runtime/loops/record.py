"""Every process keeps the record: counters are folded when there are any, queues sampled, what is old forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.runtime.loop import Loop
from taskforge.runtime.loops.woken import RARELY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

SAMPLE_INTERVAL = 57.0
"""With what a loop varies it by, no minute is left out."""


def record_loops(
    fold: Callable[[], Awaitable[object]], sample: Callable[[], Awaitable[object]]
) -> tuple[Loop, Loop]:
    """The loop that folds when it is woken, and the one that samples once a minute."""
    return Loop("fold", fold, RARELY), Loop("sample", sample, SAMPLE_INTERVAL)
