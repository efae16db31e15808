"""What the measurements return: plain values, seconds and MiB unless a name says otherwise."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of jobs accepted in a time."""

    jobs: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.jobs / self.seconds


@dataclass(frozen=True, slots=True)
class Drain:
    """One emptying of a loaded queue by `processes` worker processes.

    `agreed_seconds` runs from the first handler to the moment the database shows every outcome;
    `run_seconds` from the first to the last handler; `start_seconds` from the start of the processes
    to the first handler. Memory is the largest peak of one worker process with its children.
    """

    processes: int
    jobs: int
    agreed_seconds: float
    run_seconds: float
    start_seconds: float
    peak_memory_mib: float | None

    @property
    def per_second(self) -> float:
        """Jobs a second to the last committed outcome."""
        return self.jobs / self.agreed_seconds

    @property
    def run_per_second(self) -> float:
        """Jobs a second from the first to the last handler, as if acknowledging were free."""
        return (self.jobs - 1) / self.run_seconds


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from just before the enqueue call to the first line of the handler."""

    jobs: int
    p50: float
    p95: float
    p99: float
    maximum: float
    idle_memory_mib: float | None

    @classmethod
    def of(cls, milliseconds: list[float], idle_memory_mib: float | None) -> Latency:
        ordered = sorted(milliseconds)

        def percentile(percent: float) -> float:
            return ordered[round(percent / 100 * (len(ordered) - 1))]

        return cls(
            jobs=len(ordered),
            p50=percentile(50),
            p95=percentile(95),
            p99=percentile(99),
            maximum=ordered[-1],
            idle_memory_mib=idle_memory_mib,
        )


@dataclass(frozen=True, slots=True)
class ImportTime:
    """Milliseconds that importing a package takes in fresh interpreters."""

    milliseconds: float
    every: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class IdleQueries:
    """Statements that an idle worker sent to its database in a time."""

    statements: int
    seconds: float

    @property
    def per_minute(self) -> float:
        return self.statements * 60 / self.seconds


@dataclass(frozen=True, slots=True)
class ClaimTime:
    """Milliseconds of one claim, at a number of pending jobs."""

    backlog: int
    milliseconds: float
    every: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ClaimBacklog:
    """The same claims at a small and at a large backlog."""

    small: ClaimTime
    large: ClaimTime

    @property
    def ratio(self) -> float:
        return self.large.milliseconds / self.small.milliseconds
