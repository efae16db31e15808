"""Every process keeps the record: counters are folded when there are any, queues sampled while they hold something."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from taskforge.ports.jobs import Chore
from taskforge.runtime.loop import Loop
from taskforge.runtime.loops.woken import RARELY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from taskforge.ports.jobs import Outlook

SAMPLE_INTERVAL = 57.0
"""Less than a minute, so that none is left out."""
FIRST_SAMPLE = 5.0
"""A process that starts has jobs to claim first; counting what a queue holds takes as long as many claims."""


def record_loops(
    fold: Callable[[], Awaitable[object]], sample: Callable[[], Awaitable[object]]
) -> tuple[Loop, Loop]:
    """The loop that folds, and the one that samples; both when they are woken."""
    return Loop("fold", fold, RARELY, first=RARELY), Loop("sample", sample, RARELY, first=RARELY)


def once_a_minute(
    wake: Callable[[], None], clock: Callable[[], float] = time.monotonic
) -> Callable[[Outlook], None]:
    """Hears every look, and ``wake`` s by one in a minute: what queues hold is of interest at any moment, not when it is most."""
    next_at = clock() + FIRST_SAMPLE

    def hear(outlook: Outlook) -> None:
        nonlocal next_at
        if clock() >= next_at:
            next_at = clock() + SAMPLE_INTERVAL
            if Chore.SAMPLE in outlook.chores:
                wake()

    return hear
