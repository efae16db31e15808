"""Logging in and out: access and refresh tokens for programs, a cookie for the dashboard."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskforge.domain.access import Principal, PrincipalKind, system
from taskforge.domain.errors import (
    CredentialExpired,
    CsrfFailed,
    Forbidden,
    InvalidCredentials,
    InvalidInput,
    TooManyRequests,
    Unauthenticated,
)
from taskforge.domain.organization import DEFAULT_NAME, check_tenant_name
from taskforge.domain.people import check_email
from taskforge.domain.throttle import ACCOUNT, ADDRESS
from taskforge.domain.tokens import SECRET_BYTES, Token, TokenKind, parse_token
from taskforge.ports.acting import acting, actor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from uuid import UUID

    from taskforge.domain.api_key import LoginSession
    from taskforge.ports.credentials import AttemptStore, SessionStore
    from taskforge.ports.people import Account, PeopleStore
    from taskforge.services.access_tokens import AccessTokens
    from taskforge.services.passwords import Passwords

DAY = 24 * 3600.0
REFRESH_SECONDS = 14 * DAY
"""How long a refresh token holds; each use gives a new one."""
SESSION_SECONDS = 90 * DAY
"""How long one login lasts at most."""
COOKIE_SECONDS = 7 * DAY
LONGEST_PASSWORD = 1024
"""What is longer is not even hashed."""


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a login gives a program. Nothing of it is kept in the clear."""

    access_token: str
    expires_at: datetime
    refresh_token: str
    session_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class CookieLogin:
    """What a login gives the dashboard: the HttpOnly cookie's value, and the token that its pages send along."""

    cookie: str
    csrf_token: str
    expires_at: datetime
    session_id: UUID
    user_id: UUID


class Logins:
    """One for a process. ``secret`` is the installation's; ``random`` gives that many random bytes."""

    def __init__(
        self,
        people: PeopleStore,
        sessions: SessionStore,
        attempts: AttemptStore,
        passwords: Passwords,
        tokens: AccessTokens,
        *,
        secret: str,
        mint: Callable[[], UUID],
        random: Callable[[int], bytes],
        forget: Callable[[UUID], None],
    ) -> None:
        self._people = people
        self._sessions = sessions
        self._attempts = attempts
        self._passwords = passwords
        self._tokens = tokens
        self._csrf_key = hmac.digest(secret.encode(), b"taskforge csrf tokens", "sha256")
        self._mint = mint
        self._random = random
        self._forget = forget

    async def login(
        self, email: str, password: str, *, organization: str | None = None, address: str | None = None
    ) -> TokenPair:
        """Access and refresh token. ``organization`` is that of the account; without it: `default`.

        Raises InvalidCredentials, the same and as slowly for an unknown account; TooManyRequests.
        """
        account, token = await self._session(
            TokenKind.REFRESH, email, password, organization, address, SESSION_SECONDS
        )
        access, expires_at = self._tokens.issue(account.id, token.id)
        return TokenPair(access, expires_at, token.reveal(), token.id, account.id)

    async def login_with_cookie(
        self, email: str, password: str, *, organization: str | None = None, address: str | None = None
    ) -> CookieLogin:
        """The dashboard's session. Raises what `login` raises."""
        account, token = await self._session(
            TokenKind.SESSION, email, password, organization, address, COOKIE_SECONDS
        )
        ends = next(
            s for s in await self._sessions.list(account.organization_id, account.id) if s.id == token.id
        )
        return CookieLogin(token.reveal(), self.csrf_token(token.id), ends.expires_at, token.id, account.id)

    async def refresh(self, refresh_token: str, *, address: str | None = None) -> TokenPair:
        """The next pair; the old refresh token is spent.

        Raises Unauthenticated; CredentialReused when it was spent before, and then the login is ended.
        """
        old = parse_token(refresh_token)
        if old.kind is not TokenKind.REFRESH:
            raise Unauthenticated("this is not a refresh token")
        new = Token(TokenKind.REFRESH, old.id, self._random(SECRET_BYTES))
        try:
            with acting(system("reuse of a refresh token"), address=address):
                user_id = await self._sessions.rotate(old, new, REFRESH_SECONDS)
        finally:
            self._forget(old.id)
        if user_id is None:
            raise CredentialExpired("the refresh token is not valid any more", hint="log in again")
        access, expires_at = self._tokens.issue(user_id, old.id)
        return TokenPair(access, expires_at, new.reveal(), old.id, user_id)

    async def logout(self, *, everywhere: bool = False) -> int:
        """End the session of the user who acts, or all of their sessions; answers how many."""
        principal = actor().principal
        if principal.kind is not PrincipalKind.USER:
            raise Forbidden("only users log out; an API key is revoked")
        session_id = None if everywhere else principal.credential_id
        return len(await self.end(principal.id, "logout", session_id=session_id))

    async def sessions(self) -> Sequence[LoginSession]:
        """The logins of the user who acts."""
        principal = actor().principal
        if principal.kind is not PrincipalKind.USER or principal.organization_id is None:
            return []
        return await self._sessions.list(principal.organization_id, principal.id)

    async def end(self, user_id: UUID, because: str, *, session_id: UUID | None = None) -> Sequence[UUID]:
        """End a session of a user, or all of them."""
        ended = await self._sessions.revoke(user_id, because, session_id=session_id)
        for each in ended:
            self._forget(each)
        return ended

    def csrf_token(self, session_id: UUID) -> str:
        """What the dashboard's own pages send along with a change, for this session."""
        return hmac.new(self._csrf_key, session_id.bytes, hashlib.sha256).hexdigest()

    def check_csrf(self, principal: Principal, token: str | None) -> None:
        """Raises CsrfFailed unless the token is that of the session which proved the principal."""
        session_id = principal.credential_id
        expected = "" if session_id is None else self.csrf_token(session_id)
        if not expected or not hmac.compare_digest(
            expected.encode(), (token or "").encode("utf-8", "replace")
        ):
            raise CsrfFailed("the request carries no token of this session")

    async def _session(
        self,
        kind: TokenKind,
        email: str,
        password: str,
        organization: str | None,
        address: str | None,
        lifetime: float,
    ) -> tuple[Account, Token]:
        account = await self._verified(email, password, organization or DEFAULT_NAME, address)
        token = Token(kind, self._mint(), self._random(SECRET_BYTES))
        user = Principal(
            PrincipalKind.USER,
            account.id,
            account.email,
            account.organization_id,
            credential_id=token.id,
        )
        with acting(user, address=address, request_id=actor().request_id):
            await self._sessions.create(
                token,
                account.organization_id,
                account.id,
                is_cookie=kind is TokenKind.SESSION,
                lifetime=lifetime,
                address=address,
            )
        return account, token

    async def _verified(self, email: str, password: str, organization: str, address: str | None) -> Account:
        email = email.strip().lower()
        by_account = _subject("account", f"{organization}\n{email}")
        by_address = _subject("address", _network(address))
        wait = await self._attempts.reserve([(by_account, ACCOUNT), (by_address, ADDRESS)])
        if wait > 0:
            raise TooManyRequests("too many failed logins", retry_after=wait)
        account = await self._account(organization, email)
        hashed = account.password_hash if account is not None and account.is_active else None
        right = await self._passwords.verify(hashed, password[:LONGEST_PASSWORD])
        if not right or account is None or len(password) > LONGEST_PASSWORD:
            raise InvalidCredentials("unknown account or wrong password")
        if not any(
            found == account.organization_id for found, _ in await self._people.organizations_of(account.id)
        ):
            raise InvalidCredentials("unknown account or wrong password")
        await self._attempts.succeeded(by_account, by_address)
        if hashed is not None and self._passwords.is_outdated(hashed):
            newer = await self._passwords.hash(password)
            await self._people.rehash_password(account.organization_id, account.id, hashed, newer)
        return account

    async def _account(self, organization: str, email: str) -> Account | None:
        """What cannot be the name of an account or an organization is that of none."""
        try:
            return await self._people.account(
                check_tenant_name(organization, "organization"), check_email(email)
            )
        except InvalidInput:
            return None


def _subject(kind: str, value: str) -> str:
    """What failures are counted under: the text itself is not kept."""
    return hashlib.sha256(f"{kind}\n{value}".encode("utf-8", "replace")).hexdigest()


def _network(address: str | None) -> str:
    """An address, or the network that one customer has of IPv6."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return address or "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network(f"{found}/64", strict=False))
    return str(found)
