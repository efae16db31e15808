"""Examinations over SQL (``ports.health``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.ports.health import Arrears, Backlog, OldTransaction, TableSize, Unfolded
from taskforge.storage.codec import faults_of_settings, settings_of
from taskforge.storage.engine import Engine, One

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from taskforge.domain.ids import ProjectId


_INVARIANTS = (
    "succeeded_without_record",
    "failed_without_record",
    "ended_but_processing",
    "processing_without_owner",
    "leased_but_not_processing",
    "with_a_wrong_end",
    "beyond_their_attempts",
    "claimed_twice_by_one_number",
    "dead_letters_of_no_queue",
)


class SqlHealthStore:
    """Implements ``HealthStore`` for any engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def now(self) -> datetime:
        [row] = await self._engine.read(One("database_now"))
        moment: datetime = self._engine.moment(row["now"])
        return moment

    async def settings(self, *, whole: bool) -> Mapping[str, str]:
        rows = await self._engine.read(One("database_settings"))
        checked = await self._engine.read(One("quick_check")) if whole else []
        found = {row["name"]: str(row["value"]) for row in rows}
        if checked:
            found["quick_check"] = str(checked[0]["said"])
        return found

    async def arrears(self, project_id: ProjectId, slack_us: int) -> Arrears:
        [row] = await self._engine.read(One("arrears", {"project_id": project_id, "slack_us": slack_us}))
        return Arrears(int(row["expired_leases"]), int(row["overdue_scheduled"]), int(row["overdue_limits"]))

    async def backlogs(self, project_id: ProjectId, bound: int) -> Sequence[Backlog]:
        rows = await self._engine.read(One("backlogs", {"project_id": project_id, "bound": bound}))
        return [Backlog(row["name"], int(row["pending"])) for row in rows if row["pending"]]

    async def unknown_types(self, project_id: ProjectId) -> Mapping[str, int]:
        rows = await self._engine.read(One("unknown_job_types", {"project_id": project_id}))
        return {row["job_type"]: int(row["jobs"]) for row in rows}

    async def broken_settings(self, project_id: ProjectId) -> Mapping[str, Sequence[str]]:
        rows = await self._engine.read(One("stored_settings", {"project_id": project_id}))
        return {row["name"]: faults for row in rows if (faults := _faults(row))}

    async def broken_records(self, project_id: ProjectId, recent: int) -> Mapping[str, int]:
        [row] = await self._engine.read(One("broken_records", {"project_id": project_id, "recent": recent}))
        return {name: int(row[name] or 0) for name in _INVARIANTS}

    async def table_sizes(self) -> Sequence[TableSize]:
        rows = await self._engine.read(One("table_sizes"))
        return [TableSize(row["name"], row["bytes"], row["live_rows"], row["dead_rows"]) for row in rows]

    async def oldest_transaction(self) -> OldTransaction | None:
        rows = await self._engine.read(One("oldest_transaction"))
        return OldTransaction(*tuple(rows[0])) if rows else None

    async def broken_indexes(self) -> Sequence[str]:
        return [row["name"] for row in await self._engine.read(One("broken_indexes"))]

    async def unfolded(self) -> Unfolded:
        [row] = await self._engine.read(One("unfolded_deltas"))
        return Unfolded(int(row["deltas"]), int(row["seconds"]))


def _faults(row: Any) -> Sequence[str]:
    """Broken settings, and rules that do not say what the settings say: claims go by the column."""
    settings = settings_of(row["settings"])
    return [
        *faults_of_settings(row["settings"]),
        *(
            f"{name} is {said} in the settings, but claims go by {kept}"
            for name in ("max_concurrent_jobs", "rate_limit")
            if (said := getattr(settings, name)) != (kept := row[name])
        ),
    ]
