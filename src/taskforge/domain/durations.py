"""Durations as people write them: ``30s``, ``2h``, ``1h30m``, ``1.5d``, ``250ms``."""

from __future__ import annotations

import re

from taskforge.domain.errors import InvalidInput

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|[smhdw])\s*")


def parse_duration(text: str, field: str) -> float:
    """Seconds of a text like ``1h30m``. Raises InvalidInput naming the field."""
    written = text.strip().lower()
    seconds, position = 0.0, 0
    while position < len(written):
        part = _PART.match(written, position)
        if part is None:
            break
        seconds += float(part[1]) * _SECONDS[part[2]]
        position = part.end()
    if not written or position < len(written):
        raise InvalidInput(
            f"{field} is not a duration: {text!r:.80}",
            field=field,
            hint="a number with ms, s, m, h, d or w, such as 30s, 2h or 1h30m",
        )
    return seconds
