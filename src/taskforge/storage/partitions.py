"""The partitions of PostgreSQL (``ports.partitions``)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from taskforge.domain.ids import least_id
from taskforge.domain.job import JobStatus
from taskforge.ports.partitions import Kept, Partition
from taskforge.storage.engine import Engine, One

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID


class SqlPartitionStore:
    """Implements ``PartitionStore``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def make(self, days: int) -> int:
        rows = await self._engine.call(One("make_partitions", {"days": days}))
        return int(rows[0]["made"])

    async def all(self) -> Sequence[Partition]:
        return [_partition(row) for row in await self._engine.read(One("list_partitions"))]

    async def strays(self, bound: int) -> Mapping[str, int]:
        rows = await self._engine.read(One("rows_in_default_partitions", {"bound": bound}))
        return {row["name"]: int(row["rows"]) for row in rows}

    async def is_still_written(self, until: datetime) -> bool:
        rows = await self._engine.read(One("runs_of_before", {"until": least_id(until)}))
        return bool(rows[0]["found"])

    async def keep_executions(
        self, outcome: JobStatus, start: datetime, until: datetime, after: UUID | None, limit: int
    ) -> Kept:
        page = {"after": after or least_id(start), "until": least_id(until), "limit": limit}
        return _kept(await self._engine.call(One("keep_executions", {"class": outcome.value, **page})), limit)

    async def keep_lines(
        self, outcome: JobStatus, to: str, start: datetime, until: datetime, after: UUID | None, limit: int
    ) -> Kept:
        page = {"after": after or least_id(start), "until": least_id(until), "limit": limit}
        call = One("keep_lines", {"class": outcome.value, "to_class": to, **page})
        return _kept(await self._engine.call(call), limit)

    async def drop(self, name: str) -> bool:
        rows = await self._engine.call(One("drop_partition", {"name": name}))
        return bool(rows[0]["dropped"])


def _partition(row: Any) -> Partition:
    table, _, outcome = row["parent"].rpartition("_")
    day = None if row["day"] is None else datetime.strptime(row["day"], "%Y%m%d").date()  # noqa: DTZ007
    return Partition(row["name"], table, JobStatus(outcome), day, int(row["bytes"] or 0))


def _kept(rows: Sequence[Any], limit: int) -> Kept:
    [row] = rows
    return Kept(int(row["kept"]), row["last"] if row["seen"] == limit else None)
