"""Queues as they are kept, and the project's configuration version that tells caches to look again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from taskforge.domain.breaker import BreakerState
    from taskforge.domain.ids import OrganizationId, ProjectId, QueueId
    from taskforge.domain.job import JobStatus
    from taskforge.domain.queue import Queue, QueueSettings, QueueState


class Configuration(NamedTuple):
    """What holds for a whole project. ``version`` is bumped by any change of a queue."""

    version: int
    organization_id: OrganizationId | None
    has_breakers: bool = False


class QueueStore(Protocol):
    """Every change bumps the project's configuration version in the same transaction."""

    async def project(self, name: str) -> ProjectId | None:
        """The project of this name in the default organization."""
        ...

    async def configuration(self, project_id: ProjectId) -> Configuration:
        """That of a project; version 0 of one that does not exist."""
        ...

    async def ensure(self, project_id: ProjectId, names: Sequence[str]) -> Sequence[Queue]:
        """Make those of these queues that do not exist, with default settings; answers those that were made."""
        ...

    async def create(
        self,
        project_id: ProjectId,
        name: str,
        description: str | None,
        priority: int,
        state: QueueState,
        settings: QueueSettings,
    ) -> Queue | None:
        """A new queue; None when the name is taken. Raises InvalidSetting for an unknown dead-letter queue."""
        ...

    async def breakers(self, project_id: ProjectId) -> Mapping[str, BreakerState]:
        """The job types that have a circuit breaker, and how these stand."""
        ...

    async def requirements(self, project_id: ProjectId) -> Sequence[str]:
        """All that jobs of a project have required of workers, as ``Requirements.text``."""
        ...

    async def list(self, project_id: ProjectId) -> Sequence[Queue]:
        """All queues of a project by name."""
        ...

    async def get(self, project_id: ProjectId, queue_id: QueueId) -> Queue | None:
        """One queue by id."""
        ...

    async def find(self, project_id: ProjectId, name: str) -> Queue | None:
        """One queue by name."""
        ...

    async def change(
        self, project_id: ProjectId, queue_id: QueueId, change: Callable[[Queue], Queue]
    ) -> Queue | None:
        """Write what ``change`` makes of the queue as it stands (name, description, priority, state, settings).

        One change of a project's queues at a time; ``change`` may be called again. None: the queue is gone.
        A rule that was set holds for every claim from the moment this returns. Raises Conflict when the name
        is taken, InvalidSetting for a dead-letter queue that is unknown or leads back.
        """
        ...

    async def delete(
        self, project_id: ProjectId, queue_id: QueueId, check: Callable[[Queue], None] | None = None
    ) -> dict[JobStatus, int]:
        """Remove a queue in which no job waits or runs, with its finished jobs' membership.

        Answers the counts of unfinished jobs; the queue is gone when it is empty. ``check`` may refuse what it sees.
        """
        ...
