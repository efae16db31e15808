"""An installation with two organizations, callers of every kind, and a client that speaks for one of them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import httpx2
from fastapi import FastAPI

from taskforge.api_session import api_application
from taskforge.domain.access import GRANTABLE, Permission, Principal, PrincipalKind
from taskforge.domain.errors import Unauthenticated
from taskforge.domain.ids import DEFAULT_ORGANIZATION, ProjectId, WorkerId
from taskforge.settings import load_settings
from taskforge.wiring import Wiring

ADMIN = Principal(PrincipalKind.KEY, UUID(int=0xAD), "admin", DEFAULT_ORGANIZATION, permissions=GRANTABLE)
SECRET = "k7Qw2ZrT9xLmB4vN8sPd3HfJ6yUaC1eG5oXiRtYb"


@dataclass
class KnownCallers:
    """Tokens and whose they are."""

    callers: dict[str, Principal] = field(default_factory=lambda: {"admin": ADMIN})

    async def authenticate(self, token: str, *, address: str | None) -> Principal:
        if token not in self.callers:
            raise Unauthenticated("nobody holds this token")
        return self.callers[token]

    async def worker_token(self, registrar: Principal, project_id: ProjectId, worker_id: WorkerId) -> str:
        return self.add(
            f"worker-{worker_id}",
            kind=PrincipalKind.WORKER,
            id=worker_id,
            project_id=project_id,
            permissions=frozenset({Permission.WORKER_RUN}),
        )

    def add(self, token: str, **changes: Any) -> str:
        """One more caller, like the administrator but for ``changes``."""
        self.callers[token] = replace(ADMIN, label=token, **changes)
        return token


class Client:
    """Speaks for one caller."""

    def __init__(self, http: httpx2.AsyncClient, token: str | None = "admin") -> None:
        self.http = http
        self.token = token

    def as_(self, token: str | None) -> "Client":
        """The same, for another caller."""
        return Client(self.http, token)

    async def send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> httpx2.Response:
        """One request below /api/v1, unless the path begins with two slashes."""
        url = path[1:] if path.startswith("//") else f"/api/v1{path}"
        given = {} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        return await self.http.request(method, url, headers={**given, **(headers or {})}, **options)

    async def get(self, path: str, **options: Any) -> httpx2.Response:
        return await self.send("GET", path, **options)

    async def post(self, path: str, json: Any = None, **options: Any) -> httpx2.Response:
        if json is not None:
            options["json"] = json
        return await self.send("POST", path, **options)

    async def patch(self, path: str, json: Any, **options: Any) -> httpx2.Response:
        return await self.send("PATCH", path, json=json, **options)

    async def delete(self, path: str, **options: Any) -> httpx2.Response:
        return await self.send("DELETE", path, **options)


@dataclass
class Installation:
    """The application while it runs."""

    application: FastAPI
    client: Client
    callers: KnownCallers


@asynccontextmanager
async def running(url: str, *, own_credentials: bool = False, **settings: Any) -> AsyncIterator[Installation]:
    """The application over a database, without a network; with the callers above, or with credentials of its own."""
    callers = KnownCallers()
    wiring = Wiring(load_settings({"database_url": url, "secret_key": SECRET, **settings}))
    application = api_application(wiring, None if own_credentials else callers)
    async with application.router.lifespan_context(application):
        transport = httpx2.ASGITransport(app=application, client=("127.0.0.1", 4711))
        async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as http:
            yield Installation(application, Client(http), callers)
