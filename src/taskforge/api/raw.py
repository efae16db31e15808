"""Hot operations: their bodies are read by msgspec, straight from the bytes; their schemas are written by hand."""

from typing import Any, TypeVar

import msgspec
from starlette.requests import Request

from taskforge.api.faults import MalformedBody
from taskforge.wire import codec

T = TypeVar("T")

MAX_BYTES = 8 * 1024 * 1024
COMPONENT = "wire.{name}"
REFERENCE = "#/components/schemas/" + COMPONENT
_documented: dict[str, type[msgspec.Struct]] = {}


async def message_of(request: Request, kind: type[T]) -> T:
    """The body; an empty one is an empty object. Raises MalformedBody, InvalidInput with the path of the value."""
    try:
        return codec.read(kind, await request.body() or b"{}")
    except codec.NotJson as error:
        raise MalformedBody(error.message) from None


def messages(
    asked: type[msgspec.Struct], answered: type[msgspec.Struct] | None = None, status: int = 200
) -> dict[str, Any]:
    """What OpenAPI says of a body and of the data of its answer."""
    found: dict[str, Any] = {
        "requestBody": {"content": {"application/json": {"schema": _reference(asked)}}},
    }
    if answered is not None:
        schema = {
            "type": "object",
            "required": ["status", "message", "data", "meta"],
            "properties": {
                "status": {"const": "success"},
                "message": {"type": "string"},
                "data": _reference(answered),
                "meta": {"type": "object"},
            },
        }
        content = {"application/json": {"schema": schema}}
        found["responses"] = {str(status): {"description": "Success", "content": content}}
    return found


def components() -> dict[str, Any]:
    """The schemas of all messages that were documented."""
    _, found = msgspec.json.schema_components(list(_documented.values()), ref_template=REFERENCE)
    return {COMPONENT.format(name=name): schema for name, schema in found.items()}


def _reference(kind: type[msgspec.Struct]) -> dict[str, str]:
    _documented[kind.__name__] = kind
    return {"$ref": REFERENCE.format(name=kind.__name__)}
