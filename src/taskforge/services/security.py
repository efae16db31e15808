"""All services of access together, over the stores that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from taskforge.services.access import Access
from taskforge.services.access_tokens import AccessTokens
from taskforge.services.keys import Keys
from taskforge.services.logins import Logins
from taskforge.services.passwords import Passwords
from taskforge.services.people import Roles, Users
from taskforge.services.secret_key import check_secret_key
from taskforge.services.tenants import Organizations, Projects

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from taskforge.ports.credentials import AttemptStore, CredentialStore, KeyStore, SessionStore
    from taskforge.ports.people import PeopleStore
    from taskforge.ports.queues import QueueStore
    from taskforge.ports.tenants import TenantStore
    from taskforge.services.limits import LimitGuard


@dataclass(frozen=True, slots=True)
class SecurityStores:
    """What is kept of tenants, people and credentials."""

    tenants: TenantStore
    people: PeopleStore
    keys: KeyStore
    credentials: CredentialStore
    sessions: SessionStore
    attempts: AttemptStore
    queues: QueueStore


class Security:
    """Who may do what, in all organizations. One for a process: ``access`` remembers for a moment what it has seen.

    ``secret`` and ``previous_secret`` sign access tokens; ``random`` gives that many random bytes.
    """

    def __init__(
        self,
        stores: SecurityStores,
        limits: LimitGuard,
        *,
        secret: str | None,
        previous_secret: str | None,
        now: Callable[[], datetime],
        mint: Callable[[], UUID],
        random: Callable[[int], bytes],
    ) -> None:
        self._stores = stores
        self._secret = secret
        self._mint = mint
        self._random = random
        self._passwords = Passwords()
        secrets = [each for each in (secret, previous_secret) if each]
        self._tokens = AccessTokens(secrets, now=now, mint=mint) if secret else None
        self.access = Access(stores.credentials, self._tokens)
        self.limits = limits
        self.organizations = Organizations(stores.tenants, self._forget)
        self.projects = Projects(stores.tenants)
        self.users = Users(stores.people, self._passwords, self.access.forget)
        self.roles = Roles(stores.people, self.access.forget)
        self.keys = Keys(
            stores.keys, stores.tenants, stores.queues, mint=mint, random=random, forget=self.access.forget
        )

    def _forget(self) -> None:
        self.limits.forget()
        self.access.forget()

    def logins(self) -> Logins:
        """Logging in and out. Raises WeakSecret when there is no secret key that can serve."""
        secret = check_secret_key(self._secret)
        if self._tokens is None:
            raise AssertionError("a secret that serves signs")
        return Logins(
            self._stores.people,
            self._stores.sessions,
            self._stores.attempts,
            self._passwords,
            self._tokens,
            secret=secret,
            mint=self._mint,
            random=self._random,
            forget=self.access.forget,
        )

    def close(self) -> None:
        """End the threads that hash passwords."""
        self._passwords.close()
