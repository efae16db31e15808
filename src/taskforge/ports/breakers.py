"""Circuit breakers as they are kept, and what they judge by."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.breaker import Breaker, BreakerSettings, Probe, Turn
    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.domain.pause import Pause


class Turned(NamedTuple):
    """A breaker after a turn. ``pause`` is what holds the jobs of its type, or did: it has to be carried out."""

    breaker: Breaker
    pause: Pause | None


class BreakerStore(Protocol):
    """Rows of breakers; each change has its audit entry and bumps the project's configuration version."""

    async def now(self) -> datetime:
        """The database's time."""
        ...

    async def create(self, project_id: ProjectId, job_type: str, settings: BreakerSettings) -> Breaker | None:
        """A closed breaker; None when the type has one."""
        ...

    async def change(
        self, project_id: ProjectId, breaker_id: UUID, change: Callable[[Breaker], BreakerSettings]
    ) -> Breaker | None:
        """Give it the settings that ``change`` makes of it as it stands; None when there is none."""
        ...

    async def delete(
        self, project_id: ProjectId, breaker_id: UUID, check: Callable[[Breaker], None]
    ) -> Turned | None:
        """Remove it, and the pause that it has made; None when there is none. ``check`` may refuse."""
        ...

    async def list(self, project_id: ProjectId) -> Sequence[Breaker]:
        """By their types."""
        ...

    async def get(self, project_id: ProjectId, breaker_id: UUID) -> Breaker | None:
        """One of them."""
        ...

    async def standing(self) -> Sequence[Breaker]:
        """Those of all projects."""
        ...

    async def attempts(self, breaker: Breaker, since: datetime) -> tuple[int, int]:
        """How many attempts at jobs of its type have ended since then, and how many of these failed."""
        ...

    async def probes(self, breaker: Breaker) -> Sequence[Probe]:
        """The jobs that were let through since it was half open, and what has become of them."""
        ...

    async def turn(self, breaker: Breaker, turn: Turn) -> Turned | None:
        """Carry out a turn; None when somebody else has changed the breaker since it was read."""
        ...

    async def let_through(
        self, breaker: Breaker, count: int, void: Collection[UUID]
    ) -> Sequence[QueueId] | None:
        """Hand out so many more jobs as probes, and hold back the ``void`` ones among them that still wait.

        Answers the queues of those that go, fewer than ``count`` where there are not so many; None as ``turn``.
        """
        ...
