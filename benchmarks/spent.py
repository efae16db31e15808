"""What work has cost: the database's time by statement, and processor time of programs."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    import asyncpg

STATISTICS = "pg_stat_statements"
_TICKS = os.sysconf("SC_CLK_TCK")
_KINDS = """
SELECT coalesce(sum(total_exec_time) FILTER (WHERE kind = 'claim'), 0) AS claim,
  coalesce(sum(total_exec_time) FILTER (WHERE kind = 'settle'), 0) AS settle,
  coalesce(sum(total_exec_time) FILTER (WHERE kind = 'other'), 0) AS other
FROM (
  SELECT s.total_exec_time, CASE WHEN s.query LIKE '%claim_seq = claim_seq + %' THEN 'claim'
    WHEN s.query LIKE '%INTO executions%' THEN 'settle' ELSE 'other' END AS kind
  FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid
  WHERE d.datname = $1 AND s.query NOT LIKE 'SELECT CASE WHEN EXISTS%' AND s.query NOT LIKE '%pg_stat_statements%'
) q
"""


class Spent(NamedTuple):
    """Milliseconds: statements of a database by kind, and processor time of its server and of the workers."""

    claim: float = 0.0
    settle: float = 0.0
    other: float = 0.0
    server: float = 0.0
    workers: float = 0.0

    def since(self, before: Spent) -> Spent:
        """The difference."""
        return Spent(*(now - then for now, then in zip(self, before, strict=True)))

    def per_job(self, jobs: int) -> dict[str, float]:
        """Microseconds for each of so many jobs."""
        claim, settle, other, server, workers = (value * 1000 / jobs for value in self)
        return {
            "database us/job": claim + settle + other,
            "of it claim": claim,
            "settle": settle,
            "database CPU us/job": server,
            "workers' CPU us/job": workers,
        }


async def spent(
    admin: asyncpg.Connection[asyncpg.Record], database: str, workers: Iterable[int] = ()
) -> Spent:
    """Until now. ``admin`` is connected to a database that has ``pg_stat_statements``."""
    [row] = await admin.fetch(_KINDS, database)
    postmaster = int((await admin.fetchval("SELECT pg_read_file('postmaster.pid')")).split("\n", 1)[0])
    return Spent(
        row["claim"], row["settle"], row["other"], cpu_ms(postmaster), sum(cpu_ms(pid) for pid in workers)
    )


class ProcessorTime:
    """Seconds of processor time of a program and its children, to the nanosecond; those that have ended stay counted."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._nanoseconds: dict[int, int] = {}

    def __call__(self) -> float:
        with suppress(OSError):
            children = Path(f"/proc/{self._pid}/task/{self._pid}/children").read_text().split()
            for pid in (self._pid, *map(int, children)):
                with suppress(OSError):
                    self._nanoseconds[pid] = int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
        return sum(self._nanoseconds.values()) / 1e9


def cpu_ms(pid: int) -> float:
    """Of a program, its children, and those of them that have ended."""
    ticks = 0
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = sum(int(field) for field in fields[11:15])
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return ticks * 1000 / _TICKS + sum(cpu_ms(int(child)) for child in children)
    return ticks * 1000 / _TICKS
