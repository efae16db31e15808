"""The envelope of every success, around bytes that are JSON already."""

from __future__ import annotations

import msgspec

from taskforge.wire.codec import read

_HEAD = b'{"status":"success","message":'
_DATA = b',"data":'
_TAIL = b',"meta":{}}'


class Envelope(msgspec.Struct, frozen=True):
    """As it is read: whatever else a server says of it is for people."""

    data: msgspec.Raw
    meta: msgspec.Raw = msgspec.Raw(b"{}")


def enveloped(data: bytes, message: str) -> bytes:
    """Data that are JSON, in the envelope."""
    return b"".join((_HEAD, msgspec.json.encode(message), _DATA, data, _TAIL))


def data_of(body: bytes) -> bytes:
    """The data of an answer, as JSON. Raises InvalidInput when it is no envelope."""
    return bytes(read(Envelope, body).data)
