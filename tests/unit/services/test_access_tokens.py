"""Access tokens: ours are read, and every known way of forging one is refused."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskforge.domain.errors import CredentialExpired, Unauthenticated
from taskforge.services.access_tokens import ALGORITHM, AUDIENCE, ISSUER, TYPE, AccessTokens

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SECRET = "b3wEwJrQ5m0l8fV2aY7dXz1pT6uKhNcGsO9iLqRe4=xB+"
USER, SESSION = UUID(int=1), UUID(int=2)


class Clock:
    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        return self.time


def tokens(*secrets: str, clock: Clock | None = None) -> AccessTokens:
    return AccessTokens(secrets or [SECRET], now=clock or Clock(), mint=lambda: UUID(int=9))


def key_of(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"taskforge access tokens", "sha256")


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, as anybody can read them."""
    return jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


def signed(header: Any, claims: Any, key: bytes | None = None, digest: str = "sha256") -> str:
    """A token that says what it is told to, signed with our own key if no other is given."""
    text = f"{encoded(header)}.{encoded(claims)}"
    mac = hmac.digest(key_of(SECRET) if key is None else key, text.encode(), digest)
    return f"{text}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def test_what_was_issued_is_read() -> None:
    token, ends = tokens().issue(USER, SESSION)
    assert ends == NOON + timedelta(minutes=15)
    claims = tokens().read(token)
    assert (claims.user_id, claims.session_id) == (USER, SESSION)
    header, said = parts(token)
    assert (header["alg"], header["typ"], said["iss"], said["aud"]) == (ALGORITHM, TYPE, ISSUER, AUDIENCE)
    assert said["exp"] - said["iat"] == 900
    assert signed(header, said) == token  # so the forgeries below differ in what they mean to, only


def test_it_ends_after_fifteen_minutes() -> None:
    clock = Clock()
    token, ends = tokens(clock=clock).issue(USER, SESSION)
    clock.time = ends - timedelta(seconds=1)
    tokens(clock=clock).read(token)
    clock.time = ends
    with pytest.raises(CredentialExpired):
        tokens(clock=clock).read(token)


def test_two_keys_hold_while_one_takes_over() -> None:
    old, new = SECRET, SECRET[::-1]
    token, _ = tokens(old).issue(USER, SESSION)
    assert tokens(new, old).read(token).user_id == USER
    newer, _ = tokens(new, old).issue(USER, SESSION)
    assert tokens(new).read(newer).user_id == USER
    with pytest.raises(Unauthenticated):
        tokens(new).read(token)


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "HS384", "HS512", "RS256", "ES256", "hs256", "", None, 1]
)
@pytest.mark.parametrize("digest", ["sha256", "sha512"])
def test_no_other_algorithm(algorithm: Any, digest: str) -> None:
    header, claims = parts(tokens().issue(USER, SESSION)[0])
    with pytest.raises(Unauthenticated):
        tokens().read(signed({**header, "alg": algorithm}, claims, digest=digest))
    text = f"{encoded({**header, 'alg': algorithm})}.{encoded(claims)}."
    with pytest.raises(Unauthenticated):
        tokens().read(text)


@pytest.mark.parametrize(
    "extra",
    [
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"jku": "https://example.com/keys"},
        {"x5u": "https://example.com/key.pem"},
        {"x5c": ["AAAA"]},
        {"crit": ["exp"]},
        {"crit": ["b64"], "b64": False},
        {"zip": "DEF"},
        {"kid": "../../dev/null"},
        {"kid": "' UNION SELECT 'x"},
        {"kid": ["a"]},
        {"kid": None},
        {"typ": "JWT"},
        {"typ": "rt+jwt"},
    ],
)
def test_a_header_brings_no_key_and_no_rule_of_its_own(extra: dict[str, Any]) -> None:
    header, claims = parts(tokens().issue(USER, SESSION)[0])
    for key in (None, b"", b"AAAA", b"\x00"):
        with pytest.raises(Unauthenticated):
            tokens().read(signed({**header, **extra}, claims, key))


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "sid", "jti", "iat", "exp"])
def test_every_claim_is_required(missing: str) -> None:
    header, claims = parts(tokens().issue(USER, SESSION)[0])
    del claims[missing]
    with pytest.raises(Unauthenticated):
        tokens().read(signed(header, claims))


@pytest.mark.parametrize("missing", ["alg", "typ", "kid"])
def test_every_word_of_the_header_is_required(missing: str) -> None:
    header, claims = parts(tokens().issue(USER, SESSION)[0])
    del header[missing]
    with pytest.raises(Unauthenticated):
        tokens().read(signed(header, claims))


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-api"},
        {"aud": [AUDIENCE, "another-api"]},
        {"aud": [AUDIENCE]},
        {"iss": "another"},
        {"iss": [ISSUER]},
        {"sub": "root"},
        {"sub": 1},
        {"sub": None},
        {"sid": "x"},
        {"sid": ["x"]},
        {"exp": "soon"},
        {"exp": 1e308},
        {"exp": 10**400},
        {"exp": True},
        {"exp": None},
        {"exp": int(NOON.timestamp()) + 86_400},  # longer than we ever give
        {"iat": int(NOON.timestamp()) - 86_400},
        {"iat": "1"},
        {"nbf": int(NOON.timestamp()) + 10**9},
    ],
)
def test_claims_of_other_kinds(claims: dict[str, Any]) -> None:
    header, ours = parts(tokens().issue(USER, SESSION)[0])
    with pytest.raises(Unauthenticated):
        tokens().read(signed(header, {**ours, **claims}))


@pytest.mark.parametrize("key", [b"", b"secret", SECRET.encode(), hashlib.sha256(SECRET.encode()).digest()])
def test_no_other_key(key: bytes) -> None:
    """Not even the secret itself: it is for more than these tokens."""
    header, claims = parts(tokens().issue(USER, SESSION)[0])
    with pytest.raises(Unauthenticated):
        tokens().read(signed(header, claims, key))


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_character_is_seen(place: int, change: int) -> None:
    token, _ = tokens().issue(USER, SESSION)
    raw = bytearray(token.encode())
    raw[place % len(raw)] ^= change
    forged = raw.decode("latin-1")
    try:
        found = tokens().read(forged)
    except Unauthenticated:
        return
    # the last character of a base64 part has bits that mean nothing
    assert found.user_id == USER
    assert place % len(raw) in {len(raw) - 1, token.index(".") - 1, token.rindex(".") - 1}


@given(
    st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*", fullmatch=True)
)
def test_what_is_no_token(text: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens().read(text)


@pytest.mark.parametrize(
    "text", ["", "..", "a.b.c", "e30.e30.", "x" * 100_000, "\ud800.\ud800.\ud800", "[" * 4000 + ".."]
)
def test_what_is_far_from_a_token(text: str) -> None:
    with pytest.raises(Unauthenticated):
        tokens().read(text)
