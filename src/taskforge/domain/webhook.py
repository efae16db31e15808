"""Signed webhooks, as Standard Webhooks has them: what is signed, with what, and how a receiver checks it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

from taskforge.domain.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with
LEAST_SECRET_BYTES = 24
MOST_SECRET_BYTES = 64
TOLERANCE_SECONDS = 300
"""A receiver refuses what was signed longer ago, or so far ahead."""
ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


def new_secret(random: Callable[[int], bytes]) -> str:
    """A secret that both sides know: ``whsec_`` and 32 random bytes in base64."""
    return SECRET_PREFIX + base64.b64encode(random(32)).decode()


def check_secret(secret: str) -> str:
    """The secret, if it is ``whsec_`` and 24 to 64 bytes in base64. Raises InvalidInput; never repeats it."""
    try:
        raw = _raw(secret)
    except (ValueError, binascii.Error):
        raw = b""
    if not LEAST_SECRET_BYTES <= len(raw) <= MOST_SECRET_BYTES:
        raise InvalidInput(
            f"a secret is {SECRET_PREFIX} and {LEAST_SECRET_BYTES} to {MOST_SECRET_BYTES} bytes in base64",
            field="secret",
            hint="leave it out, and one is made",
        )
    return secret


def signed_headers(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """The three headers. With several secrets (one replaces another) each has its signature, parted by spaces."""
    signatures = " ".join(f"v1,{_signature(secret, message_id, timestamp, body)}" for secret in secrets)
    return {ID: message_id, TIMESTAMP: str(timestamp), SIGNATURE: signatures}


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, *, now: float) -> bool:
    """Whether a request was signed with this secret, within five minutes of ``now`` (seconds since 1970).

    What a receiver does; the names of ``headers`` are in lower case.
    """
    timestamp = headers.get(TIMESTAMP, "")
    if not timestamp.isascii() or not timestamp.isdigit() or abs(int(timestamp) - now) > TOLERANCE_SECONDS:
        return False
    wanted = f"v1,{_signature(secret, headers.get(ID, ''), int(timestamp), body)}"
    found = [given for given in headers.get(SIGNATURE, "").split(" ") if given.isascii()]
    return sum(hmac.compare_digest(given, wanted) for given in found) > 0


def _signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(_raw(secret), signed, hashlib.sha256)).decode()


def _raw(secret: str) -> bytes:
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError("another kind of secret")
    return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
