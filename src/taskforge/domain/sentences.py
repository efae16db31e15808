"""Times and numbers as they stand in the sentences that explain something."""

from __future__ import annotations

from datetime import UTC, datetime


def by_whom(who: str | None, since: datetime | None, reason: str | None) -> str:
    """Since when, by whom and why, as far as it is known."""
    return (
        (f" since {time_of(since)}" if since else "")
        + (f" by {who}" if who else "")
        + (f": {reason.rstrip('.')}" if reason else "")
    )


def time_of(moment: datetime | None) -> str:
    """A time in UTC, to the second."""
    return "an unknown time" if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def span_until(moment: datetime, now: datetime) -> str:
    """How long it is until then, roughly."""
    seconds = max(0, round((moment - now).total_seconds()))
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def counted(count: int, one: str, many: str) -> str:
    """A number, with the word for one or for several."""
    return f"{count:,} {one if count == 1 else many}"


def up_to(count: int, bound: int) -> str:
    """A number that was counted up to a bound."""
    return f"{count:,}+" if count >= bound else f"{count:,}"


def jobs_go(count: int) -> str:
    """Who goes."""
    return "job goes" if count == 1 else "jobs go"
