"""The fields of a schedule as JSON values: what code declares, what operators change, what comes of both."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from taskforge.domain.bounds import check_aware
from taskforge.domain.durations import parse_duration
from taskforge.domain.errors import InvalidInput
from taskforge.domain.requirements import check_wishes
from taskforge.domain.schedule import TRIGGERS, MissedPolicy, OnHoliday, OverlapPolicy, ScheduleSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from enum import StrEnum

FIELDS = tuple(field.name for field in fields(ScheduleSpec))
_MOMENTS = ("run_at", "starts_at", "ends_at")
_SPANS = (
    "interval_seconds",
    "jitter_seconds",
    "catch_up_seconds",
    "retry_delay_seconds",
    "timeout_seconds",
    "expires_seconds",
    "deadline_seconds",
    "key_period_seconds",
)
_NUMBERS = ("keep_days", "keep_failed_days", "retry_base", "retry_multiplier", "retry_cap")
_WHOLE = (
    "catch_up_limit",
    "priority",
    "max_attempts",
    "concurrency_limit",
    "fairness_weight",
    "slots",
    "rate_tokens",
)
_TEXTS = ("task", "queue", "description", "cron", "timezone", "key", "concurrency_key", "fairness_key")
_WORDS: Mapping[str, type[StrEnum]] = {
    "missed": MissedPolicy,
    "overlap": OverlapPolicy,
    "on_holiday": OnHoliday,
}
_LISTS = ("calendars", "tags", "notify")
_WISHES = ("requires", "prefers")


def checked_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a spec as JSON values, each checked alone; None stays. Raises InvalidInput naming the field."""
    return {name: _checked(name, value) for name, value in values.items()}


def parse_spec(values: Mapping[str, Any]) -> ScheduleSpec:
    """The spec of fields; those of None take their default. Raises InvalidInput."""
    given = {name: _read(name, value) for name, value in checked_fields(values).items() if value is not None}
    if "task" not in given:
        raise InvalidInput("a schedule needs a task", field="task", hint="the name of a task")
    return ScheduleSpec(**given)


def _checked(name: str, value: Any) -> Any:
    """A JSON value of the field; durations and times become their one form."""
    if name not in FIELDS:
        raise InvalidInput(f"a schedule has no {name!r:.100}", field=name, hint=", ".join(FIELDS))
    return value if value is None or name == "arguments" else _FORMS[name](name, value)


def _read(name: str, value: Any) -> Any:
    if name in _MOMENTS:
        return datetime.fromisoformat(value)
    if name in _WORDS:
        return _WORDS[name](value)
    return tuple(value) if name in _LISTS else value


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput(f"{name} must be a number, not {value!r:.100}", field=name)
    return float(value)


def _moment(name: str, value: Any) -> datetime:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise InvalidInput(
            f"{name} is not a time: {value!r:.100}", field=name, hint="such as 2026-01-31T09:00:00+07:00"
        ) from None
    return check_aware(moment, name)


def effective(declared: Mapping[str, Any] | None, changes: Mapping[str, Any]) -> ScheduleSpec:
    """The spec of what code declares and operators changed. Raises InvalidInput."""
    return parse_spec({**(declared or {}), **changes})


def changed(
    declared: Mapping[str, Any] | None, changes: Mapping[str, Any], wanted: Mapping[str, Any]
) -> dict[str, Any]:
    """The operators' changes after one more; what is as code has it is no change any more."""
    given = checked_fields(wanted)
    if any(given.get(name) is not None for name in TRIGGERS):
        given = {**dict.fromkeys(TRIGGERS), **given}
    merged = {**changes, **given}
    base = declared or {}
    return {name: value for name, value in merged.items() if value != base.get(name)}


def _span(name: str, value: Any) -> float:
    return parse_duration(value, name) if isinstance(value, str) else _number(name, value)


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInput(f"{name} must be a whole number, not {value!r:.100}", field=name)
    return value


def _word(name: str, value: Any) -> str:
    if value not in list(_WORDS[name]):
        raise InvalidInput(
            f"{name} cannot be {value!r:.100}", field=name, hint=f"one of: {', '.join(_WORDS[name])}"
        )
    return str(value)


def _list(name: str, value: Any) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise InvalidInput(f"{name} must be a list of texts", field=name)
    return list(value)


def _wishes(name: str, value: Any) -> dict[str, Any]:
    check_wishes(value, name)
    return dict(value)


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"{name} must be true or false", field=name)
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{name} must be a text, not {value!r:.100}", field=name)
    return value


def _time(name: str, value: Any) -> str:
    return _moment(name, value).astimezone(UTC).isoformat()


_FORMS: Mapping[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(_SPANS, _span),
    **dict.fromkeys(_WISHES, _wishes),
    **dict.fromkeys(_MOMENTS, _time),
    **dict.fromkeys(_NUMBERS, _number),
    **dict.fromkeys(_WHOLE, _whole),
    **dict.fromkeys(_WORDS, _word),
    **dict.fromkeys(_LISTS, _list),
    **dict.fromkeys(_TEXTS, _text),
    "enabled": _switch,
    "retry_jitter": _switch,
}
