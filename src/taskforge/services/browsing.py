"""Pages of jobs, over one project or several."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId
    from taskforge.domain.job import Job
    from taskforge.ports.history import HistoryStore, JobFilter

COUNTED = 1_000
"""Totals are counted up to here, at the price of one walk over ids."""
LOOKED_AT = 30_000
"""A page of a filter that little fits is given up after so many jobs; its cursor goes on from there."""


class JobPage(NamedTuple):
    """A page of jobs. ``total`` is None where it was not asked for, a lower bound with ``is_capped``.

    ``last``: the id to go on from; None at the end.
    """

    jobs: Sequence[Job]
    last: UUID | None
    total: int | None
    is_capped: bool


class Browsing:
    """Lists jobs of any projects, newest first. Whoever calls says which projects may be seen."""

    def __init__(self, history: HistoryStore) -> None:
        self._history = history

    async def page(
        self, project_ids: Sequence[ProjectId], chosen: JobFilter, *, skip: int = 0, counted: bool = True
    ) -> JobPage:
        """``chosen.limit`` jobs behind the first ``skip`` ones; ``counted``: with their total."""
        wanted = skip + chosen.limit + 1
        whole = replace(chosen, limit=max(wanted, COUNTED) if counted else wanted)
        walks = [
            (project_id, await self._history.walk(project_id, whole, LOOKED_AT)) for project_id in project_ids
        ]
        # beyond the place where one walk was given up, another project's jobs are not next to each other
        horizon = max((walk.place for _, walk in walks if walk.place is not None), default=None)
        if len(walks) == 1:
            seen = walks[0][1].ids
        else:
            seen = sorted((job_id for _, walk in walks for job_id in walk.ids), reverse=True)
            seen = seen if horizon is None else [job_id for job_id in seen if job_id >= horizon]
        part = seen[skip : skip + chosen.limit]
        last: UUID | None = None
        if len(seen) > skip + chosen.limit:
            last = part[-1]
        elif horizon is not None:
            last = horizon
        jobs: list[Job] = []
        for project_id, walk in walks:
            own = part if len(walks) == 1 else list(frozenset(walk.ids).intersection(part))
            jobs += await self._history.jobs_by_ids(project_id, own)
        jobs.sort(key=lambda job: job.id, reverse=True)
        return JobPage(jobs, last, len(seen) if counted else None, horizon is not None)
