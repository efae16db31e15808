"""Workers as they are kept: one row an incarnation, and the catalogue of the tasks they know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from taskforge.domain.ids import ProjectId, WorkerId
    from taskforge.domain.worker import ProcessIdentity, Registration, TaskDescription, Usage, Worker


class Subscription(NamedTuple):
    """What a registered worker takes jobs of: queues by name, and job types. ``name`` is its own.

    ``abilities`` is what it can, its type among it.
    """

    name: str
    queues: Sequence[str]
    job_types: Sequence[str]
    abilities: Mapping[str, Any]


class WorkerStore(Protocol):
    """Rows of workers; beats are written with the leases (``JobStore.beat``)."""

    async def register(
        self, project_id: ProjectId, worker_id: WorkerId, registration: Registration, lease_us: int
    ) -> ProcessIdentity | None:
        """A new incarnation, and its tasks in the catalogue. Silent namesakes are given up.

        Answers None, or the process that held the name within the last lease; then nothing is written.
        """
        ...

    async def declare(self, project_id: ProjectId, tasks: Sequence[TaskDescription]) -> None:
        """Add tasks to the catalogue that an application enqueues; those it has are left as they are."""
        ...

    async def stop(self, worker_id: WorkerId) -> None:
        """The worker has left in good order."""
        ...

    async def note_usage(self, worker_id: WorkerId, usage: Usage) -> None:
        """Write down what it uses now."""
        ...

    async def forget(self, dead_workers: Sequence[WorkerId], silence_us: int) -> Sequence[WorkerId]:
        """Give up incarnations known to be dead, and those silent for so long; answers which.

        One that beats nevertheless comes back, unless a namesake has taken its place.
        """
        ...

    async def note_lost_suspects(self, worker_ids: Sequence[WorkerId]) -> None:
        """These lost a job that had lost a worker before: their other jobs are not to blame."""
        ...

    async def list(self, project_id: ProjectId, *, stopped: bool = False) -> Sequence[Worker]:
        """Workers, newest first; those that left only when asked for."""
        ...

    async def at_work(self, project_id: ProjectId, worker_id: WorkerId) -> Subscription | None:
        """What this incarnation takes; None when there is none of that id, or it has left."""
        ...

    async def get(self, project_id: ProjectId, worker_id: WorkerId) -> Worker | None:
        """One worker, also one that has left."""
        ...

    async def set_drain(self, project_id: ProjectId, worker_id: WorkerId, *, drain: bool) -> bool:
        """Ask a worker to drain, or take that back; False when it has left."""
        ...

    async def resize(self, project_id: ProjectId, worker_id: WorkerId, max_concurrent_jobs: int) -> bool:
        """Have it run so many jobs at once, from its next beat on; False when it has left or is not there."""
        ...

    async def deregister(self, project_id: ProjectId, worker_id: WorkerId) -> bool:
        """Note that a worker which runs nothing has left; False when it runs something, or has left."""
        ...

    async def unstopped_on(self, machine: str) -> Sequence[tuple[WorkerId, ProcessIdentity]]:
        """Incarnations on this machine that never said good-bye; recovery looks whether they still live."""
        ...

    async def host_elsewhere(self, process: ProcessIdentity, since: datetime) -> str | None:
        """Another host, under another kernel, of which a worker gave a sign of life since then."""
        ...

    async def tasks(self, project_id: ProjectId) -> Sequence[TaskDescription]:
        """The catalogue: every task that a worker has registered or an application has declared."""
        ...
