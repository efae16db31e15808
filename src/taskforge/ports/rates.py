"""Where requests are counted against a rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.rates import Rate, Standing


class RequestRates(Protocol):
    """Counts the requests of each tenant."""

    async def ask(self, tenant_id: UUID, rate: Rate) -> Standing:
        """Count a request, if it may pass. Never raises for want of a server."""
        ...
