"""The limits of organizations, for those who let something in: requests and jobs.

What an organization has is looked up at most once a second, so that many who add at the same moment may together go
past a limit by what they add in that second; no limit is ever a lock that all of them wait for. What the limits are
is believed for `LIMITS_SECONDS`; whoever changes one forgets them all. Workers and schedules are counted where they are
stored, exactly: they are few.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from taskforge.domain.errors import TooManyRequests
from taskforge.domain.organization import Limits, exceeded
from taskforge.domain.rates import Rate, Standing

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from taskforge.domain.ids import OrganizationId
    from taskforge.ports.rates import RequestRates
    from taskforge.ports.tenants import TenantStore

LIMITS_SECONDS = 3.0
USAGE_SECONDS = 1.0
REMEMBERED = 10_000
BURST_SECONDS = 2.0
"""How many seconds' worth of requests may come at once."""


@dataclass(slots=True)
class _Known:
    limits: Limits
    until: float
    waiting: int = 0
    waiting_until: float = 0.0


class Allowance(NamedTuple):
    """The requests that an organization may make, and where it stands with this one."""

    rate: Rate
    standing: Standing

    def check(self) -> None:
        """Raises TooManyRequests with the time to wait."""
        if self.standing.wait > 0:
            raise TooManyRequests(
                f"the organization may make {self.rate.per_second:g} requests a second",
                retry_after=self.standing.wait,
            )


class OwnRates:
    """Implements ``ports.rates.RequestRates`` for the requests of one process."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._arrivals: OrderedDict[UUID, float] = OrderedDict()

    async def ask(self, tenant_id: UUID, rate: Rate) -> Standing:
        now = self._monotonic()
        answer = rate.ask(self._arrivals.get(tenant_id), now)
        self._arrivals[tenant_id] = answer.arrival
        self._arrivals.move_to_end(tenant_id)
        while len(self._arrivals) > REMEMBERED:
            self._arrivals.popitem(last=False)
        return rate.standing(answer.retry_after, answer.arrival - now)


class LimitGuard:
    """Refuses what goes beyond an organization's limits. One for a process. ``rates`` counts requests."""

    def __init__(
        self,
        tenants: TenantStore,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        rates: RequestRates | None = None,
    ) -> None:
        self._tenants = tenants
        self._monotonic = monotonic
        self._rates = rates or OwnRates(monotonic)
        self._known: OrderedDict[OrganizationId, _Known] = OrderedDict()
        self._forgotten = 0

    def is_free(self, organization_id: OrganizationId | None) -> bool:
        """Whether it is known, as of some seconds ago, that the organization has no limit of waiting jobs."""
        known = None if organization_id is None else self._known.get(organization_id)
        return known is not None and known.limits.queued_jobs is None and self._monotonic() < known.until

    async def count_request(self, organization_id: OrganizationId) -> Allowance | None:
        """Count a request against what the organization may ask; None where it may ask without a limit."""
        known = await self._limits(organization_id)
        allowed = known.limits.requests_per_second
        if allowed is None:
            return None
        rate = Rate(allowed, max(1, round(allowed * BURST_SECONDS)))
        return Allowance(rate, await self._rates.ask(organization_id, rate))

    async def check_jobs(self, organization_id: OrganizationId, added: int) -> None:
        """Before that many jobs are enqueued. Raises LimitExceeded."""
        known = await self._limits(organization_id)
        most = known.limits.queued_jobs
        if most is not None:
            now = self._monotonic()
            if known.waiting_until <= now:
                waiting = await self._tenants.waiting_jobs(organization_id, most)
                if known.waiting_until <= now:  # else somebody has counted meanwhile, and let jobs in since
                    known.waiting, known.waiting_until = waiting, now + USAGE_SECONDS
            if known.waiting + added > most:
                raise exceeded("queued_jobs", most)
            known.waiting += added

    def forget(self) -> None:
        """Look limits up again: they were changed by this process."""
        self._known.clear()
        self._forgotten += 1

    async def _limits(self, organization_id: OrganizationId) -> _Known:
        known = self._known.get(organization_id)
        while known is None or known.until <= self._monotonic():
            forgotten, until = self._forgotten, self._monotonic() + LIMITS_SECONDS
            found = await self._tenants.organizations(organization_id=organization_id)
            if forgotten != self._forgotten:
                continue  # what was read may be of before the change
            limits = found[0].limits if found else Limits()
            known = self._known.setdefault(organization_id, _Known(limits, until))
            known.limits, known.until = limits, until
            self._known.move_to_end(organization_id)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return known
