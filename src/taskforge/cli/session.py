"""What every command starts from: the global options, the settings they lead to, an open platform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from taskforge.domain.errors import InvalidInput, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import typer

    from taskforge.app import TaskForge
    from taskforge.cli.desk import Desk
    from taskforge.client import Client
    from taskforge.platform import Platform
    from taskforge.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Session:
    """The global options of one run of the command."""

    database_url: str | None = None
    project: str | None = None
    verbose: bool = False
    server: str | None = None
    key: str | None = None
    log_format: str | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """The settings that were given as options."""
        given = {
            "database_url": self.database_url,
            "project": self.project,
            "server": self.server,
            "key": self.key,
            "log_format": self.log_format,
        }
        return {name: value for name, value in given.items() if value is not None}

    def settings(self) -> Settings:
        """The effective settings. Raises InvalidSetting; InvalidInput for a key that nobody is shown."""
        from taskforge.settings import load_settings

        settings = load_settings(self.arguments)
        if self.key is not None and settings.server is None:
            raise InvalidInput(
                "--key is for a server, and none is named",
                field="--key",
                hint="give --server URL, or set TASKFORGE_SERVER; beside a database leave --key out",
            )
        return settings

    def run(self, command: str, work: Callable[[Platform], Awaitable[T]]) -> T:
        """Do something with the services of the project, for a command that does not go through a server.

        Raises InvalidInput when one is set, and what `Wiring` raises.
        """
        from taskforge.cli.commands import goes_without

        settings = self.settings()
        if settings.server is not None:
            raise goes_without(command)
        return self._beside_database(settings, work)

    def _beside_database(self, settings: Settings, work: Callable[[Platform], Awaitable[T]]) -> T:
        """In the audit log stands the user of this system, on this host."""
        import asyncio
        import socket

        from taskforge.cli.options import person
        from taskforge.domain.access import system
        from taskforge.ports.acting import acting
        from taskforge.wiring import Wiring

        wiring = Wiring(settings)

        async def main() -> T:
            try:
                with acting(system(f"{person(None) or 'somebody'}@{socket.gethostname()}")):
                    return await work(await wiring.platform())
            finally:
                await wiring.close()

        return asyncio.run(main())

    def ask(self, work: Callable[[Desk], Awaitable[T]]) -> T:
        """Ask or order something, of the server if one is set, else of the database. Raises InvalidInput as well."""
        settings = self.settings()
        if settings.server is None:
            from taskforge.cli.local_desk import LocalDesk

            return self._beside_database(settings, lambda platform: work(LocalDesk(platform)))
        import asyncio

        from taskforge.cli.remote_desk import RemoteDesk

        client = self._client(settings)

        async def main() -> T:
            async with client:
                return await work(RemoteDesk(client))

        return asyncio.run(main())

    def _client(self, settings: Settings) -> Client:
        from taskforge.client import Client

        if self.project is not None:
            raise InvalidInput(
                "with a server the key says which project is meant", field="--project", hint="leave it out"
            )
        if settings.server is None or settings.key is None:
            raise Unauthenticated(
                f"the server {settings.server} wants to know who asks",
                hint="give --key, or set TASKFORGE_KEY; an administrator makes keys: taskforge keys create",
            )
        return Client(settings.server, settings.key)

    def application(self, reference: str | None) -> TaskForge:
        """The application of that name, or the one found by itself; the global options go before its code."""
        from taskforge.cli.applications import find_application

        application = find_application(reference, self.settings())
        application.configure(**self.arguments)
        return application


def session_of(context: typer.Context) -> Session:
    """The session that the global options have made."""
    session = context.find_object(Session)
    return Session() if session is None else session
