"""JSON in and out: payloads, results, checkpoints and log metadata. Never pickle.

What is written is plain JSON that every reader keeps: no NaN, no lone surrogates, no NUL characters, at
most 64 levels deep. ``encode`` encodes once; it only looks closer when the text hints at trouble.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from taskforge.domain.bounds import MAX_PAYLOAD_BYTES
from taskforge.domain.errors import InvalidPayload

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_DEPTH = 64
MAX_METADATA_BYTES = 16 * 1024
MAX_METADATA_VALUE_BYTES = 2 * 1024

_OTHER_THAN_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))

_encode_json: Callable[[Any], bytes] | None = None
_decode_json: Callable[[str | bytes], Any] | None = None
_refuse_nan: Callable[[Any], object] | None = None


def encode(value: Any, *, where: str, limit: int = MAX_PAYLOAD_BYTES) -> str:
    """The value as JSON text of at most ``limit`` bytes.

    Raises InvalidPayload that names the path of what cannot be kept: ``payload.items[3].price is NaN``.
    """
    try:
        data = (_encode_json or _load_encoder())(value)
    except RecursionError:
        raise _too_deep(where) from None
    except (TypeError, ValueError, OverflowError, AttributeError) as error:
        raise _explained(value, where, error) from error
    if len(data) > limit:
        raise InvalidPayload(
            f"{where} is {len(data):,} bytes of JSON, the limit is {limit:,}",
            field=where,
            hint="store large data elsewhere (a file, a bucket, a table) and pass its name",
        )
    text = data.decode()  # in which it is looked several times faster than in bytes
    if "null" in text or "\\u0000" in text:
        _look_closer(value, where, data)
    if len(text) > 2 * MAX_DEPTH and text.count("[") + text.count("{") > MAX_DEPTH and is_too_deep(data):
        raise _too_deep(where)
    return text


def decode(text: str | bytes) -> Any:
    """The value of a JSON text. Whole numbers of any size stay exact. Raises InvalidPayload."""
    try:
        return (_decode_json or _load_decoder())(text)
    except RecursionError:
        raise InvalidPayload(f"the JSON text is nested more than {MAX_DEPTH} levels deep") from None
    except ValueError as error:
        raise InvalidPayload(f"this is not valid JSON: {error}") from error


def encode_metadata(metadata: Mapping[str, Any]) -> str:
    """Metadata of a log line as a JSON object. Never raises: what is not JSON becomes its ``repr``."""
    try:
        return encode(metadata, where="metadata", limit=MAX_METADATA_BYTES)
    except InvalidPayload:
        pass
    kept: list[str] = []
    room = MAX_METADATA_BYTES
    for name, value in metadata.items():
        item = f"{_lenient(str(name), 200)}:{_lenient(value, MAX_METADATA_VALUE_BYTES)}"
        room -= len(item.encode()) + 1
        if room < 2:
            break
        kept.append(item)
    return "{" + ",".join(kept) + "}"


def is_too_deep(data: bytes) -> bool:
    """Whether compact JSON is nested more than 64 levels: peels the innermost brackets level by level."""
    if b"\\" in data:
        import re

        outside_of_texts = re.sub(rb'"(?:[^"\\]|\\.)*"', b"", data)
    else:
        outside_of_texts = b"".join(data.split(b'"')[::2])
    brackets = outside_of_texts.translate(None, _OTHER_THAN_BRACKETS)
    for _ in range(MAX_DEPTH):
        if not brackets:
            return False
        # A level's innermost pairs go at once; what this makes adjacent belongs to the next level.
        brackets = brackets.replace(b"[]", b".").replace(b"{}", b".").replace(b".", b"")
    return bool(brackets)


def to_json_value(value: Any) -> Any:
    """What is written for a value that msgspec does not know itself: pydantic models, subclasses, ..."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if hasattr(type(value), "__pydantic_serializer__") and hasattr(value, "model_dump"):
        return value.model_dump(mode="json", by_alias=True, round_trip=True)
    raise TypeError(f"{type(value).__qualname__} is not JSON")


def _load_encoder() -> Callable[[Any], bytes]:
    global _encode_json
    import msgspec

    encoder = _encode_json = msgspec.json.Encoder(enc_hook=to_json_value).encode
    return encoder


def _load_decoder() -> Callable[[str | bytes], Any]:
    global _decode_json
    import msgspec

    decoder = _decode_json = msgspec.json.Decoder().decode
    return decoder


def _load_strict_encoder() -> Callable[[Any], object]:
    global _refuse_nan
    from json import JSONEncoder

    from msgspec import to_builtins

    write = JSONEncoder(allow_nan=False, check_circular=False).encode

    def refuse_nan(value: Any) -> object:
        return write(to_builtins(value, str_keys=True, enc_hook=to_json_value))

    _refuse_nan = refuse_nan
    return refuse_nan


def _look_closer(value: Any, where: str, data: bytes) -> None:
    """Refuse what JSON lost: ``null`` may be a NaN, and a NUL character is legal there but not in a database."""
    if b"null" in data:
        try:
            (_refuse_nan or _load_strict_encoder())(value)
        except ValueError as error:
            raise _explained(value, where, error) from None
    if b"\\u0000" in data.replace(b"\\\\", b""):
        raise _explained(value, where, ValueError("a text contains a NUL character"))


def _explained(value: Any, where: str, error: Exception) -> InvalidPayload:
    from taskforge.sdk.codec_faults import find_fault

    fault = find_fault(value, where, MAX_DEPTH)
    if fault is None:
        return InvalidPayload(f"{where} cannot be written as JSON: {error}", field=where)
    return InvalidPayload(f"{fault.path} {fault.what}", field=fault.path)


def _too_deep(where: str) -> InvalidPayload:
    return InvalidPayload(
        f"{where} is nested more than {MAX_DEPTH} levels deep, or contains itself", field=where
    )


def _lenient(value: Any, limit: int) -> str:
    try:
        return encode(value, where="metadata", limit=limit)
    except InvalidPayload:
        pass
    try:
        shown = repr(value)
    except Exception as error:  # a broken __repr__ must not break the log
        shown = f"<{type(value).__qualname__} whose repr fails: {type(error).__name__}>"
    shown = shown[: limit // 4].replace("\x00", "\N{SYMBOL FOR NULL}")
    return encode(shown.encode("utf-8", "replace").decode(), where="metadata")
