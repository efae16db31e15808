"""The options of tasks and calls, from keyword arguments to what the domain keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidInput
from taskforge.domain.job_options import JobOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

OF_TASKS_ALONE = ("name", "pool", "memory_limit")
"""Fields of a task that say nothing about its jobs."""

KEYS = ("key", "concurrency_key", "fairness_key")
"""Fields that a task gives as templates or functions, a call as texts."""

_DURATIONS = ("timeout", "delay", "deadline", "expires", "key_period")


def job_options(fields: Mapping[str, Any]) -> JobOptions:
    """JobOptions of keyword arguments. Raises InvalidInput for an unknown one or a wrong value."""
    values = dict(fields)
    texts = [name for name in _DURATIONS if isinstance(values.get(name), str)]
    if texts:
        from taskforge.domain.durations import parse_duration

        values |= {name: parse_duration(values[name], name) for name in texts}
    for name in values:
        if name not in JobOptions.__slots__:
            raise InvalidInput(f"there is no option {name!r}", field=name, hint=_meant(name))
    return JobOptions(**values)


def _meant(name: str) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, JobOptions.__slots__, n=1, cutoff=0.8)
    return f"did you mean {close[0]}?" if close else f"options: {', '.join(sorted(JobOptions.__slots__))}"
