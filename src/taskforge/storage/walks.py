"""Pages of jobs, newest first: walking back over all of them, or over an index where few fit."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from taskforge.domain.ids import AFTER_ALL, JobId, least_id
from taskforge.domain.job import JobStatus
from taskforge.ports.history import JobFilter, Walk
from taskforge.storage.engine import Engine, One

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from uuid import UUID

    from taskforge.domain.ids import ProjectId, QueueId

    _Newest: TypeAlias = Callable[[UUID, int], Awaitable[Sequence[JobId] | None]]
    """So many of the newest ids before one; None where it cannot say."""

FINISHED = frozenset({JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED})
ORDERED = FINISHED | {JobStatus.PENDING}
"""Of these the newest jobs of a queue are found by index, unless very many wait."""
TOLERATED_CLOCK_SKEW = timedelta(minutes=5)
"""A client whose clock is further ahead makes jobs that are not found by the time at which they were created."""
FILTERS = tuple(field.name for field in fields(JobFilter) if field.name not in ("payload", "ids"))
LATEST = datetime.max.replace(tzinfo=UTC) - TOLERATED_CLOCK_SKEW
UNBOUNDED = 1 << 62
LEAST_SCAN, MOST_SCAN = 500, 20_000
"""A page is found by walking back over the newest jobs, in windows that grow: none of them takes long."""
FEW = 5_000
"""Where an index has fewer jobs than this that may fit, the page is found among these."""
FEW_TAGGED = 20_000
"""Fewer jobs of a tag than this are found by its index."""
FEW_WAITING = 120_000
"""On SQLite fewer waiting jobs than this are gathered and sorted, which costs no index of its own."""
LEAST_GATHERED = 500
PROBED, NEWEST = 5_000, 100_000
"""A tag that many of the newest jobs have is common: jobs are then found by walking, and counted among the newest."""


class Walks:
    """Finds the ids of the jobs that a filter chooses."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def walk(self, project_id: ProjectId, chosen: JobFilter, most: int) -> Walk:
        """As ``HistoryStore.walk``."""
        if chosen.ids is None and chosen.tag is not None and not await self.is_common(project_id, chosen.tag):
            walk = await self._walk_index(project_id, chosen, self._by_tag(project_id, chosen.tag), [], most)
            if walk is not None:
                return walk
        queues = None if chosen.ids is not None else await self._queues_by_index(project_id, chosen)
        if queues is not None:
            few = await self._unordered(project_id, chosen)
            if few is not None:
                statuses = [status for status in chosen.statuses or JobStatus if status in ORDERED]
                source = self._by_status(queues, statuses)
                walk = await self._walk_index(project_id, chosen, source, few, most)
                if walk is not None:
                    return walk
        found: list[JobId] = []
        place: UUID | None = self._start(chosen)
        few = await self._few(project_id, chosen)
        scan = max(LEAST_SCAN, chosen.limit) if few is None else len(few) + 1
        values = self._values(chosen) | {"project_id": project_id, "among": few}
        while place is not None and len(found) < chosen.limit and most > 0:
            window = {"before": place, "scan": scan, "limit": chosen.limit - len(found)}
            rows = await self._engine.read(One("walk_jobs", values | window))
            found += self._fitting(rows)
            place = next((self._engine.identity(row["id"]) for row in reversed(rows) if row["is_last"]), None)
            most -= scan
            scan = min(2 * scan, max(scan, MOST_SCAN))
        if found and len(found) == chosen.limit:  # the window may hold more
            place = found[-1]
        return Walk(found, place)

    def _start(self, chosen: JobFilter) -> UUID:
        """Where a walk begins. A job's id is not older than its row, but for what clocks differ."""
        start = chosen.before or AFTER_ALL
        if chosen.created_to is None:
            return start
        return min(start, least_id(min(chosen.created_to, LATEST) + TOLERATED_CLOCK_SKEW))

    async def _queues_by_index(self, project_id: ProjectId, chosen: JobFilter) -> Sequence[QueueId] | None:
        """The queues whose jobs are to be listed by index, where a queue or a status is asked for."""
        has_ordered = chosen.statuses is None or not ORDERED.isdisjoint(chosen.statuses)
        if chosen.dead_letter_queue_id is not None or not has_ordered:
            return None
        if chosen.queue_ids is not None:
            return chosen.queue_ids
        if chosen.statuses is None:
            return None
        rows = await self._engine.read(One("finished_lines"))
        identity = self._engine.identity
        mine = [row for row in rows if row["project_id"] is None or identity(row["project_id"]) == project_id]
        found = [identity(row["queue_id"]) for row in mine]
        if JobStatus.PENDING in chosen.statuses:
            rows = await self._engine.read(One("list_queues", {"project_id": project_id}))
            found += [identity(row["id"]) for row in rows]
        return list(dict.fromkeys(found))

    async def _unordered(self, project_id: ProjectId, chosen: JobFilter) -> Sequence[JobId] | None:
        """All jobs that may fit and that no index has in order, if they are few."""
        others = [status for status in chosen.statuses or JobStatus if status not in ORDERED]
        return await self._few(project_id, replace(chosen, statuses=others)) if others else []

    async def _walk_index(
        self, project_id: ProjectId, chosen: JobFilter, newest: _Newest, few: Sequence[JobId], most: int
    ) -> Walk | None:
        """Walk back over the jobs that an index has in order, and over the few others; None if it says nothing."""
        found: list[JobId] = []
        place: UUID | None = self._start(chosen)
        scan = max(chosen.limit, LEAST_GATHERED)
        values = self._values(chosen) | {"project_id": project_id}
        while place is not None and len(found) < chosen.limit and most > 0:
            ids = await newest(place, scan)
            if ids is None:
                return None
            end: UUID | None = ids[-1] if len(ids) == scan else None
            among = [*ids, *(job_id for job_id in few if job_id < place and (end is None or job_id >= end))]
            page = {"before": place, "scan": len(among) + 1, "limit": chosen.limit - len(found)}
            rows = await self._engine.read(One("walk_jobs", values | page | {"among": among}))
            found += self._fitting(rows)
            most -= scan
            place, scan = end, min(4 * scan, MOST_SCAN)
        if found and len(found) == chosen.limit:  # the window may hold more
            place = found[-1]
        return Walk(found, place)

    def _by_status(self, queues: Sequence[QueueId], statuses: Sequence[JobStatus]) -> _Newest:
        """The newest jobs of some queues."""

        finished = [status for status in statuses if status in FINISHED]

        async def newest(before: UUID, scan: int) -> Sequence[JobId] | None:
            found: list[JobId] = []
            window = {"queue_ids": queues, "before": before, "scan": scan}
            if finished:
                rows = await self._engine.read(One("newest_finished", window | {"statuses": finished}))
                found += [self._engine.identity(row["id"]) for row in rows]
            if JobStatus.PENDING in statuses:
                rows = await self._engine.read(One("newest_waiting", window | {"most": FEW_WAITING}))
                waiting = self._unless_many(rows)
                if waiting is None:
                    return None
                found += waiting
            return sorted(found, reverse=True)[:scan]

        return newest

    def _by_tag(self, project_id: ProjectId, tag: str) -> _Newest:
        """The newest jobs with a tag; None if they are too many to be found so."""

        async def newest(before: UUID, scan: int) -> Sequence[JobId] | None:
            window = {"project_id": project_id, "tag": tag, "most": FEW_TAGGED}
            rows = await self._engine.read(One("newest_tagged", {**window, "before": before, "scan": scan}))
            return self._unless_many(rows)

        return newest

    def _unless_many(self, rows: Sequence[Any]) -> list[JobId] | None:
        """The ids that a statement gathered, unless it says that there were too many to look at all."""
        if any(row["are_many"] for row in rows):
            return None
        return [self._engine.identity(row["id"]) for row in rows if row["id"] is not None]

    async def is_common(self, project_id: ProjectId, tag: str) -> bool:
        """Whether many of the newest jobs have a tag."""
        tagged = {"project_id": project_id, "tag": tag, "newest": PROBED}
        [row] = await self._engine.read(One("tag_is_common", tagged))
        return bool(row["is_common"])

    def _fitting(self, rows: Sequence[Any]) -> list[JobId]:
        """The jobs of a window that fit, newest first."""
        # as the database has them they sort as ids do, and quicker
        found = sorted((row["id"] for row in rows if row["fits"]), reverse=True)
        return [self._engine.identity(value) for value in found]

    def _values(self, chosen: JobFilter) -> dict[str, Any]:
        """The filter as parameters: each database has its own way to name a member of a JSON value."""
        values: dict[str, Any] = {name: getattr(chosen, name) for name in FILTERS}
        condition = chosen.payload
        path: object = None
        if condition is not None:
            is_postgres = self._engine.dialect == "postgres"
            path = list(condition.path) if is_postgres else _sqlite_path(condition.path)
        return values | {
            "payload_path": path,
            "payload_value": None if condition is None else condition.value,
        }

    async def _few(self, project_id: ProjectId, chosen: JobFilter) -> Sequence[JobId] | None:
        """All jobs among which the page is, if they are named, or an index has them and they are few."""
        if chosen.ids is not None:
            return [JobId(job_id) for job_id in chosen.ids]
        has_index = chosen.dead_letter_queue_id is not None or (
            chosen.statuses is not None and JobStatus.SUCCEEDED not in chosen.statuses
        )
        if not has_index:
            return None
        rows = await self._engine.read(
            One("few_jobs", {**self._values(chosen), "project_id": project_id, "most": FEW})
        )
        return None if len(rows) >= FEW else [self._engine.identity(row["id"]) for row in rows]


def _sqlite_path(names: Sequence[str]) -> str:
    """The names as SQLite writes a path; a number is the place in a list as well."""
    return "$" + "".join(
        f"[{name}]" if name.isdecimal() else '."' + name.replace('"', "") + '"' for name in names
    )
