"""Bytes to messages and back. What is wrong with a message is said with the path of the value."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from taskforge.domain.errors import InvalidInput

T = TypeVar("T")


class NotJson(InvalidInput):
    """The bytes are no JSON at all."""

    code = "malformed_body"


_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `\$?\.?(?P<where>[^`]*)`)?$", re.DOTALL)
_encoder = msgspec.json.Encoder()


def read(kind: type[T], data: bytes) -> T:
    """The message. Raises NotJson, InvalidInput where it is not what ``kind`` says: ``field`` is the path."""
    try:
        return _decoder(kind).decode(data)
    except msgspec.ValidationError as error:
        found = _PLACE.match(str(error))
        what, where = (str(error), None) if found is None else (found["what"], found["where"])
        raise InvalidInput(what, field=where or None) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotJson(f"the body is not JSON: {error}") from None
    except RecursionError:
        raise NotJson("the body is nested too deep") from None


def write(message: msgspec.Struct) -> bytes:
    """The message as JSON."""
    return _encoder.encode(message)


def text(value: object) -> str:
    """A plain value as JSON text."""
    return _encoder.encode(value).decode()


_decoders: dict[object, msgspec.json.Decoder[Any]] = {}


def _decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    return decoder
