"""What single values of a job may be: how many, how large, how long, of which form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

MAX_ATTEMPTS = 1_000_000
MAX_DELAY_SECONDS = 365 * 86400.0
MAX_PAYLOAD_BYTES = 256 * 1024
RESULT_BYTES = 256 * 1024
"""How large a result may be, as JSON, unless the installation says otherwise."""
MAX_TAGS = 20
MAX_SLOTS = 1000
"""As many as a worker has at most."""
MAX_TOKENS = 1_000_000
MAX_WEIGHT = 1000
_MOST = {"fairness_weight": MAX_WEIGHT, "slots": MAX_SLOTS, "rate_tokens": MAX_TOKENS}
SHARES = tuple(_MOST)


def check_max_attempts(value: int) -> int:
    """The number of attempts, if it is a whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MAX_ATTEMPTS:
        raise InvalidInput(
            f"max_attempts must be a whole number from 1 to {MAX_ATTEMPTS}, not {value!r}",
            field="max_attempts",
        )
    return value


def check_seconds(value: float | timedelta, field: str, *, least: float) -> float:
    """Seconds as a float, from a number or a timedelta. Every limit is finite and at most a year."""
    seconds = value if isinstance(value, int | float) else _seconds_of(value)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds != seconds:
        raise InvalidInput(f"{field} must be a number of seconds, not {value!r}", field=field)
    if not least <= seconds <= MAX_DELAY_SECONDS:
        raise InvalidInput(
            f"{field} must be from {least:g} to {MAX_DELAY_SECONDS:,.10g} seconds, not {value!r}", field=field
        )
    return float(seconds)


def _seconds_of(value: object) -> object:
    from datetime import timedelta  # tasks are declared without it

    return value.total_seconds() if isinstance(value, timedelta) else value


def check_moment(value: datetime | float | timedelta | None, field: str) -> None:
    """Raises InvalidInput unless it is None, a moment of a time zone, or seconds from now."""
    if value is None:
        return
    from datetime import datetime  # tasks are declared without it

    if isinstance(value, datetime):
        check_aware(value, field)
    elif isinstance(value, str):
        raise InvalidInput(
            f"{field} must be a datetime or a number of seconds, not {value!r}",
            field=field,
            hint="datetime.fromisoformat(...) with a time zone, or a timedelta",
        )
    else:
        check_seconds(value, field, least=0.0)


def check_aware(moment: datetime, field: str) -> datetime:
    """The moment, if it says in which time zone it is."""
    if moment.tzinfo is None or moment.utcoffset() is None:
        raise InvalidInput(
            f"{field} needs a time zone: {moment.isoformat()} could be any of them",
            field=field,
            hint="use datetime.now(UTC) + ..., or datetime(..., tzinfo=ZoneInfo('Asia/Jakarta'))",
        )
    return moment


def check_tags(tags: Sequence[str]) -> Sequence[str]:
    """The tags, if there are at most 20 of 1 to 100 printable characters."""
    if isinstance(tags, str) or len(tags) > MAX_TAGS:
        raise InvalidInput(f"tags must be a list of at most {MAX_TAGS} texts", field="tags")
    for tag in tags:
        if not isinstance(tag, str) or not 1 <= len(tag) <= 100 or not tag.isprintable():
            raise InvalidInput(f"a tag must be 1 to 100 printable characters, not {tag!r:.120}", field="tags")
    return tags


def check_job_type(name: str) -> str:
    """The job type, if it is 1 to 100 printable characters without spaces."""
    if not isinstance(name, str) or not 1 <= len(name) <= 100 or not name.isprintable() or " " in name:
        raise InvalidInput(
            f"a job type must be 1 to 100 printable characters without spaces, not {name!r:.120}",
            field="job_type",
        )
    return name


def check_share(value: int | None, field: str) -> int | None:
    """How many slots or tokens a job takes, or what its line weighs, if it is None or a whole number in range."""
    most = _MOST[field]
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise InvalidInput(
            f"{field} must be a whole number from 1 to {most}, not {value!r:.120}", field=field
        )
    return value
