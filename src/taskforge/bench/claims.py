"""Whether a claim costs more when many more jobs wait."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from .claim_probe import open_claim
from .enqueue import load
from .figures import ClaimBacklog, ClaimTime

if TYPE_CHECKING:
    from .claim_probe import Claim

SMALL, LARGE = 1_000, 1_000_000
CLAIMS, JOBS_A_CLAIM, WARM_UP = 50, 10, 5


async def claim_backlog(database_url: str, small: int = SMALL, large: int = LARGE) -> ClaimBacklog:
    """Time the same claims at two numbers of pending jobs, in one database that starts empty."""
    await load(database_url, small)
    async with open_claim(database_url) as claim:
        at_small = await _time_claims(claim, small)
    await load(database_url, large)
    async with open_claim(database_url) as claim:
        at_large = await _time_claims(claim, large)
    return ClaimBacklog(at_small, at_large)


async def _time_claims(claim: Claim, backlog: int) -> ClaimTime:
    every: list[float] = []
    for number in range(WARM_UP + CLAIMS):
        begun = time.perf_counter()
        claimed = await claim(JOBS_A_CLAIM)
        if claimed != JOBS_A_CLAIM:
            raise RuntimeError(f"a claim of {JOBS_A_CLAIM} jobs returned {claimed}, with {backlog} loaded")
        if number >= WARM_UP:
            every.append((time.perf_counter() - begun) * 1000)
    return ClaimTime(backlog, statistics.median(every), tuple(every))
