"""The options of tasks and calls as keyword arguments, with types, and as the domain keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from taskforge.domain.durations import parse_duration
from taskforge.domain.errors import InvalidInput
from taskforge.domain.job import JobOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime, timedelta

    from taskforge.domain.requirements import Wish
    from taskforge.sdk.keys import KeyMaker
    from taskforge.sdk.schedule import ScheduleFields

Pool: TypeAlias = Literal["async", "thread", "process"]


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


OF_TASKS_ALONE = ("name", "pool", "memory_limit")
"""Fields of a task that say nothing about its jobs."""

KEYS = ("key", "concurrency_key", "fairness_key")
"""Fields that a task gives as templates or functions, a call as texts."""

_DURATIONS = ("timeout", "delay", "deadline", "expires", "key_period")


def job_options(fields: Mapping[str, Any]) -> JobOptions:
    """JobOptions of keyword arguments. Raises InvalidInput for an unknown one or a wrong value."""
    values = dict(fields)
    for name in _DURATIONS:
        if isinstance(values.get(name), str):
            values[name] = parse_duration(values[name], name)
    for name in values:
        if name not in JobOptions.__slots__:
            raise InvalidInput(
                f"there is no option {name!r}",
                field=name,
                hint=f"options: {', '.join(sorted(JobOptions.__slots__))}",
            )
    return JobOptions(**values)
