"""What Django's tasks say of priorities, in TaskForge's scale; and what they cannot say at all: timeouts, attempts, keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from taskforge.domain.errors import InvalidInput
from taskforge.domain.job_options import JobOptions
from taskforge.sdk import options

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from taskforge.sdk.fields import CallFields

F = TypeVar("F", bound="Callable[..., Any]")

SAID_BY_DJANGO = ("queue", "priority", "run_at", "delay")
ONCE = JobOptions(max_attempts=1)
"""As with Django's own backends an exception ends a job, unless somebody says otherwise."""
_ATTRIBUTE = "_taskforge_options"
_BANDS = ((-76, 0), (-51, 1), (-26, 2), (-1, 3), (0, 4), (20, 5), (40, 6), (60, 7), (80, 8))


def job_options(**fields: Unpack[CallFields]) -> Callable[[F], F]:
    """Below ``@task``: ``@task`` ``@job_options(max_attempts=5, timeout="2m")`` ``def send(...): ...``

    All options of a call but those that Django's own interface has. Raises InvalidInput.
    """
    chosen = checked(dict(fields))

    def mark(function: F) -> F:
        setattr(function, _ATTRIBUTE, chosen)
        return function

    return mark


def checked(fields: dict[str, Any]) -> JobOptions:
    """These options, if Django's tasks have no other way to say them. Raises InvalidInput."""
    for name in SAID_BY_DJANGO:
        if name in fields:
            raise InvalidInput(
                f"{name} is said by Django's own task",
                field=name,
                hint="task.using(queue_name=..., priority=..., run_after=...)",
            )
    return options.job_options(fields)


def options_of(function: Callable[..., Any]) -> JobOptions:
    """What `job_options` has said of a function."""
    found = getattr(function, _ATTRIBUTE, None)
    return found if isinstance(found, JobOptions) else JobOptions()


def priority_of(priority: int) -> int:
    """Django's -100 to 100 as 0 to 9; 0 becomes 4, and what is above or below it stays so."""
    return next((own for most, own in _BANDS if priority <= most), 9)
