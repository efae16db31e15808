"""Which trace a job belongs to, kept beside the jobs: what is not traced pays nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId


class StoredTrace(NamedTuple):
    """Contexts of spans as texts (``sdk.tracing``): of the one that made the job, and of its last attempt."""

    creation: str
    previous: str | None


class TraceStore(Protocol):
    """Of one project in each call."""

    async def put(self, project_id: ProjectId, job_ids: Sequence[UUID], trace: str) -> None:
        """These jobs, which need not be there yet, were made in this span."""
        ...

    async def of_jobs(self, project_id: ProjectId, job_ids: Sequence[UUID]) -> Mapping[UUID, StoredTrace]:
        """Those of these jobs that belong to a trace."""
        ...

    async def note(self, project_id: ProjectId, attempts: Mapping[UUID, str]) -> None:
        """The spans of attempts that others will follow, by job."""
        ...
