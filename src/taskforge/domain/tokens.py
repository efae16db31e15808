"""Bearer tokens that are looked up: ``<prefix>_<id>_<32 random bytes>``. Only the SHA-256 of the secret is kept."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from taskforge.domain.errors import Unauthenticated

SECRET_BYTES = 32


class TokenKind(StrEnum):
    """What a token is, by its prefix."""

    KEY = "tfk"
    WORKER = "tfw"
    REFRESH = "tfr"
    SESSION = "tfs"
    """The dashboard's cookie."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token in its parts. Its text and its secret never stand in a log."""

    kind: TokenKind
    id: UUID
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != SECRET_BYTES:
            raise ValueError(f"a secret has {SECRET_BYTES} bytes")

    def reveal(self) -> str:
        """The text that is shown once."""
        secret = base64.urlsafe_b64encode(self.secret).decode().rstrip("=")
        return f"{self.kind}_{self.id.hex}_{secret}"

    @property
    def hash(self) -> str:
        """What is kept of the secret, in hexadecimal."""
        return hashlib.sha256(self.secret).hexdigest()


def parse_token(text: str) -> Token:
    """The parts of a token. Raises Unauthenticated when it is none; it never repeats the text."""
    prefix, _, rest = text.partition("_")
    identity, _, secret = rest.partition("_")
    try:
        token = Token(
            TokenKind(prefix), UUID(hex=identity), base64.b64decode(secret + "=", "-_", validate=True)
        )
    except ValueError:
        raise Unauthenticated("the token is malformed") from None
    if token.reveal() != text:
        raise Unauthenticated("the token is malformed")
    return token
