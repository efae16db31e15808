"""A server for remote workers, in this process or in one of its own, whose callers are known by heart.

``python -m tests.support.remote PORT`` serves the database of the settings. The worker tokens hold over a restart.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

import uvicorn

from taskforge.api.server import spare_the_collector
from taskforge.api.stopping import stopping_of
from taskforge.api_session import api_application
from taskforge.domain.access import GRANTABLE, Permission, Principal, PrincipalKind
from taskforge.domain.errors import Unauthenticated
from taskforge.domain.ids import DEFAULT_ORGANIZATION, DEFAULT_PROJECT
from taskforge.settings import load_settings
from taskforge.wiring import Wiring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from taskforge.domain.ids import ProjectId, WorkerId

KEY = "key-of-the-administrator"
SECRET = "correct-horse-battery-staple-0123456789"
ADMINISTRATOR = Principal(
    PrincipalKind.KEY, UUID(int=0xAD), "admin", DEFAULT_ORGANIZATION, permissions=GRANTABLE
)


class ByHeart:
    """Knows one administrator, every worker by the id in its token, and who was added."""

    def __init__(self) -> None:
        self._others: dict[str, Principal] = {}

    def add(self, token: str, **changes: Any) -> None:
        """One more caller, like the administrator but for ``changes``."""
        self._others[token] = replace(ADMINISTRATOR, label=token, **changes)

    def remove(self, token: str) -> None:
        """This one is known no more."""
        del self._others[token]

    async def authenticate(self, token: str, *, address: str | None) -> Principal:
        if token == KEY:
            return ADMINISTRATOR
        if token in self._others:
            return self._others[token]
        kind, _, worker_id = token.partition("-")
        if kind != "worker":
            raise Unauthenticated("nobody holds this token")
        return Principal(
            PrincipalKind.WORKER,
            UUID(worker_id),
            "worker",
            DEFAULT_ORGANIZATION,
            DEFAULT_PROJECT,
            permissions=frozenset({Permission.WORKER_RUN}),
        )

    async def worker_token(self, registrar: Principal, project_id: ProjectId, worker_id: WorkerId) -> str:
        return f"worker-{worker_id}"


class Server(uvicorn.Server):
    """Tells its streams when it is to end."""

    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        stopping_of(self.config.app).set()  # type: ignore[arg-type]


def server_of(port: int, callers: ByHeart | None = None, **settings: Any) -> Server:
    """A server that is not yet started."""
    wiring = Wiring(load_settings({"secret_key": SECRET, **settings}))
    application = api_application(wiring, callers or ByHeart())
    config = uvicorn.Config(
        application, host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=5
    )
    return Server(config)


@contextmanager
def served(database_url: str, **settings: Any) -> Iterator[str]:
    """The address of a server in a thread of this process."""
    port = free_port()
    server = server_of(port, database_url=database_url, **settings)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), daemon=True)
    thread.start()
    for _ in range(1000):
        if server.started:
            break
        thread.join(0.02)
        assert thread.is_alive(), "the server has ended"
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.handle_exit(2, None)
        thread.join(20)
        assert not thread.is_alive(), "the server does not end"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    spare_the_collector()
    server_of(int(sys.argv[1])).run()
