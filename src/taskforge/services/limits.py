"""The limits of organizations, for those who let something in: requests, jobs, workers.

What an organization has is looked up at most once a second, so that many who add at the same moment may together go
past a limit by what they add in that second; no limit is ever a lock that all of them wait for.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskforge.domain.errors import LimitExceeded, TooManyRequests
from taskforge.domain.organization import Limits
from taskforge.domain.rates import Rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from taskforge.domain.ids import OrganizationId
    from taskforge.ports.tenants import TenantStore, Usage

LIMITS_SECONDS = 3.0
USAGE_SECONDS = 1.0
REMEMBERED = 10_000
BURST_SECONDS = 2.0
"""How many seconds' worth of requests may come at once."""


@dataclass(slots=True)
class _Known:
    limits: Limits
    until: float
    usage: Usage | None = None
    usage_until: float = 0.0
    arrival: float | None = None


class LimitGuard:
    """Refuses what goes beyond an organization's limits. One for a process."""

    def __init__(self, tenants: TenantStore, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._tenants = tenants
        self._monotonic = monotonic
        self._known: OrderedDict[OrganizationId, _Known] = OrderedDict()

    async def check_request(self, organization_id: OrganizationId) -> None:
        """Count a request. Raises TooManyRequests with the time to wait. Each process counts for itself."""
        known = await self._limits(organization_id)
        allowed = known.limits.requests_per_second
        if allowed is None:
            return
        rate = Rate(allowed, max(1, round(allowed * BURST_SECONDS)))
        answer = rate.ask(known.arrival, self._monotonic())
        known.arrival = answer.arrival
        if not answer.passes:
            raise TooManyRequests(
                f"the organization may make {allowed} requests a second", retry_after=answer.retry_after
            )

    async def check_jobs(self, organization_id: OrganizationId, added: int) -> None:
        """Before that many jobs are enqueued. Raises LimitExceeded."""
        known = await self._limits(organization_id)
        most = known.limits.queued_jobs
        if most is not None:
            usage = await self._usage(organization_id, known, most)
            if usage.queued_jobs + added > most:
                raise _exceeded("queued_jobs", most, "waiting jobs")
            known.usage = usage.with_jobs(added)

    async def check_worker(self, organization_id: OrganizationId) -> None:
        """Before a worker is registered. Raises LimitExceeded."""
        known = await self._limits(organization_id)
        most = known.limits.workers
        if most is not None and (await self._tenants.usage(organization_id, 0)).workers >= most:
            raise _exceeded("workers", most, "workers")

    def forget(self) -> None:
        """Look limits up again: they were changed by this process."""
        self._known.clear()

    async def _limits(self, organization_id: OrganizationId) -> _Known:
        now = self._monotonic()
        known = self._known.get(organization_id)
        if known is None or known.until <= now:
            found = await self._tenants.organizations(organization_id=organization_id)
            limits = found[0].limits if found else Limits()
            if known is None:
                known = self._known[organization_id] = _Known(limits, now + LIMITS_SECONDS)
            known.limits, known.until = limits, now + LIMITS_SECONDS
            self._known.move_to_end(organization_id)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return known

    async def _usage(self, organization_id: OrganizationId, known: _Known, bound: int) -> Usage:
        now = self._monotonic()
        if known.usage is None or known.usage_until <= now:
            known.usage = await self._tenants.usage(organization_id, bound)
            known.usage_until = now + USAGE_SECONDS
        return known.usage


def _exceeded(limit: str, most: int, what: str) -> LimitExceeded:
    return LimitExceeded(f"the organization may have {most:,} {what}", limit=limit)
