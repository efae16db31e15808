"""A schedule: when which task is to run, and what holds when runs are missed or overlap."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from taskforge.domain.bounds import check_job_type, check_seconds
from taskforge.domain.calendar import Calendar, together
from taskforge.domain.errors import InvalidInput
from taskforge.domain.job_options import JobOptions
from taskforge.domain.local_time import zone_named
from taskforge.domain.names import check_name
from taskforge.domain.timetable import Timetable
from taskforge.domain.trigger import Interval, Once, Trigger, trigger_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID
    from zoneinfo import ZoneInfo

    from taskforge.domain.ids import ProjectId

MAX_DESCRIPTION = 2_000
MOST_CAUGHT_UP = 1_000
DEFAULT_CATCH_UP_SECONDS = 86_400.0
DEFAULT_CATCH_UP_LIMIT = 100
MOST_JITTER_SECONDS = 86_400.0
KEEP_DAYS = 30.0
KEEP_FAILED_DAYS = 90.0
TRIGGERS = ("cron", "interval_seconds", "run_at")
_ANY_TIME = datetime(2001, 1, 1, tzinfo=UTC)
_SECONDS = (
    ("jitter_seconds", 0.0),
    ("catch_up_seconds", 0.0),
    ("retry_delay_seconds", 0.0),
    ("timeout_seconds", 0.001),
    ("expires_seconds", 0.0),
    ("deadline_seconds", 0.0),
    ("key_period_seconds", 0.0),
    ("keep_days", 0.001),
    ("keep_failed_days", 0.001),
)


class MissedPolicy(StrEnum):
    """What becomes of due times that nobody saw in time."""

    SKIP = "skip"
    ONE = "one"
    ALL = "all"


class OverlapPolicy(StrEnum):
    """What a due time does when a run of before has not ended."""

    SKIP = "skip"
    QUEUE_ONE = "queue_one"
    ALLOW = "allow"
    CANCEL_PREVIOUS = "cancel_previous"


class OnHoliday(StrEnum):
    """What becomes of a due time on a day of a calendar."""

    SKIP = "skip"
    NEXT_BUSINESS_DAY = "next_business_day"


@dataclass(frozen=True, slots=True)
class ScheduleSpec:
    """What code and operators say of a schedule. Exactly one of ``cron``, ``interval_seconds`` and ``run_at``."""

    task: str
    arguments: Any = None
    queue: str = "default"
    description: str = ""
    cron: str | None = None
    interval_seconds: float | None = None
    run_at: datetime | None = None
    timezone: str = "UTC"
    enabled: bool = True
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    jitter_seconds: float = 0.0
    missed: MissedPolicy = MissedPolicy.ONE
    catch_up_seconds: float = DEFAULT_CATCH_UP_SECONDS
    catch_up_limit: int = DEFAULT_CATCH_UP_LIMIT
    overlap: OverlapPolicy = OverlapPolicy.SKIP
    calendars: tuple[str, ...] = ()
    on_holiday: OnHoliday = OnHoliday.SKIP
    priority: int | None = None
    max_attempts: int | None = None
    retry_delay_seconds: float | None = None
    retry_base: float | None = None
    retry_multiplier: float | None = None
    retry_cap: float | None = None
    retry_jitter: bool | None = None
    timeout_seconds: float | None = None
    expires_seconds: float | None = None
    deadline_seconds: float | None = None
    key: str | None = None
    key_period_seconds: float | None = None
    concurrency_key: str | None = None
    concurrency_limit: int | None = None
    fairness_key: str | None = None
    fairness_weight: int | None = None
    slots: int | None = None
    rate_tokens: int | None = None
    requires: Mapping[str, Any] | None = None
    prefers: Mapping[str, Any] | None = None
    tags: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    keep_days: float | None = None
    keep_failed_days: float | None = None

    def __post_init__(self) -> None:
        check_job_type(self.task)
        check_name(self.queue, field="queue")
        if len(self.description) > MAX_DESCRIPTION:
            raise InvalidInput(
                f"the description is longer than {MAX_DESCRIPTION} characters", field="description"
            )
        self._check_times()
        self._check_numbers()
        self.job_options()

    def _check_times(self) -> None:
        given = [name for name in TRIGGERS if getattr(self, name) is not None]
        if len(given) != 1:
            raise InvalidInput(
                f"give {' or '.join(given)}, not both" if given else "nothing says when it is due",
                field=given[-1] if given else "cron",
                hint="one of cron, interval_seconds and run_at",
            )
        zone_named(self.timezone)
        self._trigger(_ANY_TIME)
        if self.starts_at is not None and self.ends_at is not None and self.ends_at <= self.starts_at:
            raise InvalidInput(
                f"the end {self.ends_at.isoformat()} is not later than the start {self.starts_at.isoformat()}",
                field="ends_at",
            )

    def _check_numbers(self) -> None:
        if not 1 <= self.catch_up_limit <= MOST_CAUGHT_UP:
            raise InvalidInput(
                f"catch_up_limit must be from 1 to {MOST_CAUGHT_UP:,}, not {self.catch_up_limit}",
                field="catch_up_limit",
            )
        if self.jitter_seconds > MOST_JITTER_SECONDS:
            raise InvalidInput("jitter_seconds may be a day at most", field="jitter_seconds")
        for name, least in _SECONDS:
            if getattr(self, name) is not None:
                check_seconds(getattr(self, name), name, least=least)

    def _trigger(self, anchor: datetime) -> Trigger:
        if self.cron is not None:
            return trigger_of(self.cron, self.timezone, anchor)
        if self.interval_seconds is not None:
            return Interval(self.interval_seconds, anchor)
        assert self.run_at is not None  # noqa: S101 - checked above
        return Once(self.run_at)

    def timetable(self, schedule_id: UUID, anchor: datetime, calendars: Sequence[Calendar] = ()) -> Timetable:
        """Its due times; an interval counts from ``anchor``."""
        return Timetable(
            schedule_id,
            self._trigger(anchor),
            zone_named(self.timezone),
            together(calendars),
            self.on_holiday is OnHoliday.NEXT_BUSINESS_DAY and bool(calendars),
            self.starts_at,
            self.ends_at,
            self.jitter_seconds,
        )

    @property
    def zone(self) -> ZoneInfo:
        """The place whose clock is meant."""
        return zone_named(self.timezone)

    @property
    def ages(self) -> tuple[timedelta, timedelta]:
        """How long its history is kept, and what of it failed: never less."""
        days = KEEP_DAYS if self.keep_days is None else self.keep_days
        failed = max(days, KEEP_FAILED_DAYS if self.keep_failed_days is None else self.keep_failed_days)
        return timedelta(days=days), timedelta(days=failed)

    def spelled(self) -> str:
        """The trigger in the words of the scheduler seed: ``cron[hour='0', minute='30']``."""
        return self._trigger(_ANY_TIME).spelled()

    def job_options(self, own_key: str | None = None) -> JobOptions:
        """What its jobs are made with. ``own_key``: what keeps runs apart that have no key of their task's."""
        key = self.concurrency_key or (None if self.overlap is OverlapPolicy.ALLOW else own_key)
        delay = self.retry_delay_seconds
        retry: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("retry_base", "retry_multiplier", "retry_cap", "retry_jitter")
        }
        if delay is not None:
            retry = {"retry_base": delay, "retry_multiplier": 1.0, "retry_cap": delay, "retry_jitter": False}
        return JobOptions(
            queue=self.queue,
            priority=self.priority,
            max_attempts=self.max_attempts,
            timeout=self.timeout_seconds,
            expires=self.expires_seconds,
            deadline=self.deadline_seconds,
            tags=self.tags or None,
            key=self.key,
            key_period=self.key_period_seconds,
            concurrency_key=key,
            concurrency_limit=None if key is None else self.concurrency_limit or 1,
            fairness_key=self.fairness_key,
            fairness_weight=self.fairness_weight,
            slots=self.slots,
            rate_tokens=self.rate_tokens,
            requires=self.requires,
            prefers=self.prefers,
            notify=self.notify or None,
            **retry,
        )


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as it is stored: what code declared, what operators changed of it, and where it stands.

    ``declared`` is None for one that no code names. ``next_due_at`` is None while it is disabled or paused, and
    when it has ended. ``anchor_at`` is what an interval counts from.
    """

    id: UUID
    project_id: ProjectId
    name: str
    declared: Mapping[str, Any] | None
    changes: Mapping[str, Any]
    spec: ScheduleSpec
    anchor_at: datetime
    next_due_at: datetime | None
    next_fire_at: datetime | None
    paused_at: datetime | None
    declared_at: datetime | None
    version: int
    created_at: datetime
    updated_at: datetime

    @property
    def origin(self) -> str:
        """``code`` for one that code declares, else ``operator``."""
        return "operator" if self.declared is None else "code"

    @property
    def drift(self) -> dict[str, Any]:
        """What operators changed of what code says: the fields as code has them."""
        if self.declared is None:
            return {}
        return {name: self.declared.get(name) for name in self.changes}
