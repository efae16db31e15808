"""What an examination asks of a database: its settings, its clock, and rows that should not be there."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from taskforge.domain.ids import ProjectId


class Arrears(NamedTuple):
    """Jobs of a project that recovery should have dealt with by now."""

    expired_leases: int
    overdue_scheduled: int
    overdue_limits: int


class Backlog(NamedTuple):
    """The pending jobs of one queue; counted up to a bound."""

    queue: str
    pending: int


class TableSize(NamedTuple):
    """A table with its indexes and partitions; None is what the database does not tell.

    On SQLite the sizes are those of the ``file`` and of what in it is ``free``, and rows are at most so many.
    """

    name: str
    bytes: int | None
    live_rows: int | None
    dead_rows: int | None


class OldTransaction(NamedTuple):
    """The transaction that is open for the longest time; until it ends no dead row goes."""

    seconds: int
    state: str
    program: str
    pid: int


class Unfolded(NamedTuple):
    """Counts of ended attempts that wait to be folded, of all projects, and for how long the oldest has."""

    deltas: int
    seconds: int


class HealthStore(Protocol):
    """Read-only, and cheap enough to be asked while the system is in trouble."""

    async def now(self) -> datetime:
        """The database's clock."""
        ...

    async def settings(self, *, whole: bool) -> Mapping[str, str]:
        """``version`` and the settings that durability rests on, as the database names them; ``whole``: and whether
        all pages of a SQLite file are sound, for which it is read."""
        ...

    async def arrears(self, project_id: ProjectId, slack_us: int) -> Arrears:
        """What is late by more than ``slack_us`` microseconds."""
        ...

    async def backlogs(self, project_id: ProjectId, bound: int) -> Sequence[Backlog]:
        """Queues in which jobs are pending that a worker knows, counted up to ``bound``."""
        ...

    async def unknown_types(self, project_id: ProjectId) -> Mapping[str, int]:
        """Job types that no worker knows, with the number of jobs that wait for one."""
        ...

    async def broken_settings(self, project_id: ProjectId) -> Mapping[str, Sequence[str]]:
        """Queues whose stored settings somebody broke by hand, with what is wrong."""
        ...

    async def broken_records(self, project_id: ProjectId, recent: int) -> Mapping[str, int]:
        """Invariants by name, with how many of the ``recent`` newest jobs break each."""
        ...

    async def table_sizes(self) -> Sequence[TableSize]:
        """The tables, the largest first."""
        ...

    async def oldest_transaction(self) -> OldTransaction | None:
        """Of this database, beside the asker's own."""
        ...

    async def broken_indexes(self) -> Sequence[str]:
        """Indexes that are not valid: the queries that need them read whole tables, unique ones keep nothing apart."""
        ...

    async def unfolded(self) -> Unfolded:
        """What `Recording` has to do."""
        ...
