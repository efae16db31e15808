"""Checks of plain JSON types, without pydantic: int, str, float, bool, None, list, dict, their unions."""

from __future__ import annotations

import math
import types
import typing
from collections.abc import Callable
from typing import Any, NamedTuple

Fits = Callable[[Any], bool]
Convert = Callable[[Any], Any]


class SimpleType(NamedTuple):
    """How to check a value; ``convert`` makes of a JSON value what was meant (an int for a float: a float)."""

    name: str
    fits: Fits
    convert: Convert | None
    schema: dict[str, Any]


def simple_type(annotation: Any) -> SimpleType | None:
    """The checks of an annotation, or None when it needs more than plain JSON types."""
    if annotation is Any or annotation is object or isinstance(annotation, typing.TypeVar):
        return _ANYTHING
    if annotation is None:
        return _NONE
    try:
        known = _KNOWN.get(annotation)
    except TypeError:  # unhashable metadata
        return None
    if known is not None:
        return known
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return _union([simple_type(argument) for argument in arguments])
    if origin is list:
        return _list_of(simple_type(arguments[0]))
    if origin is dict and arguments[0] is str:
        return _dict_of(simple_type(arguments[1]))
    return None


def _is_integer(value: Any) -> bool:
    return type(value) is int or (isinstance(value, int) and not isinstance(value, bool))


def _is_float(value: Any) -> bool:
    if type(value) is float:
        return True
    if isinstance(value, float):
        return True
    return _is_integer(value) and abs(value) <= _LARGEST_FLOAT


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _is_none(value: Any) -> bool:
    return value is None


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_dict(value: Any) -> bool:
    return isinstance(value, dict)


def _is_anything(_: Any) -> bool:
    return True


_LARGEST_FLOAT = int(math.ldexp(1 - 2**-53, 1024))
_ANYTHING = SimpleType("any JSON value", _is_anything, None, {})
_NONE = SimpleType("None", _is_none, None, {"type": "null"})
_KNOWN: dict[Any, SimpleType] = {
    int: SimpleType("int", _is_integer, None, {"type": "integer"}),
    float: SimpleType("float", _is_float, float, {"type": "number"}),
    str: SimpleType("str", _is_text, None, {"type": "string"}),
    bool: SimpleType("bool", _is_boolean, None, {"type": "boolean"}),
    type(None): _NONE,
    list: SimpleType("list", _is_list, None, {"type": "array"}),
    dict: SimpleType("dict", _is_dict, None, {"type": "object"}),
}


def _list_of(item: SimpleType | None) -> SimpleType | None:
    if item is None:
        return None
    fits, convert = item.fits, item.convert

    def list_fits(value: Any) -> bool:
        return isinstance(value, list) and all(map(fits, value))

    def convert_list(value: list[Any]) -> list[Any]:
        return [convert(element) for element in value] if convert is not None else value

    return SimpleType(
        f"list[{item.name}]",
        list_fits,
        None if convert is None else convert_list,
        {"type": "array", "items": item.schema},
    )


def _dict_of(item: SimpleType | None) -> SimpleType | None:
    if item is None:
        return None
    fits, convert = item.fits, item.convert

    def dict_fits(value: Any) -> bool:
        return isinstance(value, dict) and all(map(_is_text, value)) and all(fits(v) for v in value.values())

    def convert_dict(value: dict[str, Any]) -> dict[str, Any]:
        return {key: convert(v) for key, v in value.items()} if convert is not None else value

    return SimpleType(
        f"dict[str, {item.name}]",
        dict_fits,
        None if convert is None else convert_dict,
        {"type": "object", "additionalProperties": item.schema},
    )


def _union(members: list[SimpleType | None]) -> SimpleType | None:
    known = [member for member in members if member is not None]
    if len(known) < len(members):
        return None
    # What fits a member as it is stays as it is: only then is an int meant as a float.
    plain = [member.fits for member in known if member.convert is None]
    converting = [member for member in known if member.convert is not None]

    def union_fits(value: Any) -> bool:
        return any(member.fits(value) for member in known)

    def convert_union(value: Any) -> Any:
        if any(fits(value) for fits in plain):
            return value
        for member in converting:
            if member.convert is not None and member.fits(value):
                return member.convert(value)
        return value

    return SimpleType(
        " | ".join(member.name for member in known),
        union_fits,
        convert_union if converting else None,
        {"anyOf": [member.schema for member in known]},
    )
