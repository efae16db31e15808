"""Examinations over SQL (``ports.health``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.ports.health import Arrears, Backlog
from taskforge.storage.engine import Engine, One

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from taskforge.domain.ids import ProjectId


class SqlHealthStore:
    """Implements ``HealthStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def now(self) -> datetime:
        [row] = await self._engine.read(One("database_now"))
        moment: datetime = self._engine.moment(row["now"])
        return moment

    async def settings(self) -> Mapping[str, str]:
        rows = await self._engine.read(One("database_settings"))
        return {row["name"]: str(row["value"]) for row in rows}

    async def arrears(self, project_id: ProjectId, slack_us: int) -> Arrears:
        [row] = await self._engine.read(One("arrears", {"project_id": project_id, "slack_us": slack_us}))
        return Arrears(int(row["expired_leases"]), int(row["overdue_scheduled"]), int(row["overdue_limits"]))

    async def backlogs(self, project_id: ProjectId, bound: int) -> Sequence[Backlog]:
        rows = await self._engine.read(One("backlogs", {"project_id": project_id, "bound": bound}))
        return [Backlog(row["name"], int(row["pending"])) for row in rows if row["pending"]]

    async def unknown_types(self, project_id: ProjectId) -> Mapping[str, int]:
        rows = await self._engine.read(One("unknown_job_types", {"project_id": project_id}))
        return {row["job_type"]: int(row["jobs"]) for row in rows}

    async def broken_records(self, project_id: ProjectId, recent: int) -> Mapping[str, int]:
        [row] = await self._engine.read(One("broken_records", {"project_id": project_id, "recent": recent}))
        return {name: int(row[name] or 0) for name in ("succeeded_without_record", "ended_but_processing")}
