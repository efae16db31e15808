"""Traces of jobs over SQL (``ports.traces``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.ports.traces import StoredTrace
from taskforge.storage.engine import Engine, Many, One, columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId


def put_traces(project_id: ProjectId, job_ids: Sequence[UUID], trace: str) -> Many:
    """Notes what these jobs belong to, for whoever has the transaction that makes them."""
    rows = columns(("job_id",), [(job_id,) for job_id in job_ids])
    return Many("put_traces", rows, {"project_id": project_id, "trace": trace})


class SqlTraceStore:
    """Implements ``TraceStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def put(self, project_id: ProjectId, job_ids: Sequence[UUID], trace: str) -> None:
        await self._engine.call(put_traces(project_id, job_ids, trace))

    async def of_jobs(self, project_id: ProjectId, job_ids: Sequence[UUID]) -> Mapping[UUID, StoredTrace]:
        chosen = {"project_id": project_id, "job_ids": list(job_ids)}
        rows = await self._engine.read(One("traces_of_jobs", chosen))
        return {
            self._engine.identity(row["job_id"]): StoredTrace(row["trace"], row["previous"]) for row in rows
        }

    async def note(self, project_id: ProjectId, attempts: Mapping[UUID, str]) -> None:
        rows = columns(("job_id", "previous"), sorted(attempts.items()))
        await self._engine.call(Many("note_attempts", rows, {"project_id": project_id}))
