"""Options of a job as the fields of a body."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from taskforge.domain.keys import check_receivers

if TYPE_CHECKING:
    from taskforge.domain.job_options import JobOptions


def draft(options: JobOptions) -> dict[str, Any]:
    """Options as the fields of a new job; spans become times from now, as they do beside a database."""
    found = {
        "priority": options.priority,
        "max_attempts": options.max_attempts,
        "scheduled_for": written(options.run_at),
        "delay_ms": _milliseconds(options.delay),
        "timeout_ms": _milliseconds(options.timeout),
        "expires_at": _moment(options.expires),
        "timeout_at": _moment(options.deadline),
        "tags": None if options.tags is None else list(options.tags),
        "key": options.key,
        "key_period_ms": _milliseconds(options.key_period),
        "concurrency_key": options.concurrency_key,
        "concurrency_limit": options.concurrency_limit,
        "requires": options.requires,
        "prefers": options.prefers,
        "fairness_key": options.fairness_key,
        "fairness_weight": options.fairness_weight,
        "slots": options.slots,
        "rate_tokens": options.rate_tokens,
        "notify": check_receivers(options.notify) if options.notify else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _milliseconds(span: float | timedelta | None) -> int | None:
    if span is None:
        return None
    return round((span.total_seconds() if isinstance(span, timedelta) else span) * 1000)


def _moment(limit: datetime | float | timedelta | None) -> str | None:
    if limit is None or isinstance(limit, datetime):
        return written(limit)
    return written(datetime.now(UTC) + (limit if isinstance(limit, timedelta) else timedelta(seconds=limit)))


def written(moment: datetime | None) -> str | None:
    """A time as JSON has it."""
    return None if moment is None else moment.isoformat()
