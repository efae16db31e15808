"""Values as people read them in a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any


def visible(text: str) -> str:
    """The text without characters that steer a terminal; line ends and tabs stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)


def one_line(text: str | None, limit: int = 60) -> str:
    """The first line of a text, shortened."""
    first = (text or "").strip().partition("\n")[0]
    return first if len(first) <= limit else first[: limit - 1] + "…"


def moment(value: datetime | None) -> str:
    """A time in UTC, to the second."""
    return "" if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def stamp(text: str | None) -> str:
    """A time in JSON, in UTC, to the second."""
    return "" if text is None else moment(datetime.fromisoformat(text))


def ago(value: datetime | None, now: datetime) -> str:
    """How long ago, or in how long: ``12s ago``, ``in 3m``."""
    if value is None:
        return ""
    seconds = (now - value).total_seconds()
    span = _span(abs(seconds))
    return f"{span} ago" if seconds >= 0 else f"in {span}"


def milliseconds(value: float | None) -> str:
    """A duration of milliseconds in its natural unit."""
    if value is None:
        return ""
    if value < 1000:
        return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
    return _span(value / 1000) if value >= 100_000 else f"{value / 1000:.1f} s"


def mebibytes(value: int | None) -> str:
    """A size in bytes."""
    return "" if value is None else f"{value / 2**20:,.0f} MiB"


def value_of(value: Any) -> str:
    """Any value of a setting, nothing as a dash."""
    return "-" if value is None or value == "" else str(value)


def _span(seconds: float) -> str:
    for limit, size, unit in ((100, 1, "s"), (6000, 60, "m"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds / 86400:.0f}d"
