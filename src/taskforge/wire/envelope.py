"""The envelope of every success, around bytes that are JSON already."""

from __future__ import annotations

import msgspec

from taskforge.wire.codec import read


class Envelope(msgspec.Struct, frozen=True):
    """As it is read: whatever else a server says of it is for people."""

    data: msgspec.Raw
    meta: msgspec.Raw = msgspec.Raw(b"{}")


def data_of(body: bytes) -> bytes:
    """The data of an answer, as JSON. Raises InvalidInput when it is no envelope."""
    return bytes(read(Envelope, body).data)
