"""Reading a request's body: bounded in bytes and time, and JSON without traps."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
from starlette.requests import ClientDisconnect

from taskforge.api.faults import BodyTooLarge, BodyTooSlow, MalformedBody, UnsupportedMediaType
from taskforge.domain.errors import InvalidInput, InvalidPayload
from taskforge.sdk.codec import MAX_DEPTH, is_too_deep

if TYPE_CHECKING:
    from starlette.requests import Request

MAX_DIGITS = 4300
LONG_BODY = 4096
"""From here on it is worth it to try the quick way first."""
_UNCERTAIN = object()


async def read_body(request: Request, *, limit: int, seconds: float) -> bytes:
    """The whole body. Raises BodyTooLarge before more than ``limit`` bytes are kept, BodyTooSlow."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limit:
                    raise _too_large(limit)
                chunks.append(chunk)
    except TimeoutError:
        raise BodyTooSlow(f"the body did not arrive within {seconds:g} s") from None
    except ClientDisconnect:
        raise MalformedBody("the body ended before it was whole") from None
    return b"".join(chunks)


def check_media_type(request: Request) -> None:
    """Refuse a body that is not declared as JSON in UTF-8, or is packed. Raises UnsupportedMediaType."""
    packed = request.headers.get("content-encoding", "identity").strip().lower()
    if packed != "identity":
        raise UnsupportedMediaType(
            f"bodies packed with {packed!r:.100} are not unpacked", hint="send it without Content-Encoding"
        )
    declared = request.headers.get("content-type", "")
    kind, _, parameters = declared.partition(";")
    kind = kind.strip().lower()
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if not is_json or charset not in ("", "utf-8"):
        raise UnsupportedMediaType(
            f"the body is declared as {declared!r:.100}", hint="send it as Content-Type: application/json"
        )


def parse(body: bytes) -> Any:
    """The value of a JSON body.

    Raises MalformedBody for what is not JSON, and InvalidPayload for what only some readers understand alike: NaN,
    numbers beyond what a float holds, members that occur twice, NUL and lone surrogates, too many levels.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBody(f"the body is not UTF-8: position {error.start}") from None
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and is_too_deep(body):
        raise InvalidPayload(f"the body is nested more than {MAX_DEPTH} levels deep")
    if len(body) >= LONG_BODY and b"\\" not in body:
        value = _plain(body)
        if value is not _UNCERTAIN:
            return value
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedBody(f"the body is not JSON: {error.msg} at position {error.pos}") from None
    except RecursionError:
        raise InvalidPayload(f"the body is nested more than {MAX_DEPTH} levels deep") from None
    if b"\\u" in body or b"\x00" in body:
        _check_text(value)
    return value


def _plain(body: bytes) -> Any:
    """The value of a body without escapes that has no traps; ``_UNCERTAIN`` where a closer look has to tell.

    A member that occurs twice is gone from the value: then this is written with fewer colons than the body has.
    """
    try:
        value = msgspec.json.decode(body)
        written = msgspec.json.encode(value)
    except (ValueError, OverflowError, RecursionError):
        return _UNCERTAIN
    return value if _members_in(written) == _members_in(body) else _UNCERTAIN


def _members_in(plain: bytes) -> int:
    """Colons outside of texts, in JSON without escapes."""
    return b"".join(plain.split(b'"')[::2]).count(b":")


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        if "\x00" in value:
            raise InvalidPayload("a text of the body contains a NUL character")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidPayload("a text of the body contains a lone surrogate") from None
    elif isinstance(value, dict):
        for name, member in value.items():
            _check_text(name)
            _check_text(member)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidPayload(f"the member {twice!r:.100} occurs twice in one object of the body")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidPayload(f"the body contains {name}, which is no JSON number")


def _float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise InvalidPayload("the body contains a number that no float can hold")
    return number


def _int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise InvalidInput(f"the body contains a number of more than {MAX_DIGITS} digits")
    return int(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_constant=_refuse_constant, parse_float=_float, parse_int=_int
)


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"the body has more than {limit:,} bytes", hint="send less at a time")
