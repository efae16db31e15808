"""The services of access over the stores of a stage."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from taskforge.domain.ids import DEFAULT_ORGANIZATION
from taskforge.services.access import Access
from taskforge.services.access_tokens import AccessTokens
from taskforge.services.keys import Keys
from taskforge.services.logins import Logins
from taskforge.services.passwords import Passwords
from taskforge.services.people import Roles, Users
from taskforge.services.tenants import Organizations, Projects
from taskforge.storage.credentials import SqlCredentialStore, SqlKeyStore
from taskforge.storage.logins import SqlAttemptStore, SqlSessionStore
from taskforge.storage.people import SqlPeopleStore
from taskforge.storage.tenants import SqlTenantStore

if TYPE_CHECKING:
    from taskforge.domain.access import Principal
    from taskforge.domain.people import Member
    from tests.conformance.stage import Stage

SECRET = "b3wEwJrQ5m0l8fV2aY7dXz1pT6uKhNcGsO9iLqRe4=xB+"
PASSWORD = "correct horse battery"
ADDRESS = "203.0.113.7"


class House:
    """The services of access over the stores of a stage; the cache has a clock that tests move."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.seconds = 0.0
        self.people = SqlPeopleStore(stage.engine, stage.mint)
        tenants = SqlTenantStore(stage.engine, stage.mint)
        self.passwords = Passwords()
        self.tokens = AccessTokens([SECRET], now=stage.clock.now, mint=stage.mint)
        self.access = self.process()
        self.organizations = Organizations(tenants, lambda: None)
        self.projects = Projects(tenants)
        self.users = Users(self.people, self.passwords, self.access.forget)
        self.roles = Roles(self.people, self.access.forget)
        self.keys = Keys(
            SqlKeyStore(stage.engine),
            tenants,
            stage.queues,
            mint=stage.mint,
            random=secrets.token_bytes,
            forget=self.access.forget,
        )
        self.logins = Logins(
            self.people,
            SqlSessionStore(stage.engine),
            SqlAttemptStore(stage.engine),
            self.passwords,
            self.tokens,
            secret=SECRET,
            mint=stage.mint,
            random=secrets.token_bytes,
            forget=self.access.forget,
        )

    def process(self) -> Access:
        """The access of another process: nobody tells it to forget anything."""
        return Access(SqlCredentialStore(self.stage.engine), self.tokens, monotonic=lambda: self.seconds)

    async def who(self, token: str, access: Access | None = None) -> Principal:
        return await (access or self.access).authenticate(token, address=ADDRESS)

    async def user(self, role: str, email: str | None = None, **values: Any) -> Member:
        return await self.users.create(
            values.pop("organization", DEFAULT_ORGANIZATION),
            email or f"{role}@example.com",
            password=PASSWORD,
            role=role,
            **values,
        )

    async def principal(self, role: str, **values: Any) -> Principal:
        """Somebody of this role who has logged in."""
        member = await self.user(role, **values)
        return await self.who((await self.logins.login(member.email, PASSWORD)).access_token)
