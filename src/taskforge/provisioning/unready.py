"""Stands where a provisioner is not set up: says so to whoever orders something of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.errors import ProvisionerFailed

if TYPE_CHECKING:
    from taskforge.ports.scaling import Capacity, Order


class UnreadyProvisioner:
    """Implements ``ports.scaling.Provisioner``; ``missing`` is what the installation lacks."""

    def __init__(self, missing: str) -> None:
        self._missing = missing

    async def look(self, queue_name: str, target: str | None) -> Capacity | None:
        raise ProvisionerFailed(self._missing)

    async def scale(self, order: Order) -> str:
        raise ProvisionerFailed(self._missing)

    async def close(self) -> None:
        pass
