"""On every record that is logged within a run: which job, execution, worker, schedule and trace it belongs to."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any

from taskforge.sdk.context import find_current_job

if TYPE_CHECKING:
    from collections.abc import Callable

ATTRIBUTE = "taskforge"
"""The attribute of a record that has them, or None outside of a run."""


def identifiers() -> dict[str, Any] | None:
    """What runs in this task or thread."""
    found: dict[str, Any] = {}
    context = find_current_job()
    if context is not None:
        found = {
            "job_id": str(context.id),
            "execution_id": None if context.execution_id is None else str(context.execution_id),
            "task": context.task,
            "queue": context.queue,
            "attempt": context.attempt,
            "worker": context.worker,
            "schedule_id": context.schedule,
        }
    found |= _trace()
    return {name: value for name, value in found.items() if value is not None} or None


def stamp_records() -> None:
    """From now on each record of this process has its identifiers, in whichever task or thread it is made."""
    make = logging.getLogRecordFactory()
    if not isinstance(make, _Stamped):
        logging.setLogRecordFactory(_Stamped(make))


class _Stamped:
    """The factory that was there before, and the identifiers on what it makes."""

    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, *arguments: Any, **named: Any) -> logging.LogRecord:
        record = self._make(*arguments, **named)
        setattr(record, ATTRIBUTE, identifiers())
        return record


def _trace() -> dict[str, str]:
    """The span that is current, if OpenTelemetry is in use."""
    api = sys.modules.get("opentelemetry.trace")
    if api is None:
        return {}
    context = api.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
