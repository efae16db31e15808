"""Every process recovers: expired leases, jobs that waited too long, holds that no longer apply.

The statement that asks for these asks for all chores of the house: who has one is woken, and need not ask itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.runtime.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from taskforge.ports.jobs import Chore, Outlook

RECOVERY_INTERVAL = 10.0
EARLY_PART = 0.92
"""So the pauses, which vary, are not longer than they are said to be: a worker's polls count on the look (`Lull`)."""


def recovery_round(
    look: Callable[[], Awaitable[Outlook]],
    sweep: Callable[[Outlook], Awaitable[object]],
    wake: Mapping[Chore, Callable[[], None]],
) -> Callable[[], Awaitable[None]]:
    """Look, tell those whose chore waits, and sweep."""

    async def round() -> None:
        outlook = await look()
        for chore in outlook.chores & wake.keys():
            wake[chore]()
        await sweep(outlook)

    return round


def recovery_loop(round: Callable[[], Awaitable[object]], interval: float = RECOVERY_INTERVAL) -> Loop:
    """A loop that calls a `recovery_round` every ``interval`` seconds; after an outage too it waits no longer than that."""
    return Loop("recover", round, interval * EARLY_PART, max_backoff=interval)
