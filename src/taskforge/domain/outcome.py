"""How an attempt ended, as its worker (or, for a lost worker, recovery) reports it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from uuid import UUID

    from taskforge.domain.execution import LogLine


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """What an operator needs of an exception: the type's name, the message, the traceback."""

    type: str
    message: str
    traceback: str | None = None


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The handler returned; ``output`` is its result as JSON text."""

    output: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The handler raised. ``retry_after`` (seconds) replaces the backoff; ``final`` allows no retry."""

    error: ErrorReport
    retry_after: float | None = None
    final: bool = False
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class Snoozed:
    """The handler asked to be called again later; no attempt is spent."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The handler stopped on request, or chose to cancel its job."""

    cause: str


@dataclass(frozen=True, slots=True)
class Released:
    """The worker is leaving and hands the job back unfinished; no attempt is spent."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The worker vanished and its lease ran out. ``blamed``: this job may have been the cause."""

    blamed: bool
    cancel_requested: bool = False


Outcome: TypeAlias = Succeeded | Failed | Snoozed | Cancelled | Released | Lost


class Report(NamedTuple):
    """One ended attempt on its way to the record.

    ``wait_us`` counts from the claim to the handler's start, ``duration_us`` from there to its end, both
    by the worker's monotonic clock. ``state`` is the checkpoint as JSON text, None if it did not change; ``trace`` the span that the
    next attempt is linked to.
    """

    execution_id: UUID
    outcome: Outcome
    wait_us: int
    duration_us: int
    lines: tuple[LogLine, ...] = ()
    state: str | None = None
    trace: str | None = None
