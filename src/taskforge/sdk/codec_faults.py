"""Finds the part of a value that is not JSON, once an encoder has refused the whole."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from taskforge.sdk.codec import to_json_value

if TYPE_CHECKING:
    from collections.abc import Iterator


class Fault(NamedTuple):
    """Where it is, as a path from the whole value, and what is wrong with it."""

    path: str
    what: str


def find_fault(value: Any, path: str, depth: int) -> Fault | None:
    """The first part that cannot be kept as JSON; None if it cannot be told."""
    if depth < 0:
        return Fault(path, "is nested too deep, or contains itself")
    own = _fault_of_leaf(value)
    if own is not None:
        return Fault(path, own)
    for key, child_path, child in _children(value, path):
        what = _fault_of_key(key)
        if what is not None:
            return Fault(path, what)
        fault = find_fault(child, child_path, depth - 1)
        if fault is not None:
            return fault
    return None


def _children(value: Any, path: str) -> Iterator[tuple[Any, str, Any]]:
    if isinstance(value, dict):
        for key, child in value.items():
            yield key, f"{path}.{key}" if _is_plain(key) else f"{path}[{key!r}]", child
    elif isinstance(value, list | tuple | set | frozenset):
        for index, child in enumerate(value):
            yield "", f"{path}[{index}]", child
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield "", f"{path}.{field.name}", getattr(value, field.name, None)
    elif isinstance(getattr(value, "__struct_fields__", None), tuple):
        for name in getattr(value, "__struct_fields__", ()):
            yield "", f"{path}.{name}", getattr(value, name, None)
    elif hasattr(type(value), "__pydantic_serializer__"):
        yield from _children(to_json_value(value), path)


def _fault_of_leaf(value: Any) -> str | None:
    if isinstance(value, float) and not math.isfinite(value):
        return "is NaN" if math.isnan(value) else "is infinite"
    if isinstance(value, str):
        return _fault_of_text(value)
    if isinstance(value, dict | list | tuple | set | frozenset):
        return None
    if isinstance(value, int) and value.bit_length() > 14_284:
        return "is a whole number of more than 4,300 digits"
    return _refusal(value)


def _fault_of_key(key: Any) -> str | None:
    if isinstance(key, str):
        what = _fault_of_text(key)
        return None if what is None else f"has a key that {what}: {key!r:.80}"
    if key is None or isinstance(key, bool | tuple | frozenset):
        return f"has the key {key!r:.80}; keys must be texts"
    if isinstance(key, float) and not math.isfinite(key):
        return f"has the key {key!r}; keys must be texts"
    return None


def _fault_of_text(text: str) -> str | None:
    if "\x00" in text:
        return "contains a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"contains a lone surrogate at position {error.start}"
    return None


def _refusal(value: Any) -> str | None:
    """What the encoder says to this value alone, if nothing inside it is to blame."""
    import msgspec

    try:
        msgspec.json.encode(value, enc_hook=to_json_value)
    except (TypeError, ValueError, OverflowError, AttributeError, RecursionError) as error:
        if next(_children(value, ""), None) is not None:
            return None
        if isinstance(error, TypeError):
            return f"is of type {type(value).__qualname__}, which is not JSON"
        return f"cannot be written as JSON: {error}"
    return None


def _is_plain(key: Any) -> bool:
    return isinstance(key, str) and key.isidentifier()
