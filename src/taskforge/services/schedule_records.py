"""Schedules and their runs as they are shown, by the API and the command line: the scheduler seed's names, and ours."""

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from taskforge.domain.cron_words import describe, describe_interval
from taskforge.domain.schedule import Schedule
from taskforge.domain.tick import Run
from taskforge.domain.timetable import Timetable
from taskforge.domain.trigger import CronTrigger, Interval


@dataclass(frozen=True, slots=True)
class ExecutionRecord:
    """A run of a schedule, or a due time without one (`outcome`: missed or skipped, and the `reason`).

    `job_id` is the schedule's name, `queue_job_id` the job of the run. Seconds have three decimals.
    """

    id: UUID
    job_id: str
    due_at: datetime
    fired_at: datetime
    late_seconds: float
    cause: str
    outcome: str
    reason: str | None
    missed_until: datetime | None
    queue_job_id: UUID | None
    status: str | None
    attempts: int | None
    started_at: datetime | None
    finished_at: datetime | None
    duration_seconds: float | None
    success: bool | None
    message: str | None
    error_type: str | None
    error_trace: str | None
    result_data: Any
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ScheduleRecord:
    """A schedule. `job_id` is its name, `next_run` is told by the clock of its zone, `trigger` as the seed spells it,
    and `trigger_in_words` in the caller's language; null for one that is due once.

    `drift`: what operators changed of what code declares, with the values of the code.
    """

    job_id: str
    name: str
    description: str
    next_run: datetime | None
    trigger: str
    trigger_in_words: str | None
    enabled: bool
    id: UUID
    project_id: UUID
    paused_at: datetime | None
    origin: str
    drift: dict[str, Any]
    task: str
    arguments: Any
    queue: str
    cron: str | None
    interval_seconds: float | None
    run_at: datetime | None
    timezone: str
    starts_at: datetime | None
    ends_at: datetime | None
    jitter_seconds: float
    missed: str
    catch_up_seconds: float
    catch_up_limit: int
    overlap: str
    calendars: list[str]
    on_holiday: str
    priority: int | None
    max_attempts: int | None
    retry_delay_seconds: float | None
    timeout_seconds: float | None
    tags: list[str]
    requires: dict[str, Any]
    prefers: dict[str, Any]
    keep_days: float | None
    keep_failed_days: float | None
    version: int
    declared_at: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ScheduleDetail(ScheduleRecord):
    """A schedule with its latest run."""

    latest_execution: ExecutionRecord | None


@dataclass(frozen=True, slots=True)
class DueTime:
    """A due time to come: in UTC, by the clock of the zone, and what a change of that clock does to it."""

    due_at: datetime
    local_time: str
    note: str | None
    rests: bool


def schedule_record(schedule: Schedule, language: str = "en") -> ScheduleRecord:
    """A schedule as lists show it, with its trigger in words of this language."""
    return ScheduleRecord(**_of(schedule, language))


def schedule_detail(schedule: Schedule, latest: Run | None, language: str = "en") -> ScheduleDetail:
    """A schedule alone."""
    record = None if latest is None else execution_record(latest)
    return ScheduleDetail(**_of(schedule, language), latest_execution=record)


def _of(schedule: Schedule, language: str) -> dict[str, Any]:
    spec = schedule.spec
    zone = schedule.spec.zone
    due = schedule.next_due_at
    return {
        "job_id": schedule.name,
        "name": spec.description or schedule.name,
        "description": spec.description,
        "next_run": None if due is None else due.astimezone(zone),
        "trigger": spec.spelled(),
        "trigger_in_words": None if spec.run_at is not None else in_words(schedule, language),
        "enabled": spec.enabled,
        "id": schedule.id,
        "project_id": schedule.project_id,
        "paused_at": schedule.paused_at,
        "origin": schedule.origin,
        "drift": schedule.drift,
        "task": spec.task,
        "arguments": {} if spec.arguments is None else spec.arguments,
        "queue": spec.queue,
        "cron": spec.cron,
        "interval_seconds": spec.interval_seconds,
        "run_at": spec.run_at,
        "timezone": spec.timezone,
        "starts_at": spec.starts_at,
        "ends_at": spec.ends_at,
        "jitter_seconds": spec.jitter_seconds,
        "missed": spec.missed.value,
        "catch_up_seconds": spec.catch_up_seconds,
        "catch_up_limit": spec.catch_up_limit,
        "overlap": spec.overlap.value,
        "calendars": list(spec.calendars),
        "on_holiday": spec.on_holiday.value,
        "priority": spec.priority,
        "max_attempts": spec.max_attempts,
        "retry_delay_seconds": spec.retry_delay_seconds,
        "timeout_seconds": spec.timeout_seconds,
        "tags": list(spec.tags),
        "requires": dict(spec.requires or {}),
        "prefers": dict(spec.prefers or {}),
        "keep_days": spec.keep_days,
        "keep_failed_days": spec.keep_failed_days,
        "version": schedule.version,
        "declared_at": schedule.declared_at,
        "created_at": schedule.created_at,
        "updated_at": schedule.updated_at,
    }


def execution_record(run: Run) -> ExecutionRecord:
    """A tick as its history shows it."""
    return ExecutionRecord(
        id=run.id,
        job_id=run.schedule_name,
        due_at=run.due_at,
        fired_at=run.fired_at,
        late_seconds=round(run.lateness, 3),
        cause=run.cause.value,
        outcome=run.outcome.value,
        reason=None if run.reason is None else run.reason.value,
        missed_until=run.missed_until,
        queue_job_id=run.job_id,
        status=None if run.status is None else run.status.value,
        attempts=run.attempts,
        started_at=run.started_at,
        finished_at=run.finished_at,
        duration_seconds=None if run.duration is None else round(run.duration, 3),
        success=run.success,
        message=run.message,
        error_type=run.error_type,
        error_trace=run.traceback,
        result_data=run.data,
        created_at=run.fired_at,
        updated_at=run.finished_at or run.fired_at,
    )


def upcoming(timetable: Timetable, after: datetime, count: int) -> list[DueTime]:
    """The next due times, with what a change of the clock does to them, and whether they are days of rest."""
    trigger = timetable.trigger
    found = []
    for due in islice(timetable.upcoming(after), count):
        note = trigger.note(due) if isinstance(trigger, CronTrigger) else None
        local = due.astimezone(timetable.zone).isoformat()
        found.append(DueTime(due, local, note, timetable.rests(due)))
    return found


def in_words(schedule: Schedule, language: str) -> str:
    """When it is due, as people say it."""
    trigger = schedule.spec.timetable(schedule.id, schedule.anchor_at).trigger
    if isinstance(trigger, CronTrigger):
        return describe(trigger.cron, language)
    if isinstance(trigger, Interval):
        return describe_interval(trigger.seconds, language)
    return f"{trigger.at.isoformat()}"


def without_traces(record: ExecutionRecord) -> ExecutionRecord:
    """For those who may not see tracebacks."""
    return replace(record, error_trace=None)
