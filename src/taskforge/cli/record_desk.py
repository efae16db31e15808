"""What the commands `pauses`, `metrics`, `audit` and `doctor` ask and order, of a database or of a server alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from taskforge.domain.audit import Head
    from taskforge.domain.pause import PauseKind


class PauseDesk(Protocol):
    """Pauses by what they pause; documents say ``kind``, ``value``, ``reason``, ``by``, ``created_at``."""

    async def all(self) -> list[dict[str, Any]]:
        """Paused queues by name, then what is paused otherwise, oldest first."""
        ...

    async def create(
        self, kind: PauseKind, value: str, reason: str | None, by: str | None
    ) -> tuple[dict[str, Any], bool]:
        """Hand out no more such jobs; the pause, and whether it is new."""
        ...

    async def remove(self, kind: PauseKind, value: str) -> int:
        """Hand them out again; answers how many were let go."""
        ...


class MetricsDesk(Protocol):
    """Figures of the last so many hours, by the names of queues and workers; documents are those of the API."""

    async def queue(self, name: str, hours: float) -> dict[str, Any]:
        """One queue, with what it holds now as ``depth`` and its types as ``job_types``."""
        ...

    async def queues(self, hours: float) -> list[dict[str, Any]]:
        """All queues by name."""
        ...

    async def depths(self) -> list[dict[str, Any]]:
        """What each queue holds now, with its state."""
        ...

    async def job_types(self, queue: str | None, hours: float) -> list[dict[str, Any]]:
        """All job types by name, in one queue or in all."""
        ...

    async def worker(self, name: str, hours: float) -> dict[str, Any]:
        """One worker, with its restarts."""
        ...

    async def workers(self, hours: float) -> list[dict[str, Any]]:
        """All workers by name."""
        ...


class EntryFilter(NamedTuple):
    """Which entries of the audit log are meant."""

    action: str | None
    resource_id: str | None
    since: datetime | None
    until: datetime | None
    limit: int


class AuditDesk(Protocol):
    """The audit log of one organization; documents are those of the API."""

    async def entries(self, chosen: EntryFilter) -> list[dict[str, Any]]:
        """The newest first."""
        ...

    def export(self, after: int) -> AsyncIterator[dict[str, Any]]:
        """All with their seals, the oldest first."""
        ...

    async def verify(self, expected: Head | None) -> list[dict[str, Any]]:
        """What became of a look at the chain: of each that is meant."""
        ...
