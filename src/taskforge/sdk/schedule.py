"""What code says of schedules: when a call of a task is to be made, and with which policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.domain.errors import InvalidInput, InvalidPayload
from taskforge.sdk import codec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskforge.domain.job_options import JobOptions
    from taskforge.sdk.backend import TaskCall
    from taskforge.sdk.task import Task


OF_TASKS = ("cron", "every", "timezone")
"""Fields of a schedule that ``@app.task`` takes as its own; the others go into ``schedule={...}``."""
_NAMES = {"every": "interval_seconds", "jitter": "jitter_seconds", "catch_up": "catch_up_seconds"}


class DeclaredSchedule(NamedTuple):
    """A schedule that code names, with its fields as JSON values."""

    name: str
    fields: Mapping[str, Any]


def declared_schedule(
    name: str, call: TaskCall[Any], given: Mapping[str, Any], description: str | None
) -> DeclaredSchedule:
    """A schedule of a call of a task. Raises InvalidInput naming the field."""
    from taskforge.domain.schedule_fields import parse_spec
    from taskforge.sdk.fields import ScheduleFields

    unknown = sorted(given.keys() - ScheduleFields.__annotations__.keys())
    if unknown:
        raise InvalidInput(
            f"a schedule has no {unknown[0]!r}",
            field=unknown[0],
            hint=", ".join(ScheduleFields.__annotations__),
        )
    fields = {"task": call.job_type, "queue": call.options.queue or call.queue, **_of_options(call.options)}
    arguments = codec.decode(call.payload)
    if arguments != {}:
        fields["arguments"] = arguments
    if description is not None:
        fields["description"] = description
    fields |= {_NAMES.get(field, field): _plain(value) for field, value in given.items() if value is not None}
    parse_spec(fields)
    return DeclaredSchedule(name, fields)


def schedule_of_task(task: Task[..., Any], given: Mapping[str, Any]) -> DeclaredSchedule:
    """The schedule of a task whose parameters all have defaults. Raises InvalidInput."""
    try:
        call = task.job()
    except InvalidPayload as error:
        raise InvalidInput(
            f"{task.name} cannot run by a schedule as it is: {error.message}",
            field="cron",
            hint="give its parameters defaults, or use app.schedule(name, task.job(...), cron=...)",
        ) from error
    return declared_schedule(task.name, call, given, task.description)


def _of_options(options: JobOptions) -> dict[str, Any]:
    if options.delay is not None or options.run_at is not None:
        raise InvalidInput("a call that has its own time cannot be scheduled", field="run_at")
    found = {
        "priority": options.priority,
        "max_attempts": options.max_attempts,
        "timeout_seconds": options.timeout,
        "expires_seconds": options.expires,
        "deadline_seconds": options.deadline,
        "tags": options.tags,
        "key": options.key,
        "key_period_seconds": options.key_period,
        "concurrency_key": options.concurrency_key,
        "concurrency_limit": options.concurrency_limit,
        "fairness_key": options.fairness_key,
        "fairness_weight": options.fairness_weight,
        "slots": options.slots,
        "rate_tokens": options.rate_tokens,
        "requires": options.requires,
        "prefers": options.prefers,
        "notify": [options.notify] if isinstance(options.notify, str) else options.notify,
        "retry_base": options.retry_base,
        "retry_multiplier": options.retry_multiplier,
        "retry_cap": options.retry_cap,
        "retry_jitter": options.retry_jitter,
    }
    return {name: _plain(value) for name, value in found.items() if value is not None}


def _plain(value: Any) -> Any:
    from datetime import timedelta

    return value.total_seconds() if isinstance(value, timedelta) else value
