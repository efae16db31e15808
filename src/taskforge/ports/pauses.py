"""Pauses as they are kept, and the holds of waiting jobs that follow from them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.domain.job import Hold
    from taskforge.domain.pause import Pause, PauseKind


class Window(NamedTuple):
    """A piece of a walk over waiting jobs: how many got another hold, and where to go on (None: the end)."""

    changed: int
    after: tuple[int | str, UUID] | None


class PauseStore(Protocol):
    """Rows of pauses; a change bumps the project's configuration version in the same transaction."""

    async def create(
        self, project_id: ProjectId, kind: PauseKind, value: str, reason: str | None, by: str | None
    ) -> tuple[Pause, bool]:
        """The pause of this type or tag, and whether it is new. From here on jobs are accepted as held."""
        ...

    async def remove(self, project_id: ProjectId, kind: PauseKind, value: str) -> Pause | None:
        """Note that it pauses nothing more; None when there is no such pause."""
        ...

    async def list(self, project_id: ProjectId) -> Sequence[Pause]:
        """What pauses jobs of the project, oldest first."""
        ...

    async def unfinished(self) -> Sequence[Pause]:
        """Pauses of any project that have not held, or not let go, all jobs that they concern."""
        ...

    async def confirm(self, pause: Pause) -> None:
        """Note that the jobs are held as it says, or forget it when it was removed."""
        ...

    async def writers(self) -> frozenset[str]:
        """Who is changing jobs at this moment, and may not have seen the last pause."""
        ...

    async def rehold_ready(
        self, project_id: ProjectId, queue_id: QueueId, after: tuple[int | str, UUID] | None, limit: int
    ) -> Window:
        """Decide anew the hold of the next ``limit`` jobs that could be claimed, in the order of claims."""
        ...

    async def rehold_held(
        self, project_id: ProjectId, hold: Hold, after: tuple[int | str, UUID] | None, limit: int
    ) -> Window:
        """Decide anew the hold of the next ``limit`` jobs that are held so."""
        ...
