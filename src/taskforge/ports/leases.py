"""Named locks with a time limit, for code that must not run in two places at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.ids import ProjectId


class LeaseStore(Protocol):
    """One holder of a name at a time, as far as clocks can tell. ``ttl`` is seconds; ``token`` is the holder's own."""

    async def acquire(self, project_id: ProjectId, name: str, token: UUID, ttl: float) -> int | None:
        """Take the name if nobody has it. The fencing number, greater than that of any holder before; None: it is held."""
        ...

    async def renew(self, project_id: ProjectId, name: str, token: UUID, ttl: float) -> bool:
        """Hold it for longer, from now on; False when it has run out or is another's."""
        ...

    async def release(self, project_id: ProjectId, name: str, token: UUID) -> None:
        """Let go of it, if it is still this holder's."""
        ...
