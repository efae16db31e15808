"""The keyword arguments of tasks, calls and schedules, with their types. For type checkers: read where one is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from taskforge.domain.requirements import Wish
    from taskforge.sdk.keys import KeyMaker

Pool: TypeAlias = Literal["async", "thread", "process"]


class ScheduleFields(TypedDict, total=False):
    """``@app.task(cron=...)`` and ``app.schedule(...)``; texts such as ``1h30m`` are durations.

    One of ``cron``, ``every`` and ``run_at``. Without ``timezone`` the setting of that name holds.
    """

    cron: str
    every: float | timedelta | str
    run_at: datetime
    timezone: str
    description: str
    enabled: bool
    starts_at: datetime
    ends_at: datetime
    jitter: float | timedelta | str
    missed: Literal["skip", "one", "all"]
    catch_up: float | timedelta | str
    catch_up_limit: int
    overlap: Literal["skip", "queue_one", "allow", "cancel_previous"]
    calendars: Sequence[str]
    on_holiday: Literal["skip", "next_business_day"]
    keep_days: float
    keep_failed_days: float


class SharedFields(TypedDict, total=False):
    """What both a task and a call can say. Texts such as ``1h30m`` are durations."""

    queue: str
    priority: int
    max_attempts: int
    timeout: float | timedelta | str
    tags: Sequence[str]
    key_period: float | timedelta | str
    concurrency_limit: int
    fairness_weight: int
    slots: int
    rate_tokens: int
    requires: Mapping[str, Wish]
    prefers: Mapping[str, Wish]
    notify: str | Sequence[str]
    retry_base: float
    retry_multiplier: float
    retry_cap: float
    retry_jitter: bool


class CallFields(SharedFields, total=False):
    """``task.options(...)``: what a call can say."""

    delay: float | timedelta | str
    run_at: datetime
    key: str
    concurrency_key: str
    fairness_key: str
    deadline: datetime | float | timedelta | str
    expires: datetime | float | timedelta | str


class TaskFields(SharedFields, total=False):
    """``@app.task(...)``: what a task can say."""

    name: str
    pool: Pool
    memory_limit: int | str
    key: KeyMaker
    concurrency_key: KeyMaker
    fairness_key: KeyMaker
    expires: float | timedelta | str
    cron: str
    every: float | timedelta | str
    timezone: str
    schedule: ScheduleFields
