"""Ticks: what is to become of due times that have come. Pure: the same for every scheduler that asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.domain.job import JobStatus
from taskforge.domain.schedule import MissedPolicy, OverlapPolicy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.schedule import ScheduleSpec
    from taskforge.domain.timetable import Timetable

MOST_RECORDED = 1_000
"""So many missed due times are recorded one by one; those before them as one span."""
SHORTEST_GRACE = timedelta(seconds=1)
LONGEST_GRACE = timedelta(seconds=60)


class TickOutcome(StrEnum):
    """What became of a due time."""

    FIRED = "fired"
    MISSED = "missed"
    SKIPPED = "skipped"


class TickReason(StrEnum):
    """Why a due time got no job."""

    DOWNTIME = "downtime"
    """Nobody looked in time, and the policy for missed runs is to skip them."""
    COALESCED = "coalesced"
    """A later one of several that were missed runs for all."""
    TOO_OLD = "too_old"
    """It was found later than ``catch_up_seconds`` after it was due."""
    LIMIT = "limit"
    """More were missed than ``catch_up_limit``."""
    OVERLAP = "overlap"
    HOLIDAY = "holiday"
    QUEUE_CLOSED = "queue_closed"
    QUEUE_FULL = "queue_full"
    INVALID = "invalid"
    """What is stored of the schedule makes no job any more."""


class TickCause(StrEnum):
    """What made a tick."""

    DUE = "due"
    MANUAL = "manual"
    BACKFILL = "backfill"


class Unfinished(NamedTuple):
    """A job of a schedule that has not ended."""

    job_id: UUID
    status: JobStatus


class PlannedTick(NamedTuple):
    """``missed_until``: with it, all due times from this one on and before that one were missed together."""

    due_at: datetime
    outcome: TickOutcome
    reason: TickReason | None = None
    missed_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a scheduler does now. ``next_due_at`` None: never again. ``cancels``: the runs that have not ended."""

    ticks: Sequence[PlannedTick]
    next_due_at: datetime | None
    next_fire_at: datetime | None
    cancels: bool = False

    @property
    def fired(self) -> list[PlannedTick]:
        """Those that get a job."""
        return [tick for tick in self.ticks if tick.outcome is TickOutcome.FIRED]


@dataclass(frozen=True, slots=True)
class Run:
    """A tick as it is remembered, with what became of its job; the history of a schedule.

    ``status`` is the job's, live until it ends; then the rest is a copy that stays when the job is pruned.
    Durations are seconds.
    """

    id: UUID
    schedule_id: UUID
    schedule_name: str
    due_at: datetime
    fired_at: datetime
    cause: TickCause
    outcome: TickOutcome
    reason: TickReason | None
    missed_until: datetime | None
    job_id: UUID | None
    status: JobStatus | None
    attempts: int | None
    started_at: datetime | None
    finished_at: datetime | None
    duration: float | None
    result: Any
    error_type: str | None
    error_message: str | None
    traceback: str | None

    @property
    def lateness(self) -> float:
        """Seconds from when it was due until it was seen."""
        return max(0.0, (self.fired_at - self.due_at).total_seconds())

    @property
    def success(self) -> bool | None:
        """Whether the job succeeded; None while it has not ended, and for a tick without one."""
        if self.status is None or not self.status.is_finished:
            return None
        return self.status is JobStatus.SUCCEEDED

    @property
    def message(self) -> str | None:
        """What the job said of itself (the scheduler seed's result), or the error of its last attempt."""
        if self.error_message is not None:
            return self.error_message
        told = self.result.get("message") if isinstance(self.result, dict) else None
        return told if isinstance(told, str) else None

    @property
    def data(self) -> Any:
        """The job's result; of one in the scheduler seed's form (success, message, data) the data."""
        if isinstance(self.result, dict) and {"success", "message"} <= self.result.keys():
            return self.result.get("data")
        return self.result


class RunStats(NamedTuple):
    """What the runs of a period add up to; ``avg_duration`` is seconds."""

    total_runs: int
    successful_runs: int
    failed_runs: int
    avg_duration: float | None


def plan(
    spec: ScheduleSpec, timetable: Timetable, due: datetime, now: datetime, unfinished: Sequence[Unfinished]
) -> Plan:
    """What becomes of ``due``, which may fire by ``now``, and of all later ones that may.

    One in time fires; the policy for missed runs says what becomes of the others. Those that fire together under
    a policy that forbids overlaps run one after the other, by their concurrency key.
    """
    span, ripe, following = _ripe(timetable, due, now)
    ticks = [] if span is None else [span]
    wanted, reasons = _wanted(spec, timetable, ripe, now)
    cancels = False
    if spec.overlap is OverlapPolicy.CANCEL_PREVIOUS:
        cancels = bool(wanted and unfinished)
        reasons |= dict.fromkeys(sorted(wanted)[:-1], TickReason.OVERLAP)
        wanted = set(sorted(wanted)[-1:])
    elif is_in_the_way(spec.overlap, unfinished):
        reasons |= dict.fromkeys(wanted, TickReason.OVERLAP)
        wanted = set()
    for moment in ripe:
        if moment in wanted:
            ticks.append(PlannedTick(moment, TickOutcome.FIRED))
        else:
            reason = reasons[moment]
            is_skipped = reason in (TickReason.OVERLAP, TickReason.HOLIDAY)
            ticks.append(
                PlannedTick(moment, TickOutcome.SKIPPED if is_skipped else TickOutcome.MISSED, reason)
            )
    return Plan(ticks, following, None if following is None else timetable.fire_at(following), cancels)


def is_in_the_way(policy: OverlapPolicy, unfinished: Sequence[Unfinished]) -> bool:
    """Whether runs that have not ended forbid another one."""
    if policy is OverlapPolicy.SKIP:
        return bool(unfinished)
    if policy is OverlapPolicy.QUEUE_ONE:
        return any(run.status is not JobStatus.PROCESSING for run in unfinished)
    return False


def grace(timetable: Timetable, due: datetime) -> timedelta:
    """How late a due time may be seen and still is in time: half of what is between it and the next."""
    following = timetable.next(due)
    if following is None:
        return LONGEST_GRACE
    return min(LONGEST_GRACE, max(SHORTEST_GRACE, (following - due) / 2))


def _wanted(
    spec: ScheduleSpec, timetable: Timetable, ripe: Sequence[datetime], now: datetime
) -> tuple[set[datetime], dict[datetime, TickReason]]:
    """The due times that are to run, and why the others are not."""
    reasons: dict[datetime, TickReason] = {}
    in_time: list[datetime] = []
    late: list[datetime] = []
    for moment in ripe:
        lateness = now - timetable.fire_at(moment)
        if timetable.rests(moment):
            reasons[moment] = TickReason.HOLIDAY
        elif lateness <= SHORTEST_GRACE or (
            lateness <= LONGEST_GRACE and lateness <= grace(timetable, moment)
        ):
            in_time.append(moment)
        elif spec.missed is MissedPolicy.SKIP:
            reasons[moment] = TickReason.DOWNTIME
        elif lateness > timedelta(seconds=spec.catch_up_seconds):
            reasons[moment] = TickReason.TOO_OLD
        else:
            late.append(moment)
    kept = spec.catch_up_limit
    if spec.missed is MissedPolicy.ONE:
        kept = 0 if in_time else 1
    reason = TickReason.COALESCED if spec.missed is MissedPolicy.ONE else TickReason.LIMIT
    dropped = late[: max(0, len(late) - kept)]
    reasons |= dict.fromkeys(dropped, reason)
    return {*in_time, *late[len(dropped) :]}, reasons


def _ripe(
    timetable: Timetable, due: datetime, now: datetime
) -> tuple[PlannedTick | None, list[datetime], datetime | None]:
    """The due times from ``due`` on that may fire now, and the first that may not.

    Of very many only the newest are looked at, the others are one span.
    """
    found, following = _walk(timetable, due, now, MOST_RECORDED)
    if following is None or timetable.fire_at(following) > now:
        return None, found, following
    span = timedelta(seconds=MOST_RECORDED)
    while True:
        first = timetable.next(max(due, now - span))
        found, following = ([], None) if first is None else _walk(timetable, first, now, None)
        if len(found) >= MOST_RECORDED or now - span <= due:
            newest = found[-MOST_RECORDED:]
            missed = PlannedTick(due, TickOutcome.MISSED, TickReason.DOWNTIME, newest[0])
            return missed, newest, following
        span *= 4


def _walk(
    timetable: Timetable, first: datetime, now: datetime, most: int | None
) -> tuple[list[datetime], datetime | None]:
    """Due times that may fire, up to ``most``, and the one after them."""
    if timetable.fire_at(first) > now:
        return [], first
    found = [first]
    following = timetable.next(first)
    while (
        following is not None and (most is None or len(found) < most) and timetable.fire_at(following) <= now
    ):
        found.append(following)
        following = timetable.next(following)
    return found, following
