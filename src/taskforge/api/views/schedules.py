"""Schedules in bodies."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from pydantic import Field

from taskforge.api.values import Body, Moment
from taskforge.domain.access import Permission, Principal
from taskforge.domain.redaction import Redaction
from taskforge.domain.schedule import MissedPolicy, OnHoliday, OverlapPolicy, Schedule
from taskforge.domain.tick import Run
from taskforge.services.schedule_records import ExecutionRecord, execution_record, without_traces

Seconds = float | str
"""Seconds, or a duration such as 1h30m."""


class ScheduleFields(Body):
    """What a schedule may say. Durations are seconds, or texts such as `1h30m`."""

    description: str | None = Field(None, max_length=2000)
    arguments: dict[str, Any] | list[Any] | None = Field(None, examples=[{"day": "today"}])
    queue: str | None = Field(None, min_length=1, max_length=100)
    cron: str | None = Field(None, max_length=256, examples=["30 0 * * *"])
    interval_seconds: Seconds | None = None
    run_at: Moment | None = None
    timezone: str | None = Field(None, max_length=100, examples=["Asia/Jakarta"])
    enabled: bool | None = None
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    jitter_seconds: Seconds | None = None
    missed: MissedPolicy | None = Field(None, strict=False)
    catch_up_seconds: Seconds | None = None
    catch_up_limit: int | None = Field(None, ge=1, le=1000)
    overlap: OverlapPolicy | None = Field(None, strict=False)
    calendars: list[str] | None = Field(None, max_length=20)
    on_holiday: OnHoliday | None = Field(None, strict=False)
    priority: int | None = Field(None, ge=0, le=9)
    max_attempts: int | None = Field(None, ge=1, le=1_000_000)
    retry_delay_seconds: Seconds | None = None
    timeout_seconds: Seconds | None = None
    tags: list[str] | None = Field(None, max_length=20)
    requires: dict[str, Any] | None = Field(None, examples=[{"gpu": ">=1"}])
    prefers: dict[str, Any] | None = None
    keep_days: float | None = Field(None, gt=0)
    keep_failed_days: float | None = Field(None, gt=0)

    def given(self) -> dict[str, Any]:
        """The fields of the schedule that the body names; null ones as None."""
        return {name: getattr(self, name) for name in self.model_fields_set if name != "job_id"}


class NewSchedule(ScheduleFields):
    """A schedule that is to be made: one of `cron`, `interval_seconds` and `run_at`, for a task that is known."""

    job_id: str = Field(min_length=1, max_length=100, examples=["nightly_report"])
    task: str = Field(min_length=1, max_length=100, examples=["reports.nightly"])


class ScheduleChange(ScheduleFields):
    """What is to be changed; what is absent stays. null goes back to what the code says, or to the default."""

    task: str | None = Field(None, min_length=1, max_length=100)


class Span(Body):
    """A past span of time."""

    since: Moment
    until: Moment


class CalendarContent(Body):
    """Days without runs: single ones, and rules such as `SAT,SUN`, `5L` (each last Friday) or `1#1`."""

    dates: list[str] = Field(default_factory=list, max_length=5000, examples=[["2026-12-25"]])
    weekdays: list[str] = Field(default_factory=list, max_length=20, examples=[["SAT,SUN"]])


@dataclass(frozen=True, slots=True)
class TriggeredView:
    """A run by hand. `success` is null while it has not ended; its job is `queue_job_id`."""

    job_id: str
    queue_job_id: UUID
    success: bool | None
    message: str | None
    result: Any


@dataclass(frozen=True, slots=True)
class RunStatsView:
    """What the runs of a period add up to; `avg_duration` is seconds."""

    job_id: str
    hours: float
    total_runs: int
    successful_runs: int
    failed_runs: int
    success_rate: float
    avg_duration: float | None


@dataclass(frozen=True, slots=True)
class RestView:
    """Whether all schedules of the project rest, and how many changed by that."""

    paused: bool
    changed: int


@dataclass(frozen=True, slots=True)
class CalendarView:
    """A calendar."""

    name: str
    dates: list[str]
    weekdays: list[str]


@dataclass(frozen=True, slots=True)
class LatestRuns:
    """The latest due times of one scheduled job, the last one first."""

    job_id: str
    executions: list[ExecutionRecord]


def run_views_of(
    runs: Iterable[Run], schedules: Iterable[Schedule], principal: Principal
) -> list[ExecutionRecord]:
    """Runs of these schedules as this caller may see them."""
    by_name = {schedule.name: schedule for schedule in schedules}
    return [visible_run(execution_record(run), by_name.get(run.schedule_name), principal) for run in runs]


def visible_run(record: ExecutionRecord, schedule: Schedule | None, principal: Principal) -> ExecutionRecord:
    """A run without what is not for this caller."""
    if not principal.may(Permission.ERROR_READ):
        record = without_traces(record)
    if not principal.redacted:
        return record
    arguments = None if schedule is None else schedule.spec.arguments
    hidden = Redaction.of(principal.redacted, arguments, record.result_data)
    return replace(
        record,
        message=hidden.text(record.message),
        error_trace=hidden.text(record.error_trace),
        result_data=hidden.value(record.result_data),
    )
