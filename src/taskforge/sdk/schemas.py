"""JSON schemas of parameters, for the catalogue and for checks at the edges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.errors import InvalidPayload
from taskforge.sdk import codec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from taskforge.sdk.values import Value


def object_schema(
    values: Mapping[str, Value], defaults: Mapping[str, Any], extra: Value | None
) -> dict[str, Any]:
    """The schema of an object that has these values as members, and ``extra`` ones if any."""
    every = {**values, **({} if extra is None else {"**": extra})}
    members, definitions = _schemas(every)
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {name: members[name] for name in values},
        "required": [name for name in values if name not in defaults],
        "additionalProperties": False if extra is None else members["**"],
    }
    for name, default in defaults.items():
        written = _default(values[name], default)
        if written is not None:
            schema["properties"][name] = {**schema["properties"][name], "default": written[0]}
    return schema if not definitions else {**schema, "$defs": definitions}


def value_schema(value: Value) -> dict[str, Any]:
    """The schema of one value that is a whole payload."""
    members, definitions = _schemas({"payload": value})
    schema = members["payload"]
    return schema if not definitions else {**schema, "$defs": definitions}


def _schemas(values: Mapping[str, Value]) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """The schema of each value, and the definitions that they share."""
    found = {name: value.simple.schema for name, value in values.items() if value.simple is not None}
    with_models = [(name, value.model.adapter) for name, value in values.items() if value.simple is None]
    if not with_models:
        return found, {}
    from pydantic import TypeAdapter

    by_key, whole = TypeAdapter.json_schemas([(name, "validation", adapter) for name, adapter in with_models])
    found.update({name: dict(by_key[name, "validation"]) for name, _ in with_models})
    return found, whole.get("$defs", {})


def _default(value: Value, default: Any) -> tuple[Any] | None:
    try:
        return (codec.decode(codec.encode(value.dump(default), where=value.where)),)
    except InvalidPayload:
        return None
