"""Who asks: from a bearer token, or the dashboard's cookie, to a principal."""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from taskforge.domain.errors import CredentialExpired, Unauthenticated
from taskforge.domain.tokens import TokenKind, parse_token

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from taskforge.domain.access import Principal
    from taskforge.domain.tokens import Token
    from taskforge.ports.credentials import Credential, CredentialStore
    from taskforge.services.access_tokens import AccessTokens

CACHE_SECONDS = 3.0
"""A revocation elsewhere takes effect within this time and the one statement under way; 5 s is what is promised."""
CACHED = 10_000
NOTE_SECONDS = 60.0


class Access:
    """Authenticates. One for a process: it remembers for a moment what it has looked up."""

    def __init__(
        self,
        credentials: CredentialStore,
        tokens: AccessTokens | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._credentials = credentials
        self._tokens = tokens
        self._monotonic = monotonic
        self._known: OrderedDict[tuple[TokenKind, UUID], tuple[float, Credential | None]] = OrderedDict()
        self._noted: OrderedDict[UUID, float] = OrderedDict()

    async def authenticate(self, token: str, *, address: str | None) -> Principal:
        """The principal of a bearer token: an API key, a worker's credential, or an access token.

        ``address`` is where the request came from. Raises Unauthenticated, CredentialExpired.
        """
        if token.count(".") == 2 and self._tokens is not None:
            claims = self._tokens.read(token)
            credential = await self._find(TokenKind.SESSION, claims.session_id)
            if credential is None or credential.principal.id != claims.user_id:
                raise Unauthenticated("the session has ended")
            return credential.principal
        return await self._prove(parse_token(token), (TokenKind.KEY, TokenKind.WORKER), address)

    async def authenticate_cookie(self, cookie: str, *, address: str | None) -> Principal:
        """The principal of the dashboard's cookie. Raises Unauthenticated."""
        return await self._prove(parse_token(cookie), (TokenKind.SESSION,), address)

    def forget(self, credential_id: UUID | None = None) -> None:
        """Look this credential, or all of them, up again: it was changed by this process."""
        if credential_id is None:
            self._known.clear()
            return
        for kind in TokenKind:
            self._known.pop((kind, credential_id), None)

    async def _prove(self, token: Token, kinds: tuple[TokenKind, ...], address: str | None) -> Principal:
        if token.kind not in kinds:
            raise Unauthenticated("this kind of token proves nothing here")
        credential = await self._find(token.kind, token.id)
        known = credential.secret_hash if credential is not None else None
        # compared in the same time whether it exists or not
        if not hmac.compare_digest(token.hash, known or "0" * 64) or credential is None:
            raise Unauthenticated("the token is not valid")
        if credential.is_expired:
            raise CredentialExpired("the key has expired", hint="make a new one")
        await self._note(token.kind, token.id, address)
        return credential.principal

    async def _find(self, kind: TokenKind, credential_id: UUID) -> Credential | None:
        now = self._monotonic()
        until, credential = self._known.get((kind, credential_id), (0.0, None))
        if until <= now:
            credential = await self._look_up(kind, credential_id)
            self._known[kind, credential_id] = (now + CACHE_SECONDS, credential)
            self._known.move_to_end((kind, credential_id))
            while len(self._known) > CACHED:
                self._known.popitem(last=False)
        return credential

    async def _look_up(self, kind: TokenKind, credential_id: UUID) -> Credential | None:
        if kind is TokenKind.KEY:
            return await self._credentials.key(credential_id)
        if kind is TokenKind.WORKER:
            return await self._credentials.worker(credential_id)
        return await self._credentials.session(credential_id)

    async def _note(self, kind: TokenKind, credential_id: UUID, address: str | None) -> None:
        now = self._monotonic()
        last = self._noted.get(credential_id)
        if last is not None and now - last < NOTE_SECONDS:
            return
        self._noted[credential_id] = now
        self._noted.move_to_end(credential_id)
        while len(self._noted) > CACHED:
            self._noted.popitem(last=False)
        await self._credentials.touch(kind, credential_id, address)
