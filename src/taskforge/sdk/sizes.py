"""Amounts of memory as people write them: ``512MiB``, ``2GiB``, ``1.5GB``, or a number of bytes."""

from __future__ import annotations

import re

from taskforge.domain.errors import InvalidInput

_BYTES = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgt", start=1):
    _BYTES |= {f"{_letter}b": 1000**_power, f"{_letter}ib": 1024**_power}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?i?b?)")

LEAST_MEMORY = 128 * 1024**2
"""Bytes that a Python process with its libraries takes of its address space, and some to work with."""


def parse_memory(value: int | str, field: str) -> int:
    """Bytes of an amount of memory for a process. Raises InvalidInput naming the field."""
    amount = value if isinstance(value, int) and not isinstance(value, bool) else _parsed(value)
    if amount is None:
        raise InvalidInput(
            f"{field} is not an amount of memory: {value!r:.80}",
            field=field,
            hint="a number of bytes, or a text such as 512MiB or 2GiB",
        )
    if amount < LEAST_MEMORY:
        raise InvalidInput(
            f"{field} must be at least 128MiB, not {value!r}",
            field=field,
            hint="Python itself needs some of it: it counts address space, not only what is used",
        )
    return amount


def _parsed(value: object) -> int | None:
    found = _SIZE.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    unit = None if found is None else _BYTES.get(found[2])
    return None if found is None or unit is None else int(float(found[1]) * unit)
