"""Access tokens: JWTs of fifteen minutes, signed with the installation's secret key (HS256, nothing else)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from taskforge.domain.errors import CredentialExpired, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

LIFETIME = timedelta(minutes=15)
ALGORITHM = "HS256"
ISSUER = "taskforge"
AUDIENCE = "taskforge-api"
TYPE = "at+jwt"
_REQUIRED = ["iss", "aud", "sub", "sid", "jti", "iat", "exp"]
LONGEST = 4096


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says. What its user may do is looked up, so that a change takes effect."""

    user_id: UUID
    session_id: UUID


class AccessTokens:
    """Issues and reads access tokens. The first secret signs, the others are still accepted (rotation)."""

    def __init__(
        self, secrets: Sequence[str], *, now: Callable[[], datetime], mint: Callable[[], UUID]
    ) -> None:
        self._keys = {_name(secret): _derived(secret) for secret in secrets}
        self._signs = _name(secrets[0])
        self._now = now
        self._mint = mint

    def issue(self, user_id: UUID, session_id: UUID) -> tuple[str, datetime]:
        """A token of a session, and when it ends."""
        import jwt

        now = self._now().astimezone(UTC)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(user_id),
            "sid": str(session_id),
            "jti": str(self._mint()),
            "iat": int(now.timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
        }
        headers = {"typ": TYPE, "kid": self._signs}
        return jwt.encode(
            claims, self._keys[self._signs], algorithm=ALGORITHM, headers=headers
        ), now + LIFETIME

    def read(self, token: str) -> AccessClaims:
        """The claims of a token that we signed and that holds. Raises Unauthenticated, CredentialExpired."""
        import jwt

        if len(token) > LONGEST:
            raise Unauthenticated("the access token is malformed")
        try:
            header = jwt.get_unverified_header(token)
            key = self._keys.get(str(header.get("kid")))
            # the header only says which of our keys; what it says of the algorithm must be what we do anyway
            if key is None or header.keys() != {"alg", "typ", "kid"} or header["typ"] != TYPE:
                raise Unauthenticated("the access token is not ours")
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={"require": _REQUIRED, "strict_aud": True, "verify_exp": False, "verify_iat": False},
            )
            ends, begins = claims["exp"], claims["iat"]
            if type(ends) is not int or type(begins) is not int or ends - begins > LIFETIME.total_seconds():
                raise Unauthenticated("the access token is not ours")
            found = AccessClaims(UUID(claims["sub"]), UUID(claims["sid"]))
        except (jwt.PyJWTError, ValueError, AttributeError, TypeError, RecursionError):
            raise Unauthenticated("the access token is not valid") from None
        if ends <= self._now().timestamp():
            raise CredentialExpired("the access token has expired", hint="refresh it")
        return found


def _name(secret: str) -> str:
    """Tells our keys apart without telling what they are."""
    return hashlib.sha256(_derived(secret)).hexdigest()[:8]


def _derived(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"taskforge access tokens", "sha256")
