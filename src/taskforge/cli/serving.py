"""What `taskforge serve` does: check who could get in, listen, serve, and end when told to."""

from __future__ import annotations

import ipaddress
import secrets
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from taskforge.api.server import Server, listen
from taskforge.api_session import api_application
from taskforge.cli.errors import note
from taskforge.cli.logs import write_logs
from taskforge.domain.access import BuiltinRole, system
from taskforge.domain.errors import Conflict
from taskforge.domain.ids import DEFAULT_ORGANIZATION
from taskforge.ports.acting import acting
from taskforge.runtime.liveness import NOWHERE, Liveness
from taskforge.runtime.process import run_until_complete
from taskforge.runtime.signals import on_stop_signals
from taskforge.runtime.systemd import STOPPING, Systemd
from taskforge.services.secret_key import check_secret_key, development_secret
from taskforge.settings import DATA_FOLDER, home
from taskforge.storage.address import masked
from taskforge.wiring import Wiring

if TYPE_CHECKING:
    import socket

    from taskforge.cli.session import Session
    from taskforge.platform import Platform
    from taskforge.settings import Settings

HOW_TO_BEGIN = "make the first one: taskforge users create you@example.com --role owner --administrator"
DEVELOPER = "admin@localhost"
DEVELOPMENT_KEY = "taskforge dev"


class Serving:
    """One server. ``development``: what is missing to begin with is made, and told."""

    def __init__(
        self, session: Session, *, host: str | None, port: int | None, development: bool, schedules: bool
    ) -> None:
        self._settings = _settings(session, host, port, development=development)
        self._development = development
        self._has_chosen_port = port is not None
        self._key: str | None = None
        self._schedules = schedules
        self._systemd = Systemd()
        write_logs(self._settings, verbose=session.verbose)

    def run(self) -> int:
        """Serve until a signal comes; answers 0. Raises WeakSecret, Conflict, and what `Wiring` raises."""
        check_secret_key(self._settings.secret_key)
        return run_until_complete(self._serve())

    async def _serve(self) -> int:
        wiring = Wiring(self._settings)
        listener = self._listen()
        try:
            platform = await wiring.platform()
            has_administrator = await platform.security.users.has_administrator()
            if self._development:
                self._key = await _begin(platform, has_administrator=has_administrator)
            elif not has_administrator:
                _check_reach(self._settings.host)
                note(f"there is no administrator yet; {HOW_TO_BEGIN}")
            server = Server(api_application(wiring, schedules=self._schedules), listener)
            async with AsyncExitStack() as telling:

                async def on_started() -> None:
                    self._introduce(server)
                    await telling.enter_async_context(Liveness(NOWHERE, self._systemd, _never_stalled))

                def stop() -> None:
                    self._systemd.tell(STOPPING)
                    server.stop()

                with on_stop_signals(stop):
                    await server.serve(on_started)
        finally:
            listener.close()
            await wiring.close()
        return 0

    def _listen(self) -> socket.socket:
        settings = self._settings
        try:
            return listen(settings.host, settings.port)
        except Conflict:
            if not self._development or self._has_chosen_port:
                raise
            note(f"port {settings.port} is taken: another one is used")
            return listen(settings.host, 0)

    def _introduce(self, server: Server) -> None:
        base = server.url + self._settings.root_path
        note(f"dashboard {base}/{f'#key={self._key}' if self._key else ''}")
        note(f"serving {base}/api/v1 (documentation: {base}/docs)")
        note(f"database {masked(self._settings.database_url)}")


def _settings(session: Session, host: str | None, port: int | None, *, development: bool) -> Settings:
    settings = session.settings()
    given: dict[str, Any] = {
        name: value for name, value in (("host", host), ("port", port)) if value is not None
    }
    if development and not settings.secret_key:
        from pathlib import Path

        given["secret_key"] = development_secret(home(Path.cwd()) / DATA_FOLDER)
    return replace(settings, **given)


def _never_stalled() -> float:
    """Of a server systemd sees whether its event loop turns; whether the database answers is for /health/ready."""
    return 0.0


def _check_reach(host: str) -> None:
    """Nobody could tell an intruder from the owner: only this machine may come in."""
    try:
        is_here = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_here = False
    if not is_here:
        raise Conflict(
            f"there is no administrator, so {host} is not served to other machines", hint=HOW_TO_BEGIN
        )


async def _begin(platform: Platform, *, has_administrator: bool) -> str:
    """An administrator to log in as, and a key to call with; a key of an earlier start ends. Answers the key."""
    security = platform.security
    with acting(system(DEVELOPMENT_KEY)):
        if not has_administrator:
            password = secrets.token_urlsafe(15)
            await security.users.create(
                DEFAULT_ORGANIZATION,
                DEVELOPER,
                password=password,
                role=BuiltinRole.OWNER,
                administrator=True,
            )
            note(f"administrator {DEVELOPER}, password {password} (shown this once)")
        for key in await security.keys.list(DEFAULT_ORGANIZATION):
            if key.name == DEVELOPMENT_KEY:
                await security.keys.revoke(DEFAULT_ORGANIZATION, key.id)
        _, text = await security.keys.create(DEFAULT_ORGANIZATION, DEVELOPMENT_KEY, role=BuiltinRole.OWNER)
    note(f"key for this start: {text}")
    return text
