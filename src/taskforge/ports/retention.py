"""What pruning needs of a database: finished jobs that are old, and their removal with all that belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.execution import Execution, StoredLogLine
    from taskforge.domain.ids import ProjectId, QueueId
    from taskforge.domain.job import Job, JobStatus
    from taskforge.domain.queue import QueueSettings


class FinishedLine(NamedTuple):
    """The finished jobs of one queue that ended one way. The queue itself may be gone: then it has no name.

    ``first`` is the one that was made first; None when there is none any more.
    """

    queue_id: QueueId
    status: JobStatus
    name: str | None
    settings: QueueSettings
    first: UUID | None


class FinishedPage(NamedTuple):
    """Jobs of a line that may go now; ``last`` is where the next page begins, None at the end."""

    ids: Sequence[UUID]
    project_id: ProjectId | None
    last: UUID | None


class Record(NamedTuple):
    """A finished job with all its executions, oldest first, and their lines."""

    job: Job
    executions: Sequence[Execution]
    lines: Sequence[StoredLogLine]


class RetentionStore(Protocol):
    """Serves all projects, like recovery."""

    async def now(self) -> datetime:
        """The database's clock."""
        ...

    async def take_chore(self, name: str, interval_us: int) -> bool:
        """Whether the work is due and now the caller's; it is due again ``interval_us`` microseconds later."""
        ...

    async def queue_settings(self) -> Sequence[QueueSettings]:
        """Those of every queue."""
        ...

    async def lines(self) -> Sequence[FinishedLine]:
        """Where there are finished jobs; reads an index, not the jobs."""
        ...

    async def page(
        self, line: FinishedLine, cutoff: datetime, after: UUID | None, limit: int
    ) -> FinishedPage:
        """Looks at the next ``limit`` jobs of a line, oldest first, for those that ended before ``cutoff``."""
        ...

    async def records(self, project_id: ProjectId, ids: Sequence[UUID]) -> Sequence[Record]:
        """All that is known of these jobs."""
        ...

    async def prune(self, status: JobStatus, cutoff: datetime, ids: Sequence[UUID]) -> int:
        """Remove those that are still as they were, with their executions and lines; answers how many.

        One that somebody holds at the moment is left for the next time: nobody waits.
        """
        ...

    async def forget_requests(self, keep_us: int) -> None:
        """Remove Idempotency-Keys whose day is over, and operations that ended ``keep_us`` microseconds ago."""
        ...

    async def give_back_space(self) -> None:
        """Let the file system have what was freed, a little at a time, where the database does not by itself."""
        ...


class Archive(Protocol):
    """Where records go before they are removed."""

    async def write(self, records: Sequence[Record]) -> str:
        """Keep them durably; answers where. Raises ArchiveFailed: then they must not be removed.

        The same records written again replace themselves.
        """
        ...
