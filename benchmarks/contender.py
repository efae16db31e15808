"""What every measured system can be asked to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from taskforge.bench.figures import ClaimBacklog, Drain, IdleQueries, ImportTime, Latency, Rate


class Contender:
    """Answers None to everything; a system overrides what it has a call for.

    Every call works on a database of its own, made before and removed after the timed part.
    """

    name: str

    async def sequential(self, jobs: int) -> Rate | None:
        """Single calls, one after the other, awaited if the system has such a call."""
        return None

    async def sequential_blocking(self, jobs: int) -> Rate | None:
        """Single calls, one after the other, from a plain thread."""
        return None

    async def concurrent(self, jobs: int) -> Rate | None:
        """Single calls, fifty under way at any moment."""
        return None

    async def bulk(self, jobs: int) -> Rate | None:
        """A thousand jobs a call."""
        return None

    async def bulk_concurrent(self, jobs: int) -> Rate | None:
        """A thousand jobs a call, three callers on one event loop."""
        return None

    async def drain(self, jobs: int, processes: int) -> Drain | None:
        """A loaded queue emptied by worker processes."""
        return None

    async def drain_remote(self, jobs: int) -> Drain | None:
        """A loaded queue emptied by one worker process that knows a server and no database."""
        return None

    async def drain_by_all_rules(self, jobs: int) -> Drain | None:
        """One worker, from a queue with weights, a limit, a rate and twenty fairness keys."""
        return None

    async def drain_by_rules(self, jobs: int) -> Drain | None:
        """A loaded queue that has a limit and a rate, both too high to matter, emptied by one process."""
        return None

    async def drain_among_unknown(self, jobs: int, unknown: int) -> Drain | None:
        """The same without rules, behind jobs of a type that no worker knows."""
        return None

    async def latency(self, jobs: int) -> Latency | None:
        """An idle worker process, fifty jobs a second."""
        return None

    async def latency_in_process(self, jobs: int) -> Latency | None:
        """The same, with the worker in the producer's process."""
        return None

    async def idle(self, seconds: float) -> IdleQueries | None:
        """Statements of a worker with nothing to do."""
        return None

    async def claim_backlog(self, large: int) -> ClaimBacklog | None:
        """One claim at a thousand and at `large` pending jobs."""
        return None

    async def import_time(self) -> ImportTime | None:
        """Importing the package in fresh interpreters."""
        return None
