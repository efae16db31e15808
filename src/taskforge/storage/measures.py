"""What alert rules look at, over SQL (``ports.alerts.MeasureStore``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.ids import short
from taskforge.storage.codec import from_json
from taskforge.storage.engine import Engine, One

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from taskforge.domain.ids import ProjectId, QueueId


class SqlMeasureStore:
    """Implements ``MeasureStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def dead_letters(self, project_id: ProjectId, bound: int) -> Mapping[str, int]:
        asked = {"project_id": project_id, "bound": bound}
        rows = await self._engine.read(One("dead_letters_listed", asked))
        return {row["name"]: int(row["letters"]) for row in rows}

    async def waiting_types(self, project_id: ProjectId, queue_id: QueueId, bound: int) -> Mapping[str, int]:
        asked = {"project_id": project_id, "queue_id": queue_id, "bound": bound}
        rows = await self._engine.read(One("waiting_types", asked))
        return {row["job_type"]: int(row["jobs"]) for row in rows}

    async def unknown_types(self, project_id: ProjectId) -> Mapping[str, int]:
        rows = await self._engine.read(One("unknown_job_types", {"project_id": project_id}))
        return {row["job_type"]: int(row["jobs"]) for row in rows}

    async def known_types(self, project_id: ProjectId, silence: timedelta) -> Mapping[str, frozenset[str]]:
        asked = {"project_id": project_id, "silence_us": _microseconds(silence)}
        found: dict[str, frozenset[str]] = {}
        for row in await self._engine.read(One("known_types", asked)):
            types = frozenset(from_json(row["job_types"]))
            for queue in from_json(row["queues"]):
                found[queue] = found.get(queue, frozenset()) | types
        return found

    async def lost_workers(
        self, project_id: ProjectId, silence: timedelta, window: timedelta
    ) -> Sequence[str]:
        asked = {
            "project_id": project_id,
            "silence_us": _microseconds(silence),
            "window_us": _microseconds(window),
        }
        return [row["name"] for row in await self._engine.read(One("lost_workers", asked))]

    async def missed_ticks(self, project_id: ProjectId, window: timedelta) -> Mapping[str, int]:
        asked = {"project_id": project_id, "window_us": _microseconds(window)}
        rows = await self._engine.read(One("missed_ticks", asked))
        return {row["name"]: int(row["missed"]) for row in rows}

    async def fresh_errors(self, project_id: ProjectId, window: timedelta, limit: int) -> Mapping[str, int]:
        [row] = await self._engine.read(One("database_now"))
        since = self._engine.moment(row["now"]) - window
        asked = {"project_id": project_id, "since": since, "limit": limit}
        return {
            f"{row['error_type']} ({short(self._engine.identity(row['id']))})": int(row["failures"])
            for row in await self._engine.read(One("fresh_error_groups", asked))
        }

    async def broken_types(self, project_id: ProjectId, limit: int) -> Mapping[str, float]:
        rows = await self._engine.read(One("broken_types", {"project_id": project_id, "limit": limit}))
        [clock] = await self._engine.read(One("database_now"))
        now = self._engine.moment(clock["now"])
        return {
            row["job_type"]: (now - self._engine.moment(row["held_since"])).total_seconds() for row in rows
        }


def _microseconds(span: timedelta) -> int:
    return round(span.total_seconds() * 1_000_000)
