"""The days into which a database cuts executions and log lines, made ahead and dropped whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from taskforge.domain.job import JobStatus


class Partition(NamedTuple):
    """One day of one class of a table; ``day`` is None for the net under those that are missing."""

    name: str
    table: str
    outcome: JobStatus
    day: date | None
    bytes: int


class Kept(NamedTuple):
    """Of a page of executions, how many rows were moved away; ``last`` is where the next begins, None at the end."""

    rows: int
    last: UUID | None


class PartitionStore(Protocol):
    """For databases that have partitions."""

    async def make(self, days: int) -> int:
        """See that there are partitions for so many days, today first; answers how many were made."""
        ...

    async def all(self) -> Sequence[Partition]:
        """Every partition by name."""
        ...

    async def strays(self, bound: int) -> Mapping[str, int]:
        """Rows by table that lie in the net, counted up to ``bound``."""
        ...

    async def is_still_written(self, until: datetime) -> bool:
        """Whether an execution that was claimed before this moment still runs."""
        ...

    async def keep_executions(
        self, outcome: JobStatus, start: datetime, until: datetime, after: UUID | None, limit: int
    ) -> Kept:
        """Of a page of a day's executions, move those whose job is still there out of the day's partition."""
        ...

    async def keep_lines(
        self, outcome: JobStatus, to: str, start: datetime, until: datetime, after: UUID | None, limit: int
    ) -> Kept:
        """Move the lines of a page of the day's executions of class ``to`` from that of ``outcome`` to theirs."""
        ...

    async def drop(self, name: str) -> bool:
        """Drop a partition, unless others would have to wait for it."""
        ...
